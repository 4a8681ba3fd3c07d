"""The three orthogonal planes of a volume, means of its channels, collected slab by slab while it is denoised."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tomodenoise import spectra
from tomodenoise.arrays import FloatArray

NAMES = {"axial": "axial (z)", "coronal": "coronal (y)", "sagittal": "sagittal (x)"}


@dataclass(frozen=True)
class Planes:
    """A slab's part of the planes through the middle of a volume."""

    coronal: FloatArray
    """(2, z, x) before and after."""
    sagittal: FloatArray
    """(2, z, y) before and after."""
    axial: FloatArray
    """(2, y, x) before and after, or (2, 0, 0) in a slab without the middle slice."""
    middle: int
    """Position of the middle slice in the slab, negative or too large where it is in another."""
    spectra: spectra.Chosen
    """What `spectra.choose` picks of the middle slice, of several channels."""

    @classmethod
    def empty(cls, rows: tuple[int, int], depth: int, size: int) -> "Planes":
        """Make room for the planes of the rows start:stop."""
        middle, count = depth // 2 - rows[0], rows[1] - rows[0]
        edge = size if 0 <= middle < count else 0
        side = np.empty((2, count, size), dtype=np.float32)
        return cls(side, side.copy(), np.empty((2, edge, edge), dtype=np.float32), middle, {})

    def add(self, number: int, before: FloatArray, after: FloatArray) -> None:
        """Take what the planes need of slice ``number`` of the slab, (channel, y, x) before and after."""
        for state, image in enumerate((before.mean(axis=0), after.mean(axis=0))):
            self.coronal[state, number] = image[image.shape[0] // 2]
            self.sagittal[state, number] = image[:, image.shape[1] // 2]
            if number == self.middle:
                self.axial[state] = image
        if number == self.middle and len(before) > 1:
            self.spectra.update(spectra.choose(before, after))

    def save(self, path: Path) -> None:
        """Write the planes to an npz file."""
        planes = {"axial": self.axial, "coronal": self.coronal, "sagittal": self.sagittal}
        np.savez(path, allow_pickle=False, **planes, **self.spectra)


def join(slabs: Sequence[Path]) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Read the planes of a whole volume from those of its slabs, in order: name to (before, after)."""
    parts = [dict(_load(path)) for path in slabs]
    whole = {name: np.concatenate([part[name] for part in parts], axis=1) for name in ("coronal", "sagittal")}
    whole["axial"] = next(part["axial"] for part in parts if part["axial"].size)
    return {title: (whole[name][0], whole[name][1]) for name, title in NAMES.items()}


def _load(path: Path) -> Iterator[tuple[str, FloatArray]]:
    with np.load(path, allow_pickle=False) as arrays:
        yield from arrays.items()
