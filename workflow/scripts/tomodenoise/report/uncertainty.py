"""The voxel-wise uncertainty in the report: a slice of it, and how well it agrees with the error of unseen data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising import greys, previews
from tomodenoise.report import curves, pictures, words
from tomodenoise.report.curves import MUTED, POINTS, Chart
from tomodenoise.report.pictures import Picture

NOT_COVERED = (
    "It does not cover errors that all results have in common: rings, streaks, a bias of the grey values, or structure"
    " that the network invents in all of them."
)
CURVE = "Stated and measured error on held-out pixels that the calibration did not see, ± one standard error."
QUANTILE = 0.995


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """The calibration of the uncertainty of a scan."""

    channels: Sequence[Mapping[str, Any]]
    """See `evaluation.uncertainty.calibrate`."""
    image: FloatArray
    """(y, x) one standard deviation, of a judged slice; the mean of all channels."""
    row: int

    @property
    def checked(self) -> list[Mapping[str, Any]]:
        """Channels that could be calibrated."""
        return [channel for channel in self.channels if "absent" not in channel]

    @property
    def sentence(self) -> str:
        """How well it is calibrated."""
        count = f" in {len(self.checked)} of {len(self.channels)} channels" if len(self.channels) > 1 else ""
        if not self.checked:
            return f"Not calibrated: {self.channels[0]['absent']}."
        ratios = [math.sqrt(max(channel["ratio"], 0)) for channel in self.checked]
        if count:
            ends = f"{min(ratios):.2f} to {max(ratios):.2f}"
            return f"Calibrated{count}; on unseen pixels the error is {ends} times the stated one."
        spread = self.checked[0]["ratio_error"] / (2 * ratios[0]) if ratios[0] else math.nan
        return f"On unseen pixels the error is {ratios[0]:.2f} ± {words.number(spread, '.2f')} times the stated one."

    @property
    def coverage(self) -> str:
        """Which errors it covers, and which not."""
        blur = "the remaining noise, and blur as far as unseen data reveal it on average"
        return f"It covers {blur if self.checked else 'only the remaining noise'}. {NOT_COVERED}"

    @property
    def shown(self) -> tuple[Picture, str]:
        """The slice and its caption."""
        white = float(np.quantile(self.image, QUANTILE)) or 1.0
        factor = previews.reduction(self.image)
        caption = f"One standard deviation in slice {self.row}, from 0 (black) to {white:.3g} (white)."
        return pictures.picture(block_mean(self.image, factor), greys.linear(0.0, white)), caption


def read(values: Mapping[str, Any], file: Path) -> Uncertainty:
    """Return the uncertainty from `uncertainty.json` and its pictures."""
    with np.load(file, allow_pickle=False) as arrays:
        return Uncertainty(values["channels"], arrays["uncertainty"], values["row"])


def charts(found: Uncertainty, key: str) -> list[Chart]:
    """Draw the measured over the stated error; `key` is unique on the page."""
    if not found.checked:
        return []
    return [Chart("Stated and measured error", CURVE, curves.draw(partial(_curve, found=found), key))]


def _curve(axes: Axes, found: Uncertainty) -> None:
    ends: list[float] = []
    for channel in found.checked:
        known = [one for one in channel["bins"] if one["error"] > 0]
        stated = [math.sqrt(one["stated"]) for one in known]
        measured = [math.sqrt(one["error"]) for one in known]
        spread = [one["error_error"] / (2 * root) for one, root in zip(known, measured, strict=True)]
        style = {**POINTS, "alpha": max(0.25, 1 / len(found.checked))}
        axes.errorbar(stated, measured, spread, **style)
        ends += [*stated, *measured]
    if ends:
        axes.plot([0, max(ends)], [0, max(ends)], color=MUTED, linewidth=1.1)
    axes.set(xlabel="stated error, rms", ylabel="measured error, rms")
