"""Apply a trained network to a volume, slab by slab."""
