"""Raw frames to line integrals: flats and darks, zingers, phase, -log without bias, repair, air and stripes.

All but the last act on one frame at a time, on a pixel or its row, or on a few rows of the scan around it: a slab
comes out the same, bit for bit, whichever rows are worked on beside it; with phase within 1e-4. Stripes are removed
from the sinogram of one row.
"""
