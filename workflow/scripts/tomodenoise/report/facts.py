"""Facts about a scan and a model in the report, and the warnings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise.correction import concerns
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.options import Correct
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.evaluation import time_series
from tomodenoise.networks import model_file
from tomodenoise.report import words
from tomodenoise.scans.description import Frames, Scan
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.model import Split


def of_scan(
    scan: Scan,
    split: Split,
    center: Mapping[str, Any],
    series: time_series.Series | None,
    described: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Return the main facts about a scan and its acquisition, label to text.

    Parameters
    ----------
    center : content of `center.json`.
    series : of a dynamic scan.
    described : its channels, as stored in the image; None for one channel.
    """
    tilt = f", tilted by {center['tilt']:+.4f} columns per row" if center["tilt"] else ""
    first, last = np.degrees([scan.angles.min(), scan.angles.max()])
    facts = {
        "file": str(scan.file),
        "projections": f"{len(scan.angles)}, {first:.2f} to {last:.2f} degrees",
        "projection size": f"{words.size(scan.columns, scan.depth)} pixels",
        "flats, darks": f"{_count(scan.flats)}, {_count(scan.darks)}",
        "voxel size": f"{scan.pixel_size:g} µm" if scan.pixel_size else "unknown",
        "center": f"{center['center']:.2f} px ({center['method']}{tilt})",
        "center confidence": center["confidence"],
        "sections": f"{len(split.sections)}, about {len(split.sections[0].indices)} projections each",
        **_in_time(split, series),
    }
    if described:
        values = described["values"]
        facts["channels"] = f"{len(values)}, {described['name']} {_span(values)} {described['unit']}".rstrip()
        facts["center found on"] = "the mean of the channels"
    return facts


def details(scan: Scan, split: Split, center: Mapping[str, Any], slabs: Sequence[SlabStatistics]) -> dict[str, str]:
    """Return further facts about a scan, label to text; `slabs` are the statistics of its correction."""
    fewest = _known(slabs, "smallest_counts")
    zingers = _known(slabs, "zingers")
    afterglow = _known(slabs, "afterglow")
    field = ", extended field of view" if center["extended"] else ""
    facts = {
        "format": f"{scan.layout}, {scan.kind}",
        "rows used": f"{scan.rows[0]} to {scan.rows[1] - 1}",
        "slices": f"{words.size(center['size'], center['size'])} pixels{field}",
        "projections per section and column": f"{len(scan.angles) / len(split.sections) / scan.columns:.2f}",
    }
    if split.why:
        facts["number of sections"] = split.why
    if fewest:
        facts["fewest photons in a pixel"] = f"{min(fewest):.1f}"
    repaired = sum(slab.repaired for slab in slabs)
    facts["repaired pixels"] = f"{repaired} ({sum(slab.dead for slab in slabs)} dead on the detector)"
    facts["zingers"] = f"{sum(zingers)} pixels replaced" if zingers else "not removed"
    if afterglow:
        facts["afterglow"] = f"{max(afterglow):.1%} of the light appears one frame later"
    return facts


def _known(slabs: Sequence[SlabStatistics], name: str) -> list[float]:
    """Return a statistic of all slabs for which it is known."""
    return [value for slab in slabs if (value := getattr(slab, name)) is not None]


def _in_time(split: Split, series: time_series.Series | None) -> dict[str, str]:
    """Return how a dynamic scan is split into steps, and how evenly its angles are spread."""
    if series is None:
        return {}
    first, last = series.window
    period = f", {series.seconds:.4g} s each" if np.isfinite(series.seconds) else ""
    trained = f"steps {first} to {last - 1}" if last > first else "other scans"
    facts = {"time steps": f"{split.times}{period}", "trained on": trained}
    if interlacing := split.interlacing:
        facts["interlacing"] = (
            f"{interlacing.verdict}: {interlacing.group} steps together have {interlacing.directions} directions, the"
            f" widest gap is {interlacing.figure:.2f} times the mean"
        )
    return facts


def of_model(model: model_file.Description, history: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """Return facts about a model, label to text."""
    spec = model.spec
    origin = model.facts.get("origin")
    facts = {"file": str(model.file), "trained on": ", ".join(model.trained_on)}
    if origin:
        facts["fine-tuned from"] = f"{origin['file']}, trained on {', '.join(origin['facts']['source'])}"
    if shelved := model.facts.get("shelf"):
        course = "not used, another was trained" if shelved["course"] == "trained" else shelved["course"]
        facts["shelf"] = f"{shelved['found']}, {course}: {shelved['why']}" if shelved["found"] else shelved["why"]
    if model.pixel_sizes:
        facts["voxel size in training"] = ", ".join(f"{size:g} µm" for size in sorted(set(model.pixel_sizes)))
    steps = f" of {spec.steps} time steps" if spec.steps > 1 else ""
    channels = f" of {spec.channels} channels" if spec.channels > 1 else ""
    facts["network"] = f"{spec.name}, {spec.slices} slices{steps}{channels}, {model.weights:,} weights"
    if history:
        facts["pixels seen"] = f"{history[-1]['pixels'] / 1e6:.1f} million"
    if copies := model.facts.get("reprojection"):
        errors = " → ".join(f"{error:.4g}" for error in copies["errors"])
        facts["rounds on projected copies"] = f"{copies['rounds']} kept; error against the measured data {errors}"
    facts["normalisation"] = f"mean {_span(model.mean)}, standard deviation {_span(model.scale)} per pixel"
    return facts


def _span(values: Sequence[float]) -> str:
    """Format the value that all share, or the smallest and the largest."""
    low = min(values)
    high = max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def rings(stripes: StripeChoice) -> str:
    """Return how stripes were removed, and how strong they were before and after."""
    how = f"removed by {stripes.method}" if stripes.method != "none" else "not removed"
    if stripes.before is None or stripes.after is None:
        return how
    strength = f"stripes {stripes.before:.1f} times the noise"
    return f"{how}: {strength}" + (f" before, {stripes.after:.1f} after" if stripes.method != "none" else "")


def warnings(
    scan: Scan,
    split: Split,
    center: Mapping[str, Any],
    slabs: Sequence[SlabStatistics],
    measured: Measured,
    correct: Correct,
) -> list[str]:
    """List what the user should check; arguments as for `of_scan` and `details`, and the scan's `correct` settings."""
    divided = correct.flats == "divided"
    listed = list(concerns.concerns(scan, slabs, split.members, divided=divided, stripes=measured.stripes))
    if center["warning"]:
        listed.append(f"center: {center['warning']}")
    if split.interlacing and split.interlacing.verdict != "even":
        listed.append(
            f"time steps: {split.interlacing.verdict} ({split.interlacing.group} of them leave a gap of"
            f" {split.interlacing.figure:.1f} times the mean): streaks that input and target share stay in the volume"
        )
    listed += by_angle.concerns(split)
    if scan.pixel_size is None:
        listed.append("the file does not state the pixel size, so the volume has no unit: set pixel_size")
    return [*map(str, scan.left_out), *listed, *scan.doubts]


def _count(groups: Sequence[Frames]) -> str:
    return " + ".join(str(len(group.indices)) for group in groups) or "none"
