"""Quality of each channel or each time step: curves along them, and a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.evaluation.profile import Profile
from tomodenoise.report import curves, words
from tomodenoise.report.curves import ACCENT, BLACK, LINE, MUTED

COLUMNS = (
    ("upsnr_given", "uPSNR input, dB", ".1f"),
    ("upsnr", "uPSNR network, dB", ".1f"),
    ("slope", "Slope", ".3f"),
    ("half", "Correlation 0.5 at, cycles per px", ".3f"),
    ("split_loss", "Split loss", ".4g"),
    ("psnr_raw", "PSNR raw, dB", ".1f"),
    ("psnr_denoised", "PSNR denoised, dB", ".1f"),
)
"""Value, its name, and its format."""

OPEN = 12
"""Rows of a table up to which it is unfolded."""

ERRORS = "uPSNR of the network and of its input. No point: the error is too small to measure on so few pixels."
SLOPES = "Slope of grey values, with two standard errors: 1 is right."
MOTION = " Motion between steps changes it too. Shaded: steps of training."


@dataclass(frozen=True)
class Drawn:
    """Figures along channels or steps as the page shows them."""

    title: str
    plots: list[tuple[str, str]]
    """SVG and caption."""
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    unfolded: bool
    missing: dict[str, str]
    """Figure that some channels or steps do not support, to which and why."""


def draw(profile: Profile, names: Mapping[str, str], key: str) -> Drawn:
    """Draw curves and lay out a table.

    Parameters
    ----------
    names : of figures.
    key : unique on the page.
    """
    columns = [column for column in COLUMNS if column[0] in profile.figures]
    rows = [
        (profile.labels[place], [words.formatted(profile.figures[name][number], form) for name, _, form in columns])
        for number, place in enumerate(profile.places)
    ]
    channels = profile.axis == "channel"
    plots: list[tuple[str, Callable[[Axes, Profile], None], str]] = [
        ("upsnr", _errors, ERRORS),
        ("slope", _slopes, SLOPES if channels else SLOPES + MOTION),
    ]
    shown = [(fill, caption) for name, fill, caption in plots if name in profile.figures]
    return Drawn(
        "Channel by channel" if channels else "Step by step",
        [(_plot(profile, fill, f"{key} {number}"), caption) for number, (fill, caption) in enumerate(shown)],
        [title for _, title, _ in columns],
        rows,
        unfolded=len(rows) <= OPEN,
        missing={names[name]: _reason(profile, name) for name in profile.absent if name != "truth"},
    )


def _plot(profile: Profile, fill: Callable[[Axes, Profile], None], key: str) -> str:
    """Draw over channels or steps, those of training shaded."""
    start, stop = profile.window
    ends = [*profile.places, *([start, stop - 1] if stop > start else [])]

    def draw(axes: Axes) -> None:
        if stop > start:
            axes.axvspan(start - 0.5, stop - 0.5, color=LINE, linewidth=0)
        axes.set_xlabel("channel" if profile.axis == "channel" else "time step")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(min(ends) - 0.5, max(ends) + 0.5)
        fill(axes, profile)

    return curves.draw(draw, key)


def _errors(axes: Axes, profile: Profile) -> None:
    axes.plot(profile.places, profile.line("upsnr_given"), "o-", color=MUTED, ms=2.5, lw=1.1, label="input")
    axes.plot(profile.places, profile.line("upsnr"), "o-", color=ACCENT, ms=3, lw=1.7, label="network")
    if "psnr_denoised" in profile.figures:
        truth = profile.line("psnr_denoised")
        axes.plot(profile.places, truth, "--", color=BLACK, lw=1, label="all data, against the truth")
    axes.set_ylabel("uPSNR, dB")
    axes.legend(frameon=False, ncols=3, fontsize=7.5)


def _slopes(axes: Axes, profile: Profile) -> None:
    axes.axhline(1, color=LINE, linewidth=1.5)
    error = 2 * profile.line("slope_error")
    axes.errorbar(profile.places, profile.line("slope"), error, fmt="o", color=ACCENT, markersize=3)
    axes.set_ylabel("slope of grey values")
    # A channel of noise, whose slope may be anything, must not flatten the others; small changes must look small.
    low, high = axes.get_ylim()
    axes.set_ylim(min(max(low, 0.0), 0.9), max(min(high, 2.0), 1.1))


def _reason(profile: Profile, name: str) -> str:
    count = len(profile.absent[name]["places"])
    where = "" if count == len(profile.places) else f"in {count} of {len(profile.places)}: "
    return f"{where}{profile.absent[name]['reason']}"
