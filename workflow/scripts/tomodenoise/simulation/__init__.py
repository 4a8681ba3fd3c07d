"""Scans of a known object: phantom, exact projections, a detector with its faults, and the file layouts."""
