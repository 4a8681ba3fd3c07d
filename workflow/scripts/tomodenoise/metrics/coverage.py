"""Angular coverage of a scan: sampling, gaps and missing wedge."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import directions
from tomodenoise.splitting.model import Split


@dataclass(frozen=True)
class Coverage:
    """Angular coverage of a scan and of its sections."""

    projections: int
    sections: int
    per_section: int
    """Number of projections in the smallest section."""
    sampling: float
    """Projections per section and column, A / (K N): if it is small, the uMSE is optimistic."""
    sampling_full: float
    """The same for all projections; π/2 samples the whole slice [Crowther et al., Proc. R. Soc. A 317, 319 (1970)]."""
    sampled_diameter: float
    """Diameter of the disc around the axis that all angles sample fully, pixels: 2 N / π for N directions."""
    columns: int
    widest_gap: float
    """Largest angle between neighbouring directions of the scan without the missing ranges, degrees."""
    widest_section_gap: float
    """The same for any section, in units of its mean gap."""
    missing_wedge: float
    """Degrees of the half-turn without projections, all ranges together."""
    gaps: int
    """Number of ranges without projections."""
    full_turn: bool


def cover(split: Split, columns: int) -> Coverage:
    """Return the angular coverage of a scan; ``columns`` is the width of a slice in pixels."""
    angles = np.concatenate([section.angles for section in split.sections])
    full_turn = bool(directions.is_full_turn(angles))
    turn = directions.FULL if full_turn else directions.HALF
    fewest = min(len(section.angles) for section in split.sections)
    gaps = [_gaps(section.angles, turn) for section in split.sections]
    return Coverage(
        projections=len(angles),
        sections=len(split.sections),
        per_section=fewest,
        sampling=fewest / columns,
        sampling_full=len(angles) / columns,
        # Opposite views of a full turn measure the same rays.
        sampled_diameter=2 * len(angles) / np.pi / (2 if full_turn else 1),
        columns=columns,
        widest_gap=float(np.degrees(_gaps(angles, turn).max())),
        widest_section_gap=float(max(section.max() / section.mean() for section in gaps)),
        missing_wedge=split.missing_wedge,
        gaps=len(split.gaps),
        full_turn=full_turn,
    )


def _gaps(angles: FloatArray, turn: float) -> FloatArray:
    """Return the gaps between neighbouring directions without the missing ranges, (n,) radians."""
    gaps, _ = directions.covered_gaps(np.sort(np.mod(angles, turn)), turn)
    return gaps
