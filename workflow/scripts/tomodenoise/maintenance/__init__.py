"""Checks between runs: damaged products and leftover cluster jobs."""
