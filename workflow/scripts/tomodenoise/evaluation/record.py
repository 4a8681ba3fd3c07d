"""`quality.json` and the curves beside it, as the report reads them."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.correction.references import is_shared
from tomodenoise.evaluation import along
from tomodenoise.evaluation.along import Along
from tomodenoise.evaluation.cases import Case, each
from tomodenoise.evaluation.context import Context
from tomodenoise.evaluation.curves import pack
from tomodenoise.evaluation.evidence import Evidence, Setting
from tomodenoise.evaluation.figures_of_merit import Judgement
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.evaluation.verdicts import verdicts
from tomodenoise.reconstruction.engines import registry
from tomodenoise.scans.description import Scan
from tomodenoise.storage.sections import Sections

DIGITS = 6


@dataclass(frozen=True)
class Beside:
    """What is known of each channel or step beside the image that is judged in all respects."""

    along: Along
    labels: Sequence[str]
    """Of all channels or steps."""
    window: Sequence[int]
    """Time steps of training, first and last plus one."""


def beside(case: Case, channels: Sequence[str] | None, seconds: float | None) -> Beside | None:
    """Judge each channel or each step of a case; None where it has but one.

    Parameters
    ----------
    channels : their labels.
    seconds : from one step to the next.
    """
    axis = "step" if case.scan.split.times > 1 else "channel"
    found = along.gather(axis, each(case))
    if found is None:
        return None
    return Beside(found, channels or steps(case.scan.split.times, seconds), list(case.window))


def steps(count: int, seconds: float | None) -> list[str]:
    """Name time steps."""
    return [f"step {step}" + ("" if seconds is None else f" ({step * seconds:.4g} s)") for step in range(count)]


def acquisition(
    scan: Scan, corrections: Sequence[Mapping[str, Any]], sections: int, config: Mapping[str, Any]
) -> tuple[Setting, Context]:
    """Gather what of the acquisition counts.

    Parameters
    ----------
    corrections : statistics of the slabs, see `correction.SlabStatistics`.
    sections : number of sections K.
    config : `flats` of `correct`, and `reconstruct`.
    """
    sizes = [len(group.indices) for group in scan.flats]
    divided, rebuilt = config["flats"] == "divided", config["reconstruct"]
    shared = scan.kind == "counts" and bool(sizes) and (not divided or is_shared(sizes, sections))
    able = registry.capabilities(rebuilt["engine"], rebuilt.get("algorithm"))
    found: dict[str, list[float]] = {
        key: [slab[key] for slab in corrections if slab.get(key) is not None]
        for key in ("smallest_counts", "low_counts", "afterglow")
    }
    fewest, low = (min(found[key], default=None) for key in ("smallest_counts", "low_counts"))
    return (
        Setting(sum(sizes) if shared else None, rebuilt["filter"], able.filtered, fewest, low),
        Context(scan.pixel_size, sum(sizes), divided, max(found["afterglow"], default=None)),
    )


def refusal(scan: Sections, seen: int) -> str | None:
    """Say why a scan is not judged at all, by networks that see so many time steps at most."""
    if scan.split.times > 1 and scan.split.each == 1 and scan.split.times < seen + 2:
        unseen = "one before and one after" if seen == 1 else f"one before and one after the {seen} that are seen"
        return f"none of its {scan.split.times} time steps has {unseen}, by which it could be judged"
    return None


def to_json(
    judgement: Judgement, evidence: Evidence, slices: Slices, context: Context, beside: Beside | None = None
) -> dict[str, Any]:
    """Plain values for `quality.json`: what was judged, each figure or why it is absent, and verdicts."""
    figures = {name: found.values for name, found in judgement.figures.items()}
    judged = {
        "rows": [list(run) for run in slices.runs],
        "held_out": slices.held_out,
        "why": slices.why,
        "pixels": len(slices.rows) * int(slices.mask.sum()),
        "given": list(evidence.parts.given),
        "targets": list(evidence.parts.targets),
        "told": evidence.told,
    }
    words = verdicts(figures, context) + (along.verdicts(beside.along, beside.labels, beside.window) if beside else [])
    values: dict[str, Any] = _plain(
        {
            "judged": judged,
            "verdicts": [asdict(verdict) for verdict in words],
            "figures": figures,
            "absent": dict(judgement.absent),
            **({"along": asdict(beside.along) | {"window": beside.window, "labels": beside.labels}} if beside else {}),
        }
    )
    return values


def write(
    file: Path,
    curves: Path,
    judgement: Judgement,
    evidence: Evidence,
    slices: Slices,
    context: Context,
    beside: Beside | None = None,
) -> list[str]:
    """Write both files, the curves named `figure/curve`; return the verdicts."""
    arrays = pack({name: found.curves for name, found in judgement.figures.items()})
    values = to_json(judgement, evidence, slices, context, beside)
    _write(file, curves, values, arrays)
    return [verdict["text"] for verdict in values["verdicts"]]


def write_refusal(file: Path, curves: Path, reason: str) -> None:
    """Write both files for a scan that is not judged."""
    values: dict[str, Any] = {"judged": None, "verdicts": [], "figures": {}, "absent": {"all": reason}}
    _write(file, curves, values, {})


def _write(file: Path, curves: Path, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    scratch = [path.with_name(f"{path.name}.partial") for path in (curves, file)]
    with scratch[0].open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    scratch[1].write_text(json.dumps(values, indent=1, allow_nan=False))
    for partial, path in zip(scratch, (curves, file), strict=True):
        partial.replace(path)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Round, and put null where a number is not finite, as JSON knows neither infinity nor NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
