"""Mean flats and darks of each section, interpolated in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.correction.repairing import all_finite
from tomodenoise.scans.description import Frames, Scan
from tomodenoise.scans.reading import read


@dataclass(frozen=True)
class Reference:
    """Mean flats or darks with the times at which they were taken."""

    times: FloatArray  # (g,) ascending, in units of projections
    means: FloatArray  # (g, rows, columns) float32

    def at(self, time: float) -> FloatArray:
        """Return the mean frame (rows, columns) at a time: linear between groups, constant before and after all."""
        after = int(np.searchsorted(self.times, time))
        if after in {0, len(self.times)}:
            return np.asarray(self.means[min(after, len(self.times) - 1)])
        start, stop = self.times[after - 1 : after + 1]
        share = np.float32((time - start) / (stop - start))
        return np.asarray(self.means[after - 1] + share * (self.means[after] - self.means[after - 1]))


def means(
    groups: Sequence[Frames],
    rows: tuple[int, int],
    shape: tuple[int, int],
    sections: int,
    clean: Callable[[FloatArray], None] | None = None,
) -> tuple[Reference, ...]:
    """Average each section's frames in each group; zero without any group, as for missing darks.

    `clean` takes the frames of a group, (n, rows, columns), and repairs them in place.
    """
    if not groups:
        return (Reference(np.zeros(1), np.zeros((1, *shape), dtype=np.float32)),) * sections
    averages = np.empty((sections, len(groups), *shape), dtype=np.float32)
    members = distribute([len(group.indices) for group in groups], sections)
    for number, group in enumerate(groups):
        frames = read(group, rows)
        if clean is not None:
            clean(frames)
        for section in range(sections):
            averages[section, number] = _mean(frames[members[section][number]])
    times = np.array([group.time for group in groups])
    return tuple(Reference(times, average) for average in averages)


def _mean(frames: FloatArray) -> FloatArray:
    """Return the mean (rows, columns) of the finite values of each pixel; NaN where there are none."""
    if all_finite(frames):
        return np.asarray(frames.mean(axis=0, dtype=np.float64))
    finite = np.isfinite(frames)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, frames, 0).sum(axis=0, dtype=np.float64) / finite.sum(axis=0))


def is_shared(sizes: Sequence[int], sections: int) -> bool:
    """Return whether a group has too few flats or darks for one per section, so that all sections share all."""
    return any(size < sections for size in sizes)


def distribute(sizes: Sequence[int], sections: int) -> tuple[tuple[IntArray, ...], ...]:
    """Distribute flats or darks over the sections, so that no two sections share noise.

    Parameters
    ----------
    sizes : number of frames in each group, such as before and after the projections.
    sections : number of sections.

    Returns
    -------
    For each section and each group, the positions of its frames in the group. Frames go to the sections in turn,
    continuing from group to group; if `is_shared`, every section has all frames.

    Notes
    -----
    The mean of 10 flats shared by all sections correlates their noise by 0.2 to 0.55, that of 200 by 0.04.
    """
    if is_shared(sizes, sections):
        return (tuple(np.arange(size) for size in sizes),) * sections
    first = np.cumsum([0, *sizes[:-1]])
    return tuple(
        tuple(np.arange((section - start) % sections, size, sections) for start, size in zip(first, sizes, strict=True))
        for section in range(sections)
    )


def around(groups: Sequence[Frames], first: int, last: int) -> Sequence[Frames]:
    """Select the groups, in order of time, that the projections ``first:last`` need; see `Reference.at`."""
    earlier = [number for number, group in enumerate(groups) if group.time <= first]
    later = [number for number, group in enumerate(groups) if group.time >= last - 1]
    return groups[max(earlier, default=0) : min(later, default=len(groups) - 1) + 1]


@dataclass(frozen=True)
class References:
    """Flats and darks that some rows of counts are corrected with."""

    darks: tuple[Reference, ...]  # one for each section; dead pixels are NaN
    beams: tuple[Reference, ...]  # flats minus dark, one for each section
    section: IntArray  # (A,) section of each projection
    dead: BoolArray  # (rows, columns) mask of pixels without beam in some flats

    def dark(self, number: int) -> FloatArray:
        """Return the mean dark (rows, columns) for a projection."""
        return self.darks[int(self.section[number])].at(number)

    def beam(self, number: int) -> FloatArray:
        """Return the mean flat minus dark (rows, columns) for a projection."""
        return self.beams[int(self.section[number])].at(number)

    def mean_beam(self) -> FloatArray:
        """Return the beam (rows, columns) averaged over sections and time."""
        return np.asarray(np.mean([beam.means.mean(axis=0) for beam in self.beams], axis=0))


def references(
    scan: Scan,
    rows: tuple[int, int],
    assignment: IntArray | None,
    clean: Callable[[FloatArray], None] | None = None,
    part: tuple[int, int] | None = None,
) -> References:
    """Read the flats and darks of some detector rows and average them for each section; `clean` as in `means`.

    With ``part``, a range [start, stop) of projections, only the groups that it needs are read.
    """
    grouped: list[Sequence[Frames]] = [scan.darks, scan.flats]
    if part not in {None, (0, len(scan.angles))}:
        grouped = [around(groups, *part) for groups in grouped]
    section = np.zeros(len(scan.angles), dtype=np.int64) if assignment is None else assignment
    shape = (rows[1] - rows[0], scan.columns)
    darks, flats = (means(groups, rows, shape, int(section.max()) + 1, clean) for groups in grouped)
    beams = tuple(
        Reference(flat.times, flat.means - np.stack([dark.at(time) for time in flat.times]))
        for flat, dark in zip(flats, darks, strict=True)
    )
    alive = np.all([beam.means > 0 for beam in beams], axis=(0, 1))
    marked = tuple(Reference(dark.times, np.where(alive, dark.means, np.float32(np.nan))) for dark in darks)
    return References(marked, beams, section, ~alive)
