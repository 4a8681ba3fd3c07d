"""Quality of each channel or each time step: charts, and the columns of a table."""

from collections.abc import Callable, Mapping
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.evaluation.profile import Profile
from tomodenoise.report import curves
from tomodenoise.report.curves import BLACK, DENOISED, LINE, POINTS, RAW, Chart

COLUMNS = (
    ("upsnr_given", "uPSNR input, dB", ".1f"),
    ("upsnr", "uPSNR network, dB", ".1f"),
    ("slope", "Slope", ".3f"),
    ("half", "Correlation falls to 0.5 at, cycles per px", ".3f"),
    ("split_loss", "Split loss", ".4g"),
    ("psnr_raw", "PSNR raw, dB", ".1f"),
    ("psnr_denoised", "PSNR denoised, dB", ".1f"),
)
"""Value, its name, and its format."""

ERRORS = "uPSNR of the network and of its input. A missing point: the error is too small to measure on so few pixels."
SLOPES = "Slope of the grey values ± two standard errors; 1 is correct."
MOTION = " Motion between steps changes it too. Shaded: training steps."


def charts(profile: Profile, key: str) -> list[Chart]:
    """Draw error and slope over channels or steps, training steps shaded; `key` is unique on the page."""
    plots: Mapping[str, tuple[Callable[..., None], str]] = {
        "upsnr": (_errors, ERRORS),
        "slope": (_slopes, SLOPES if profile.axis == "channel" else SLOPES + MOTION),
    }
    return [
        Chart("", caption, curves.draw(partial(fill, profile=profile), f"{key} {figure}"))
        for figure, (fill, caption) in plots.items()
        if figure in profile.figures
    ]


def missing(profile: Profile, names: Mapping[str, str]) -> dict[str, str]:
    """Map the name of each figure that some channels or steps do not support to their number and the reason."""
    reasons = {}
    for figure, absent in profile.absent.items():
        count = len(absent["places"])
        where = "" if count == len(profile.places) else f"in {count} of {len(profile.places)}: "
        if figure != "truth":
            reasons[names[figure]] = f"{where}{absent['reason']}"
    return reasons


def _axis(axes: Axes, profile: Profile) -> None:
    start, stop = profile.window
    places = [*profile.places, *range(start, stop)]
    curves.shade(axes, profile.window)
    axes.set(xlabel="channel" if profile.axis == "channel" else "time step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(min(places) - 0.5, max(places) + 0.5)


def _errors(axes: Axes, profile: Profile) -> None:
    _axis(axes, profile)
    axes.plot(profile.places, profile.line("upsnr_given"), "o-", **RAW, label="input")
    axes.plot(profile.places, profile.line("upsnr"), "o-", **DENOISED, label="network")
    if "psnr_denoised" in profile.figures:
        truth = profile.line("psnr_denoised")
        axes.plot(profile.places, truth, "--", color=BLACK, lw=1, label="all data, PSNR against the truth")
    axes.set_ylabel("uPSNR, dB")
    axes.legend(ncols=3)


def _slopes(axes: Axes, profile: Profile) -> None:
    _axis(axes, profile)
    axes.axhline(1, color=LINE, linewidth=1.5)
    axes.errorbar(profile.places, profile.line("slope"), 2 * profile.line("slope_error"), **POINTS)
    axes.set_ylabel("slope of grey values")
    # A channel of pure noise, whose slope can be anything, must not flatten the others; small changes must look small.
    low, high = axes.get_ylim()
    axes.set_ylim(min(max(low, 0.0), 0.9), max(min(high, 2.0), 1.1))
