"""Raw frames to line integrals: flats and darks, zingers, phase, -log without bias, repair, air and stripes.

All steps but the last act on one frame at a time: on a pixel, on its row, or on a few neighbouring rows. A slab is
therefore bitwise independent of the other rows in the job, or within 1e-4 with phase retrieval. Stripes are removed
from the sinogram of one row.
"""
