"""Reconstruction of slices from projections."""
