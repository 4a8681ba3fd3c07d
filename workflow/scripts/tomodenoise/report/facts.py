"""What the report says of a scan in a line each, and what it warns of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise.correction import concerns
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.options import Correct
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.evaluation import time_series
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
    """Say what a scan is and how it was taken, label to text: what a person asks for first.

    Parameters
    ----------
    center : of `center.json`.
    series : of a dynamic scan.
    described : its channels, as the image names them.
    """
    first, last = np.degrees([scan.angles.min(), scan.angles.max()])
    facts = {
        "file": str(scan.file),
        "projections": f"{len(scan.angles)} of {scan.columns} x {scan.depth} pixels, {first:.2f} to {last:.2f} degrees",
        "flats, darks": f"{_count(scan.flats)}, {_count(scan.darks)}",
        "voxel size": f"{scan.pixel_size:g} µm" if scan.pixel_size else "not known",
        "center": f"{center['center']:.2f} px ({center['method']}{_tilted(center)})",
        "confidence": center["confidence"],
        "sections": f"{len(split.sections)} of about {len(split.sections[0].indices)} projections",
        **_in_time(split, series),
    }
    if described:
        facts["channels"] = channels(described)
        facts["center found on"] = "the mean of the channels"
    return facts


def details(scan: Scan, split: Split, center: Mapping[str, Any], slabs: Sequence[SlabStatistics]) -> dict[str, str]:
    """Say what else is known of a scan, label to text; `slabs` is what its correction found."""
    fewest = [slab.smallest_counts for slab in slabs if slab.smallest_counts is not None]
    facts = {
        "format": f"{scan.layout}, {scan.kind}",
        "rows used": f"{scan.rows[0]} to {scan.rows[1] - 1}",
        "slices": f"{center['size']} x {center['size']} pixels{', extended field' if center['extended'] else ''}",
        "projections per section and column": f"{len(scan.angles) / len(split.sections) / scan.columns:.2f}",
    }
    if split.why:
        facts["number of sections"] = split.why
    if fewest:
        facts["fewest photons in a pixel"] = f"{min(fewest):.1f}"
    repaired = sum(slab.repaired for slab in slabs)
    facts["repaired pixels"] = f"{repaired} ({sum(slab.dead for slab in slabs)} dead on the detector)"
    return facts | _defects(slabs)


def _in_time(split: Split, series: time_series.Series | None) -> dict[str, str]:
    """Say how a dynamic scan is split, and how even its angles are."""
    if series is None:
        return {}
    first, last = series.window
    period = f", {series.seconds:.4g} s each" if np.isfinite(series.seconds) else ""
    trained = f"steps {first} to {last - 1}" if last > first else "other scans"
    facts = {"time steps": f"{split.times}{period}", "trained on": trained}
    if split.interlacing:
        one = split.interlacing
        facts["interlacing"] = (
            f"{one.verdict}: {one.group} steps together see {one.directions} directions, the widest gap"
            f" {one.figure:.2f} times the mean"
        )
    return facts


def spread(values: Sequence[float]) -> str:
    """Write one value, or the smallest and the largest of those of many channels."""
    low, high = min(values), max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _tilted(center: Mapping[str, Any]) -> str:
    return f", tilted by {center['tilt']:+.4f} columns per row" if center["tilt"] else ""


def channels(described: Mapping[str, Any]) -> str:
    """Say how many channels there are and what they are, as the image names them."""
    return f"{len(described['values'])}, {described['name']} {spread(described['values'])} {described['unit']}".rstrip()


def rings(stripes: StripeChoice) -> str:
    """Say how stripes were removed, and how strong they were before and after."""
    how = f"removed by {stripes.method}" if stripes.method != "none" else "not removed"
    if stripes.before is None or stripes.after is None:
        return how
    strength = f"stripes {stripes.before:.1f} times the noise"
    return f"{how}: {strength}" + (f" before, {stripes.after:.1f} after" if stripes.method != "none" else "")


def _defects(slabs: Sequence[SlabStatistics]) -> dict[str, str]:
    """Say how strong zingers and afterglow are."""
    zingers = [slab.zingers for slab in slabs if slab.zingers is not None]
    afterglow = [slab.afterglow for slab in slabs if slab.afterglow is not None]
    facts = {"zingers": f"{sum(zingers)} pixels replaced" if zingers else "not looked for"}
    if afterglow:
        facts["afterglow"] = f"{max(afterglow):.1%} of the light appears one frame later"
    return facts


def warnings(
    scan: Scan,
    split: Split,
    center: Mapping[str, Any],
    slabs: Sequence[SlabStatistics],
    measured: Measured,
    correct: Correct,
) -> list[str]:
    """Say what of a scan a person should check; arguments as for `of_scan` and `details`, and the scan's `correct`."""
    divided = correct.flats == "divided"
    found = list(concerns.concerns(scan, slabs, split.members, divided=divided, stripes=measured.stripes))
    if center["warning"]:
        found.append(f"center: {center['warning']}")
    if split.interlacing and split.interlacing.verdict != "even":
        found.append(
            f"time steps: {split.interlacing.verdict} ({split.interlacing.group} of them leave a gap"
            f" {split.interlacing.figure:.1f} times the mean): what streaks input and target share stays in the volume"
        )
    found += by_angle.concerns(split)
    if scan.pixel_size is None:
        found.append("the file does not say the pixel size, so the volume has no unit: set pixel_size")
    return [*map(str, scan.left_out), *found, *scan.doubts]


def _count(groups: Sequence[Frames]) -> str:
    return " + ".join(str(len(group.indices)) for group in groups) or "none"
