"""Sections and the roles that they take in training, and their form in `split.json`."""

from dataclasses import asdict, dataclass
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
    """(n,) radians: the angle that each projection stands for; the sum is the same for every section."""
    share: float
    """Weight of this section's reconstruction in the full one; the shares of all sections sum to one."""


@dataclass(frozen=True)
class Role:
    """One way to use the sections in training: the mean of ``inputs`` predicts the mean of ``targets``."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    context: tuple[int, ...] = ()
    """Time steps that the network sees one by one, the one of ``inputs`` in their middle; none of the targets."""

    @property
    def seen(self) -> tuple[tuple[int, ...], ...]:
        """What the network sees: sections that are averaged, for each of its time steps."""
        return tuple((step,) for step in self.context) or (self.inputs,)


@dataclass(frozen=True)
class Interlacing:
    """How evenly the angles of some consecutive time steps cover the circle together; see `steps.interlacing`."""

    group: int
    """Number of steps."""
    directions: int
    figure: float
    """Widest gap over the mean one."""
    verdict: str


@dataclass(frozen=True)
class Split:
    """The sections of a scan and the roles that they take in turn."""

    sections: tuple[Section, ...]
    """One time step after the other, as many for each."""
    roles: tuple[Role, ...]
    """Of consecutive sections, numbered from the first of them: of all, or of those of one step or one group."""
    missing_wedge: float
    """Degrees of the half-turn that no projection covers; 0 for a complete scan. Of the worst time step."""
    why: str = ""
    """Reason for the number of sections, where it was not given."""
    times: int = 1
    """Time steps."""
    interlacing: Interlacing | None = None
    """Where whole steps predict each other."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Degrees (from, to) of each range without projections, of the worst time step; see `directions.covered_gaps`."""
    unused: tuple[int, ...] = ()
    """Positions in the scan of projections that are in no section, ascending."""

    @property
    def members(self) -> int:
        """Number of sections that take roles together."""
        return 1 + max(number for role in self.roles for number in (*role.inputs, *role.targets))

    @property
    def each(self) -> int:
        """Number of sections of a time step."""
        return len(self.sections) // self.times


def to_json(found: Split) -> dict[str, Any]:
    """Plain values for `split.json`; angles in degrees for people, the rest as in `Section`."""
    return {
        "sections": [
            {
                "share": section.share,
                "indices": section.indices.tolist(),
                "angles_degrees": np.degrees(section.angles).tolist(),
                "weights": section.weights.tolist(),
            }
            for section in found.sections
        ],
        "roles": [{"inputs": role.inputs, "targets": role.targets} for role in found.roles],
        "missing_wedge_degrees": found.missing_wedge,
        "why": found.why,
        **({} if found.times == 1 else {"times": found.times}),
        **({} if found.interlacing is None else {"interlacing": asdict(found.interlacing)}),
        **({} if not found.gaps else {"gaps_degrees": found.gaps}),
        **({} if not found.unused else {"unused": found.unused}),
    }


def from_json(values: dict[str, Any]) -> Split:
    """Read what `to_json` wrote."""
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
