"""Division of a reconstruction into steps that suit the caches of a CPU, or the memory of a GPU."""

from dataclasses import dataclass

from tomodenoise.reconstruction.engines.spreading import SAMPLE_BYTES, TAPS

MEMORY_SHARE = 0.5
"""Share of a GPU's free memory for matrix and slices; the rest is for iterative algorithms and workspace."""

MOST_SLICES = 64
"""Slices at once on a GPU.

Measured there with one matrix, 2048 columns and 1500 angles: 0.72 ms a slice for 8 slices, 0.52 for 16, 0.42 for 32.
"""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the grids of a set of angles."""

    angles: int
    columns: int  # N: detector columns, and pixels along both sides of a slice
    size: int  # M: grid points along both sides
    length: int  # L: pixels of a padded projection

    @property
    def grid_rows(self) -> int:
        """Rows of the half plane, with those that the kernel reaches beyond it."""
        return self.size // 2 + TAPS

    @property
    def matrix_bytes(self) -> int:
        """Bytes of the spreading matrix."""
        return SAMPLE_BYTES * self.angles * (self.length // 2 + 1)

    @property
    def slice_bytes(self) -> int:
        """Bytes of a slice in work: samples twice, three copies of the grid, half plane, images, projections."""
        samples = 2 * 8 * self.angles * (self.length // 2 + 1)
        planes = 8 * self.grid_rows * (3 * self.size + self.columns)
        return samples + planes + 8 * self.columns**2 + 4 * self.angles * self.columns


@dataclass(frozen=True)
class Passes:
    """Steps of a reconstruction. On a CPU slices have the same bits with any of them."""

    slices: int  # per sparse product
    strip: int  # grid rows per matrix


PROCESSOR = Passes(slices=4, strip=16)
"""With fewer slices the matrix is read too often, more do not fit the cache; nor does the FFT of a larger strip."""


def passes(sizes: Sizes, free: int | None) -> Passes:
    """Choose the steps.

    Parameters
    ----------
    free : free bytes of a GPU, None for a CPU.

    Returns
    -------
    On a GPU a single matrix, and as many slices as fit, from 1 to `MOST_SLICES`.
    """
    if free is None:
        return PROCESSOR
    fitting = (int(MEMORY_SHARE * free) - sizes.matrix_bytes) // sizes.slice_bytes
    return Passes(slices=min(max(fitting, 1), MOST_SLICES), strip=sizes.grid_rows)
