"""What the report says of a scan in a line each, and what it warns of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise import correction, scans, splitting, watching


def of_scan(
    scan: scans.Scan,
    split: splitting.Split,
    center: Mapping[str, Any],
    slabs: Sequence[correction.SlabStatistics],
    series: watching.Series | None,
    described: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Say what a scan is and how it was taken: label to text.

    Parameters
    ----------
    center : of `center.json`.
    slabs : what its correction found.
    series : of a dynamic scan.
    described : its channels, as the image names them.
    """
    first, last = np.degrees([scan.angles.min(), scan.angles.max()])
    fewest = [slab.smallest_counts for slab in slabs if slab.smallest_counts is not None]
    facts = {
        "file": f"{scan.file} ({scan.layout}, {scan.kind})",
        "projections": f"{len(scan.angles)} of {scan.depth} x {scan.columns} pixels",
        "angles": f"{first:.2f} to {last:.2f} degrees",
        "pixel size": f"{scan.pixel_size:g} µm" if scan.pixel_size else "not told by the file, 1 µm assumed",
        "rows": f"{scan.rows[0]} to {scan.rows[1] - 1}",
        "flats, darks": f"{_count(scan.flats)}, {_count(scan.darks)}",
        "center": f"{center['center']:.2f} pixels ({center['method']}{_tilted(center)})",
        "confidence of the center": center["confidence"],
        "slices": f"{center['size']} x {center['size']} pixels{', extended field' if center['extended'] else ''}",
        "sections": f"{len(split.sections)} of about {len(split.sections[0].indices)} projections{_because(split)}",
        **_in_time(split, series),
        "angles per column and section": f"{len(scan.angles) / len(split.sections) / scan.columns:.2f}",
    }
    if described:
        facts["channels"] = channels(described)
        facts["center found on"] = "the mean of the channels"
    if fewest:
        facts["fewest photons in a pixel"] = f"{min(fewest):.1f}"
    repaired = sum(slab.repaired for slab in slabs)
    facts["repaired pixels"] = f"{repaired} ({sum(slab.dead for slab in slabs)} dead on the detector)"
    return facts | _defects(slabs)


def _in_time(split: splitting.Split, series: watching.Series | None) -> dict[str, str]:
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


def _because(split: splitting.Split) -> str:
    return f": {split.why}" if split.why else ""


def channels(described: Mapping[str, Any]) -> str:
    """Say how many channels there are and what they are, as the image names them."""
    return f"{len(described['values'])}, {described['name']} {spread(described['values'])} {described['unit']}".rstrip()


def _defects(slabs: Sequence[correction.SlabStatistics]) -> dict[str, str]:
    """Say what is known of zingers, stripes and afterglow."""
    zingers = [slab.zingers for slab in slabs if slab.zingers is not None]
    stripes = [slab.stripes for slab in slabs if slab.stripes is not None]
    afterglow = [slab.afterglow for slab in slabs if slab.afterglow is not None]
    facts = {"zingers": f"{sum(zingers)} pixels replaced" if zingers else "not looked for"}
    if stripes:
        facts["stripes"] = f"{max(stripes):.1f} times the noise"
    if afterglow:
        facts["afterglow"] = f"{max(afterglow):.1%} of the light appears one frame later"
    return facts


def warnings(
    scan: scans.Scan,
    split: splitting.Split,
    center: Mapping[str, Any],
    slabs: Sequence[correction.SlabStatistics],
    config: Mapping[str, Any],
) -> list[str]:
    """Say what of a scan a person should look at; arguments as for `of_scan`."""
    divided, removed = config["correct"]["flats"] == "divided", config["correct"]["stripes"]
    found = list(correction.concerns(scan, slabs, split.members, divided=divided, removed=removed))
    if center["warning"]:
        found.append(f"center: {center['warning']}")
    if split.interlacing and split.interlacing.verdict != "even":
        found.append(
            f"time steps: {split.interlacing.verdict} ({split.interlacing.group} of them leave a gap"
            f" {split.interlacing.figure:.1f} times the mean): what streaks input and target share stays in the volume"
        )
    found += splitting.concerns(split)
    if scan.pixel_size is None:
        found.append("the file does not tell the pixel size: 1 µm is assumed, set pixel_size")
    return [*found, *scan.doubts]


def _count(groups: Sequence[scans.Frames]) -> str:
    return " + ".join(str(len(group.indices)) for group in groups) or "none"
