"""Projections to sections whose noise is independent."""
