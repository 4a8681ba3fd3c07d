"""Simulated scans of known objects: phantoms, exact projections, a detector with faults, and the file layouts."""
