"""Similarity of the conditions of two trainings: a few terms, each explained, as a table for the log."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tomodenoise.networks.model_file import Description

Value = float | str
Conditions = Mapping[str, tuple[Value, ...]]
"""Known conditions of the scans of a model by the key of a term, without unknown ones."""


@dataclass(frozen=True)
class Term:
    """A condition that counts."""

    key: str
    label: str
    weight: float
    why: str
    limits: bool = True
    """Whether a model whose value differs too much is not tried."""


TERMS = (
    Term("noise", "noise / contrast", 3, "the network has learned how strong the noise is"),
    Term("pixel_size", "pixel size, µm", 2, "it determines the size of structures in pixels"),
    Term("density", "angles per column", 1, "it determines how strong streaks are"),
    Term("contrast", "contrast, 1/pixel", 0.5, "grey values are scaled to those of the scan", limits=False),
    Term("energy", "energy, keV", 0.5, "it changes the contrast between materials"),
    Term("facility", "facility", 0.5, "similar beam and detector", limits=False),
    Term("instrument", "instrument", 1, "same detector and artefacts", limits=False),
)
"""The network is not a term: it must be the same, because the jobs are planned for it."""


@dataclass(frozen=True)
class Row:
    """Comparison of one condition."""

    term: Term
    here: tuple[Value, ...]
    there: tuple[Value, ...]

    @property
    def apart(self) -> float | None:
        """Distance: octaves between numbers, 0 or 1 between names; None if either is unknown."""
        if not (self.here and self.there):
            return None
        names = isinstance(self.here[0], str)
        return _names_apart(self.here, self.there) if names else _octaves(self.here, self.there)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Likeness:
    """Comparison of a scan with the conditions of a model."""

    rows: tuple[Row, ...]

    @property
    def distance(self) -> float | None:
        """Weighted mean of the known distances; None if none is known. Unknown conditions count for nothing."""
        known = [(row.term.weight, row.apart) for row in self.rows if row.apart is not None]
        if not known:
            return None
        return sum(weight * apart for weight, apart in known) / sum(weight for weight, _ in known)

    @property
    def known(self) -> int:
        """Number of conditions known for both."""
        return sum(row.apart is not None for row in self.rows)

    def too_far(self, factor: float) -> list[str]:
        """Name the numbers that differ by more than a factor."""
        limit = math.log2(factor) + 1e-9
        far = [row for row in self.rows if row.term.limits and (row.apart or 0) > limit]
        return [f"{row.term.label} {spelled(row.there)}, here {spelled(row.here)}" for row in far]


def compare(here: Conditions, there: Conditions) -> Likeness:
    """Compare the conditions of a scan with those of a model."""
    return Likeness(tuple(Row(term, here.get(term.key, ()), there.get(term.key, ())) for term in TERMS))


def of_scans(known: Mapping[str, Mapping[str, Any]], measured: Mapping[str, float | None]) -> Conditions:
    """Return the conditions of some scans.

    Parameters
    ----------
    known : by scan and key, `value` and `source`: see `model_file.facts`.
    measured : noise and contrast, see `grading.Noise.as_json`.
    """
    found: dict[str, tuple[Value, ...]] = {}
    for term in TERMS:
        values = [facts[term.key]["value"] for facts in known.values() if term.key in facts]
        found[term.key] = tuple(dict.fromkeys(value for value in values if _fits(term, value)))
    for key in ("noise", "contrast"):
        value = measured.get(key)
        if value is not None and _fits_number(value):
            found[key] = (value,)
    return {key: values for key, values in found.items() if values}


def of_model(model: Description) -> Conditions:
    """Return the conditions of a model; of an older one at most the pixel sizes."""
    known = model.facts.get("conditions")
    if not isinstance(known, Mapping):
        sizes = {name: size for name, size in model.facts.get("pixel_sizes", {}).items() if size}
        known = {name: {"pixel_size": {"value": size, "source": "unknown"}} for name, size in sizes.items()}
    measured = model.facts.get("grades")
    return of_scans(known, measured if isinstance(measured, Mapping) else {})


def table(likeness: Likeness) -> list[str]:
    """Format the comparison as lines of text."""
    header = ("condition", "here", "model", "apart", "weight", "why it counts")
    rows = [
        (
            row.term.label,
            spelled(row.here),
            spelled(row.there),
            "-" if row.apart is None else f"{row.apart:.2f}",
            f"{row.term.weight:g}",
            row.term.why,
        )
        for row in likeness.rows
    ]
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, *rows)
    ]


def spelled(values: Sequence[Value]) -> str:
    """Write values, or the range of numbers."""
    if not values:
        return "unknown"
    if isinstance(values[0], str):
        return ", ".join(map(str, values))
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _octaves(here: Sequence[float], there: Sequence[float]) -> float:
    """Return the octaves between two ranges; 0 if they overlap."""
    return max(0.0, math.log2(min(here) / max(there)), math.log2(min(there) / max(here)))


def _names_apart(here: Sequence[str], there: Sequence[str]) -> float:
    return float(not {name.casefold() for name in here} & {name.casefold() for name in there})


def _fits(term: Term, value: object) -> bool:
    return isinstance(value, str) if term.key in {"facility", "instrument"} else _fits_number(value)


def _fits_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
