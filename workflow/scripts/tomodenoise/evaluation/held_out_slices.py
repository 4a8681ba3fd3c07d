"""The slices of a scan that a model is judged on: those held out of its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from tomodenoise.common.arrays import BoolArray, IntArray
from tomodenoise.networks import held_out
from tomodenoise.networks.models import Model
from tomodenoise.planning import resources
from tomodenoise.scans.description import runs
from tomodenoise.storage.sections import Sections
from tomodenoise.training import dataset, sampling

RUN = 4
"""Neighbouring slices to judge together if any slice may be judged: a network of several slices reads them once."""

BY_SETTINGS = (
    "The model's file does not list which slices of this scan were held out of training, so they were worked out from"
    " its settings. If the model did learn from them, its rating is too good. Train it again to be sure."
)


@dataclass(frozen=True)
class Slices:
    """Rows and pixels to judge."""

    runs: tuple[tuple[int, int], ...]
    """Rows [start, stop), ascending."""
    mask: BoolArray
    """(y, x)"""
    held_out: bool
    """Whether the model was certainly not trained on them."""
    why: str
    """Reason for the choice, one line for the report."""
    trained: bool = False
    """Whether the model was trained on other slices of this scan."""
    note: str = ""
    """Caveat about the choice, for the report."""

    @property
    def rows(self) -> IntArray:
        """All rows, ascending."""
        return _rows(self.runs)


def choose(scan: Sections, model: Model, identity: Mapping[str, object], rows: Sequence[int] | None) -> Slices:
    """Choose the slices to judge.

    A model that was trained on this scan is judged on the rows and pixels that its file lists as held out. If the file
    lists none that fit, they are derived from its settings by the current rule, with a note.

    Parameters
    ----------
    identity : of the scan's raw file.
    rows : detector rows [start, stop) that the configuration selects; None for all.
    """
    count = resources.judged(scan.size, scan.channels)
    same_file = [name for name, source in model.facts.get("source", {}).items() if source == identity["fingerprint"]]
    scans = model.facts["config"]["scans"] if same_file else {}
    name = next((name for name in same_file if scans.get(name, {}).get("rows") == (rows and list(rows))), None)
    if name is None:
        return _unseen(scan, count, seen=bool(same_file))
    stored = model.held_out.get(name)
    part = held_out.from_json(stored, scan.depth, scan.size) if stored else None
    kept = part or _by_settings(scan, model, name)
    why = "slices held out of training"
    if kept.band:
        why = "a band through the axis that was held out of training, as the scan has few slices"
    visible = kept.mask & scan.visible
    return Slices(_some(_rows(kept.rows), count), visible, True, why, trained=True, note="" if part else BY_SETTINGS)


def _by_settings(scan: Sections, model: Model, name: str) -> held_out.HeldOut:
    """Derive the held-out part from the settings of a training; an earlier version stored the rows, but no mask."""
    settings = model.facts["config"]["train"]
    mask = sampling.sample(scan) if settings["mask"] == "sample" else scan.visible
    if stored := model.facts.get("held_out", {}).get(name):
        inner = sampling.bands(scan, mask, settings["held_out"])[1] if stored["band"] else mask
        return held_out.HeldOut(tuple((start, stop) for start, stop in stored["rows"]), inner, stored["band"])
    gap = dataset.VOLUMETRIC_GAP if model.spec.volumetric else model.spec.slices // 2
    _, part = sampling.divide(scan, mask, gap, settings["held_out"])
    return held_out.HeldOut(tuple(runs(part.rows)), part.mask, not np.array_equal(part.mask, mask))


def _unseen(scan: Sections, count: int, *, seen: bool) -> Slices:
    """Spread slices over the rows of a scan that hold sample."""
    rows = sampling.rows_with_sample(scan)
    where = "the scan" if rows is None else "the rows that hold sample"
    doubt = "the model was trained on rows of this file, possibly on these" if seen else "the model never saw them"
    if rows is None:
        spread = _spread(scan.depth, min(count, scan.depth))
    else:
        spread = tuple(runs(rows[np.unique(_rows(_spread(len(rows), min(count, len(rows)))))]))
    return Slices(spread, scan.visible, not seen, f"slices spread over {where}; {doubt}")


def fewer(slices: Slices, count: int) -> Slices:
    """Keep at most ``count`` slices."""
    return replace(slices, runs=_some(slices.rows, count))


def _rows(spans: Sequence[tuple[int, int]]) -> IntArray:
    return np.concatenate([np.arange(*span) for span in spans])


def _some(rows: IntArray, count: int) -> tuple[tuple[int, int], ...]:
    """Keep at most ``count`` of some ascending rows: the middle of each block."""
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
