"""Which slices of a scan a model is judged on: those kept from its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, IntArray
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources
from tomodenoise.scans.description import runs
from tomodenoise.storage.sections import Sections
from tomodenoise.training import dataset, sampling

RUN = 4
"""Neighbouring slices that are judged together where any may be: a network of several slices reads them once."""


@dataclass(frozen=True)
class Slices:
    """What is judged."""

    runs: tuple[tuple[int, int], ...]
    """Rows, first and last plus one, ascending."""
    mask: BoolArray
    """(y, x)"""
    held_out: bool
    why: str
    """One line for a person."""

    @property
    def rows(self) -> IntArray:
        """All of them."""
        return np.concatenate([np.arange(*run) for run in self.runs])


def choose(scan: Sections, spec: Spec, training: Mapping[str, Any] | None, seen: bool = False) -> Slices:
    """Choose the slices to judge.

    Parameters
    ----------
    spec : the network.
    training : how the model was trained on this very scan, see `trained`; None where it was trained on others.
    seen : whether it was trained on other rows of the same file, among which these may be.
    """
    count = resources.judged(scan.size, scan.channels)
    if training is None:
        return _unseen(scan, count, seen=seen)
    mask = sampling.sample(scan) if training["mask"] == "sample" else scan.visible
    if "rows" in training:
        rows = np.concatenate([np.arange(*run) for run in training["rows"]])
        part = sampling.Part(rows, sampling.bands(scan, mask, training["held_out"])[1] if training["band"] else mask)
    else:  # a model of a version that did not keep it
        gap = dataset.VOLUMETRIC_GAP if spec.volumetric else spec.slices // 2
        _, part = sampling.divide(scan, mask, gap, training["held_out"])
    some = _some(part.rows, count)
    if np.array_equal(part.mask, mask):
        return Slices(some, part.mask, True, "slices held out of training")
    return Slices(some, part.mask, True, "a band through the axis that was held out of training, as slices are few")


def _unseen(scan: Sections, count: int, *, seen: bool) -> Slices:
    """Spread slices over the rows of a scan that hold sample."""
    rows = sampling.rows_with_sample(scan)
    where = "the scan" if rows is None else "the rows that hold sample"
    told = "the model was trained on other rows of this file, maybe these" if seen else "the model never saw them"
    if rows is None:
        spread = _spread(scan.depth, min(count, scan.depth))
    else:
        places = np.concatenate([np.arange(*run) for run in _spread(len(rows), min(count, len(rows)))])
        spread = tuple(runs(rows[np.unique(places)]))
    return Slices(spread, scan.visible, not seen, f"slices spread over {where}; {told}")


def fewer(slices: Slices, count: int) -> Slices:
    """Take so many of some slices at most."""
    return replace(slices, runs=_some(slices.rows, count))


def trained(
    facts: Mapping[str, Any], identity: Mapping[str, object], rows: Sequence[int] | None
) -> tuple[Mapping[str, Any] | None, bool]:
    """Find how a model was trained on a scan, if it was.

    Parameters
    ----------
    facts : of the model.
    identity : of the scan's raw file.
    rows : of the scan, as in the configuration.

    Returns
    -------
    The `train` settings with `rows` and `band` of what was held out, see `dataset.HeldOut`; None where it was trained
    on other files or other rows of this one. And whether it was trained on this file at all.
    """
    names = [name for name, source in facts.get("source", {}).items() if source == identity["fingerprint"]]
    for name in names:
        if _same(facts["config"]["scans"].get(name, {}).get("rows"), rows):
            return {**facts["config"]["train"], **facts.get("held_out", {}).get(name, {})}, True
    return None, bool(names)


def _same(first: Sequence[int] | None, second: Sequence[int] | None) -> bool:
    return (None if first is None else list(first)) == (None if second is None else list(second))


def _some(rows: IntArray, count: int) -> tuple[tuple[int, int], ...]:
    """Take runs of at most so many of some ascending rows: the middle of each block."""
    blocks = runs(rows)
    if len(blocks) > count:
        blocks = [blocks[i] for i in np.linspace(0, len(blocks) - 1, count).astype(int)]
    most = max(1, count // len(blocks))
    taken = [(start, stop, min(stop - start, most)) for start, stop in blocks]
    return tuple(((start + stop - n) // 2, (start + stop - n) // 2 + n) for start, stop, n in taken)


def _spread(depth: int, count: int) -> tuple[tuple[int, int], ...]:
    """Spread runs of up to 4 neighbouring rows over the height."""
    number = -(-count // RUN)
    edges = np.linspace(0, depth, number + 1).astype(int)
    length = min(RUN, count)
    starts = [(int(low) + int(high) - length) // 2 for low, high in pairwise(edges)]
    return tuple((max(start, 0), min(max(start, 0) + length, depth)) for start in starts)
