"""A part of the dose of XRD-CT, judged channel by channel."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation.dose_answer import FULL, NETWORK, RAW, words
from tomodenoise.evaluation.figures_of_merit import if_any
from tomodenoise.metrics import independent


def judge(
    results: Mapping[str, FloatArray], aside: tuple[FloatArray, FloatArray], mask: BoolArray, share: float | None
) -> dict[str, Any] | None:
    """Estimate the error of each channel from the data left out.

    Parameters
    ----------
    results : name to (channel, z, y, x).
    aside : both halves of the data left out, as the results.
    mask : (y, x).
    share : of the photons in this part; None if it is one of the projections, whose streaks add to the noise.

    Returns
    -------
    Name to `error`, mean squared, and `error_error`, its standard error, each (channel,); None if there is only one
    channel or too few pixels. `FULL` is the raw error times the share, as nothing but noise depends on the dose: there
    is no logarithm, and the reconstruction is linear.
    """
    if len(aside[0]) == 1:
        return None
    found: dict[str, Any] = {}
    for name, images in results.items():
        each = [
            if_any(lambda f=image, a=a, b=b: independent.error(f, a, b, mask))  # type: ignore[misc]
            for image, a, b in zip(images, *aside, strict=True)
        ]
        known = [figure for figure in each if figure is not None]
        if len(known) < len(each):
            return None
        found[name] = {"error": [error for error, _ in known], "error_error": [spread for _, spread in known]}
    if share is not None:
        found[FULL] = {key: (share * np.array(values)).tolist() for key, values in found[RAW].items()}
    return found


def answer(parts: Sequence[Mapping[str, Any]]) -> str:
    """Compare the denoised channels of the smallest part with the raw ones of the full dose, in a sentence; or none."""
    known = [part for part in parts if (part.get("channels") or {}).get(FULL)]
    if not known:
        return ""
    channels = known[-1]["channels"]
    raw, denoised = (np.array(channels[name]["error"]) for name in (FULL, NETWORK))
    better = denoised < raw
    left = float(np.mean(denoised / raw)) if (raw > 0).all() else 0.0  # single errors may be below zero
    text = f"Denoised, {words(known[-1]['fraction'])} has a smaller error than the raw slices of the full dose in"
    text += f" {better.sum()} of {len(better)} channels"
    return f"{text}, by {-10 * np.log10(left):.1f} dB on average." if 0 < left < 1 else f"{text}."
