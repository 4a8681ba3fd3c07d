"""Division of the projections into sections with independent noise."""
