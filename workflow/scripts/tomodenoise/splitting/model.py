"""Sections, their roles in training, and their form in `split.json`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Section:
    """Projections that are reconstructed together."""

    indices: IntArray
    """(n,) positions in the scan, ascending."""
    angles: FloatArray
    """(n,) radians."""
    weights: FloatArray
    """(n,) radians: the range of angles each projection represents; the sum is the same for every section."""
    share: float
    """Weight of this section's reconstruction in the full one; the shares of all sections sum to one."""


@dataclass(frozen=True)
class Role:
    """One way to use the sections in training: the mean of ``inputs`` predicts the mean of ``targets``."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    context: tuple[int, ...] = ()
    """Time steps that are separate inputs of the network, ``inputs`` in the middle; none of them is a target."""

    @property
    def seen(self) -> tuple[tuple[int, ...], ...]:
        """Sections to average for each time step that the network sees."""
        return tuple((step,) for step in self.context) or (self.inputs,)


@dataclass(frozen=True)
class Interlacing:
    """Evenness with which consecutive time steps cover the circle together; see `time_steps.interlacing`."""

    group: int
    """Number of steps."""
    directions: int
    """Number of distinct directions of the group."""
    figure: float
    """Widest gap divided by the mean gap."""
    verdict: str


@dataclass(frozen=True)
class Split:
    """Sections of a scan and the roles that they take in turn."""

    sections: tuple[Section, ...]
    """Ordered by time step, equally many for each."""
    roles: tuple[Role, ...]
    """Roles of consecutive sections, numbered from 0: of all sections, of one time step, or of one group of steps."""
    missing_wedge: float
    """Degrees of the half-turn without projections, in the worst time step; 0 for a complete scan."""
    why: str = ""
    """Reason for the number of sections, if chosen automatically."""
    times: int = 1
    """Number of time steps."""
    interlacing: Interlacing | None = None
    """Set if whole steps predict each other."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Degrees (from, to) of each range without projections in the worst time step; see `directions.missing_ranges`."""
    unused: tuple[int, ...] = ()
    """Positions of the projections that are in no section, ascending."""

    @property
    def members(self) -> int:
        """Number of sections that take roles together."""
        return 1 + max(number for role in self.roles for number in (*role.inputs, *role.targets))

    @property
    def per_step(self) -> int:
        """Number of sections of a time step."""
        return len(self.sections) // self.times


def to_json(split: Split) -> dict[str, Any]:
    """Return plain values for `split.json`; angles in degrees for readability, the rest as in `Section`."""
    return {
        "sections": [
            {
                "share": section.share,
                "indices": section.indices.tolist(),
                "angles_degrees": np.degrees(section.angles).tolist(),
                "weights": section.weights.tolist(),
            }
            for section in split.sections
        ],
        "roles": [{"inputs": role.inputs, "targets": role.targets} for role in split.roles],
        "missing_wedge_degrees": split.missing_wedge,
        "why": split.why,
        **({} if split.times == 1 else {"times": split.times}),
        **({} if split.interlacing is None else {"interlacing": asdict(split.interlacing)}),
        **({} if not split.gaps else {"gaps_degrees": split.gaps}),
        **({} if not split.unused else {"unused": split.unused}),
    }


def from_json(values: dict[str, Any]) -> Split:
    """Restore a split from the values of `to_json`."""
    sections = tuple(
        Section(np.asarray(s["indices"]), np.radians(s["angles_degrees"]), np.asarray(s["weights"]), s["share"])
        for s in values["sections"]
    )
    roles_ = tuple(Role(tuple(r["inputs"]), tuple(r["targets"])) for r in values["roles"])
    measured = Interlacing(**values["interlacing"]) if "interlacing" in values else None
    return Split(
        sections,
        roles_,
        values["missing_wedge_degrees"],
        values["why"],
        values.get("times", 1),
        measured,
        tuple((first, last) for first, last in values.get("gaps_degrees", ())),
        tuple(values.get("unused", ())),
    )


def read(file: Path) -> Split:
    """Read `split.json`."""
    return from_json(json.loads(file.read_text()))
