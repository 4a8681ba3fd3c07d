"""Figure by which the user checks the center of rotation."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage

from tomodenoise.centering.circle import opposite, past_opposite
from tomodenoise.centering.estimators import centroids
from tomodenoise.centering.finding import Center
from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import busiest_square

OFFSETS = (-4, -2, -1, 0, 1, 2, 4)  # steps from the center, one reconstruction each
STEPS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # pixels: smaller steps are hardly visible
SMALLEST = 96  # pixels along the side of a tile
NOISY = 3.0  # times the median gradient: noise is seldom steeper
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"  # distinguishable for the colour-blind (Okabe and Ito)


def figure(
    sinograms: FloatArray,
    angles: FloatArray,
    center: Center,
    reconstruct: Callable[[FloatArray, FloatArray], FloatArray],
    rows: IntArray | None = None,
    *,
    extended: bool = False,
) -> Figure:
    """Show how well opposite views match, and one row reconstructed at centers around the chosen one.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals; the row with the most contrast is shown.
    angles : (angle,) radians.
    center : the result of `finding.find`, or of `finding.settle` with the configured values.
    reconstruct : function of sinograms (n, angle, column) and their centers (n,) in pixels that returns slices
        (n, y, x).
    rows : (row,) positions of these rows in the volume. Default: 0, 1, 2, ... If the axis is tilted, the row shown has
        a center of its own; the labels are always values of the key `center`.
    extended : state in the title that the reconstruction is that of a half acquisition.

    Returns
    -------
    A figure about 1200 pixels wide, ready for `savefig`.
    """
    row = int(np.argmax([sinogram.std(axis=1).mean() for sinogram in sinograms]))
    sinogram = sinograms[row]
    here = center.center + center.tilt * ((row if rows is None else int(rows[row])) - center.row)
    offsets = [step(center, sinogram.shape[1]) * number for number in OFFSETS]
    repeated = np.broadcast_to(sinogram, (len(offsets), *sinogram.shape))
    slices = np.asarray(reconstruct(repeated, here + np.array(offsets)))
    middle = slices[OFFSETS.index(0)]
    corner, size = _detail(middle)
    window = np.percentile(middle, (1, 99.7))  # without the outliers at the rim of the field of view

    picture = Figure(figsize=(12, 7.1), dpi=100, facecolor="white")
    _headline(picture, center)
    grid = picture.add_gridspec(2, 1, height_ratios=(2.35, 1), hspace=0.2)
    grid.update(left=0.06, right=0.985, top=0.86, bottom=0.02)
    top = grid[0].subgridspec(2, 2, width_ratios=(1.85, 1), height_ratios=(2.4, 1), wspace=0.06, hspace=0.08)
    curve = picture.add_subplot(top[0, 0])
    rest = picture.add_subplot(top[1, 0])
    pairs = opposite(angles)
    if len(pairs):
        best = pairs[np.argmin(np.abs(past_opposite(angles, pairs)))]
        _match(curve, rest, sinogram[best], np.rad2deg(angles[best]), here)
    else:
        _sway(curve, rest, sinograms, angles, center.center)
    title = (
        f"{'half acquisition, extended' if extended else 'reconstruction of one row'}; the box at other centers below"
    )
    _whole(picture.add_subplot(top[:, 1]), middle, window, corner, size, title)
    strip = grid[1].subgridspec(1, len(OFFSETS), wspace=0.04)
    cut = np.s_[corner[0] : corner[0] + size, corner[1] : corner[1] + size]
    for place, (offset, image) in enumerate(zip(offsets, slices, strict=True)):
        _tile(picture.add_subplot(strip[place]), image[cut], window, center.center + offset, offset)
    return picture


def step(center: Center, columns: int) -> float:
    """Return the pixels between the centers shown: twice the stated error, so that all are on the detector."""
    error = center.estimates[0].spread if center.method == center.estimates[0].method else 0.0
    wanted = STEPS[-2] if error is None else 2 * error
    return next((step for step in STEPS if step >= min(wanted, columns / 32)), STEPS[-1])


def _headline(picture: Figure, center: Center) -> None:
    picture.text(0.06, 0.962, f"Center of rotation {center.center:.2f} px ({center.method})", size=15, weight="bold")
    if center.confidence:
        level = "none" if center.confidence.startswith("none:") else center.confidence  # the warning gives the reason
        picture.text(0.985, 0.962, f"Confidence {level}", size=11, ha="right")
    errors = [" (not trusted)" if e.spread is None else f" ± {e.spread:.2f}" for e in center.estimates]
    estimates = [f"{e.method} {e.center:.2f}{error}" for e, error in zip(center.estimates, errors, strict=True)]
    tilt = ""
    if center.tilt_found is not None:
        measured = f"measured {center.tilt_found:+.5f} ± {center.tilt_error:.5f} columns per row"
        tilt = f"     Tilt:  {center.tilt:g} applied, {measured}".replace("-", "\N{MINUS SIGN}")
    picture.text(0.06, 0.93, f"Estimates in px:  {',  '.join(estimates)}{tilt}", size=10, color=GREY)
    if center.warning:
        picture.text(0.06, 0.90, f"Warning: {center.warning}", size=10, color=ORANGE, weight="bold")


def _match(curve: Axes, rest: Axes, views: FloatArray, degrees: FloatArray, center: float) -> None:
    """Draw one view with the flipped opposite view over it, and their difference below."""
    columns = np.arange(views.shape[-1])
    flipped = np.interp(2 * center - columns, columns, views[1], left=np.nan, right=np.nan)
    curve.plot(columns, views[0], color=BLUE, lw=1.2, label=f"view at {degrees[0]:.1f}°")
    curve.plot(columns, flipped, color=ORANGE, lw=1.2, ls=(0, (4, 2)), label=f"view at {degrees[1]:.1f}°, flipped")
    rest.plot(columns, views[0] - flipped, color=GREY, lw=0.9)
    _dress(curve, rest, "line integral", "column (px)")
    for axes in (curve, rest):
        axes.axvline(center, color="black", lw=0.8, ls=":")
        axes.set_xlim(0, len(columns) - 1)


def _sway(curve: Axes, rest: Axes, sinograms: FloatArray, angles: FloatArray, center: float) -> None:
    """Draw the centre of mass of the views, its sinusoid about the center, and the difference below."""
    order = np.argsort(angles)
    centroid = centroids(sinograms)[1][order]
    angles = angles[order]
    model = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    known = np.isfinite(centroid)
    fit = center + model @ np.linalg.lstsq(model[known], centroid[known] - center)[0]
    degrees = np.rad2deg(angles)
    curve.plot(degrees, centroid, ".", color=BLUE, ms=4, label="centre of mass (no opposite views in this scan)")
    curve.plot(degrees, fit, color=ORANGE, lw=1.2, ls=(0, (4, 2)), label="sinusoid about the center")
    rest.plot(degrees, centroid - fit, ".", color=GREY, ms=4)
    _dress(curve, rest, "column (px)", "angle (°)")


def _dress(curve: Axes, rest: Axes, values: str, along: str) -> None:
    curve.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    curve.set_ylabel(values)
    curve.tick_params(labelbottom=False)
    rest.set_ylabel("difference")
    rest.set_xlabel(along, labelpad=1)
    rest.axhline(0, color="black", lw=0.5)
    for axes in (curve, rest):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.yaxis.set_label_coords(-0.065, 0.5)


def _whole(axes: Axes, image: FloatArray, window: FloatArray, corner: tuple[int, int], size: int, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=window[0], vmax=window[1])
    axes.add_patch(Rectangle((corner[1] - 0.5, corner[0] - 0.5), size, size, fill=False, edgecolor=ORANGE, lw=1.5))
    axes.set_title(title, size=9, color=GREY)
    axes.set_axis_off()


def _tile(axes: Axes, image: FloatArray, window: FloatArray, center: float, offset: float) -> None:
    axes.imshow(image, cmap="gray", vmin=window[0], vmax=window[1])
    label = f"{center:.2f} px" + (f"  ({offset:+g})".replace("-", "\N{MINUS SIGN}") if offset else "")
    axes.set_title(label, size=9, pad=3)  # above the image, as the only feature may be in a corner
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(edgecolor="black" if offset else ORANGE, linewidth=0.6 if offset else 2.5)


def _detail(image: FloatArray) -> tuple[tuple[int, int], int]:
    """Return the corner (row, column) and the size of the square with the most edges, where a wrong center shows."""
    columns = len(image)
    size = min(columns, max(SMALLEST, columns // 8))
    edges = ndimage.gaussian_gradient_magnitude(image.astype(np.float32), 2)
    y, x = np.mgrid[:columns, :columns] - (columns - 1) / 2
    radius = np.hypot(y, x) / columns
    # The rim of the field of view is bright and rings around the axis are sharp, whatever the center.
    inside = (radius < 0.45) & (radius > 0.03)
    clear = np.where(inside, np.maximum(edges - NOISY * np.median(edges[inside]), 0), 0)
    across, along = busiest_square(clear, size)
    return (across.start, along.start), size
