"""The two files of a judgement that the report reads: values, for a scan's model in `quality.json`, and arrays."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.files import replacing
from tomodenoise.evaluation import per_channel
from tomodenoise.evaluation.figures_of_merit import Judgement
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.evaluation.profile import Profile
from tomodenoise.evaluation.section_groups import Groups
from tomodenoise.evaluation.verdicts import Verdict

DIGITS = 6


def to_json(
    judgement: Judgement, slices: Slices, groups: Groups, basis: str, verdicts: list[Verdict], profile: Profile | None
) -> dict[str, Any]:
    """Return the values of `quality.json`.

    Returns
    -------
    `judged`: which slices and sections; `verdicts`; `figures`: values of each; `absent`: figure to reason; `along`: the
    profile of a scan of several channels or time steps.
    """
    note = [Verdict("held_out", "note", slices.note)] if slices.note else []
    along = per_channel.verdicts(profile) if profile else []
    return {
        "judged": {
            "rows": [list(run) for run in slices.runs],
            "held_out": slices.held_out,
            "why": slices.why,
            "pixels": len(slices.rows) * int(slices.mask.sum()),
            "given": groups.given,
            "targets": groups.targets,
            "basis": basis,
        },
        "verdicts": [asdict(verdict) for verdict in [*note, *verdicts, *along]],
        "figures": judgement.values,
        "absent": judgement.absent,
    } | ({"along": asdict(profile)} if profile else {})


def refused(reason: str) -> dict[str, Any]:
    """Return the values of `quality.json` for a scan that cannot be judged."""
    return {"judged": None, "verdicts": [], "figures": {}, "absent": {"all": reason}}


def write(file: Path, arrays: Path, values: Mapping[str, Any], named: Mapping[str, FloatArray] | None = None) -> None:
    """Write both files."""
    with replacing(file) as text, replacing(arrays) as archive:
        with archive.open("wb") as stream:
            np.savez_compressed(stream, **(named or {}))  # type: ignore[arg-type]
        text.write_text(json.dumps(plain(values), indent=1, allow_nan=False))


def plain(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Round numbers, and replace infinity and NaN by null, as JSON has neither."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
