"""Application of a trained network to a volume, slab by slab."""
