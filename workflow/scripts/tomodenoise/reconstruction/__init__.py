"""Projections to slices."""
