"""Sharpness: the width of edges that are found automatically, and their mean profile."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import erf

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

REACH = 6.0
"""Pixels to each side of an edge that its profile has; both sides must be flat so far."""

OFFSETS = np.arange(-REACH, REACH + 0.25, 0.5)
CANDIDATES = 6000
FEWEST = 100
STRONG = 0.3
"""Least gradient of an edge, of the 99.5 % quantile of all gradients."""

ALIKE = 0.97
"""Least R² of an error function on the profile of an edge that is taken: others are no single, straight step."""

GROUPS = 20
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True)
class Edges:
    """Places where the image is a step from a flat side to a brighter flat side, ordered by slice and row."""

    places: FloatArray
    """(n, 3): slice, y, x; the latter two with fractions of a pixel, so that profiles can be averaged."""
    directions: FloatArray
    """(n, 2) unit vectors (y, x) from dark to bright."""


@dataclass(frozen=True)
class Width:
    """Full width at half maximum of the edges' line spread, pixels."""

    fwhm: float
    """Median over groups of neighbouring edges."""
    spread: float
    """Half of the range that two thirds of the groups are in."""
    profile: FloatArray
    """Mean over all edges at `OFFSETS`, in the unit of the image."""
    edges: int


def detect(image: FloatArray, mask: BoolArray) -> Edges:
    """Find straight, isolated edges in slices.

    Parameters
    ----------
    image : (z, y, x), of little noise, best not that of the image to be measured.
    mask : (y, x) or (z, y, x).

    Raises
    ------
    Unsupported
        If there are fewer than 100.

    Notes
    -----
    Ridges of the gradient as in Canny, IEEE Trans. PAMI 8, 679 (1986); of these, where an error function explains
    97 % of the variance of the profile across.
    """
    inside = np.broadcast_to(mask, image.shape)
    found = [_ridges(*each) for each in zip(image, inside, strict=True)]
    places = np.concatenate([np.column_stack([np.full(len(p), z), p]) for z, (p, _) in enumerate(found)])
    directions = np.concatenate([direction for _, direction in found])
    kept = slice(None, None, -(-len(places) // CANDIDATES) or 1)
    edges = Edges(places[kept].astype(np.float64), directions[kept])
    shift, score = _best_step(sample(image, edges, order=1))
    edges = Edges(
        np.column_stack([edges.places[:, 0], edges.places[:, 1:] + shift[:, None] * edges.directions])[score >= ALIKE],
        edges.directions[score >= ALIKE],
    )
    if len(edges.places) < FEWEST:
        raise Unsupported(f"{len(edges.places)} edges have flat sides of {REACH:g} pixels: a width takes {FEWEST}")
    return edges


def measure(image: FloatArray, edges: Edges) -> Width:
    """Fit error functions to the mean profiles of groups of neighbouring edges.

    Parameters
    ----------
    image : (z, y, x).
    edges : from `detect`.

    Returns
    -------
    The width of the edge as the image shows it: blur of the image, and slope and curvature of the sample's edges.

    Raises
    ------
    Unsupported
        If noise is too strong for a fit.

    Notes
    -----
    c + h/2 (1 + erf((t - t0) / √2s)); its derivative is a Gaussian of full width 2√(2 ln 2) s. A profile is an average
    over 5 edges at least, as single ones of the raw image are noise.
    """
    profiles = sample(image, edges, order=3)
    groups = np.array_split(profiles, min(GROUPS, len(profiles) // 5))
    widths = np.array([_fit(group.mean(axis=0)) for group in groups])
    good = widths[np.isfinite(widths)]
    if len(good) < max(3, 0.7 * len(groups)):
        raise Unsupported("noise is too strong for the fit of an edge")
    low, middle, high = np.quantile(good, [1 / 6, 0.5, 5 / 6])
    return Width(float(middle), float(high - low) / 2, profiles.mean(axis=0), len(profiles))


def sample(image: FloatArray, edges: Edges, order: Literal[1, 3]) -> FloatArray:
    """Profiles across edges, (edge, offset), interpolated by splines of an order."""
    profiles = np.empty((len(edges.places), len(OFFSETS)))
    for z in np.unique(edges.places[:, 0]).astype(int):
        here = edges.places[:, 0] == z
        points = edges.places[here, 1:, None] + edges.directions[here, :, None] * OFFSETS
        profiles[here] = map_coordinates(image[z], points.transpose(1, 0, 2), order=order, mode="nearest")
    return profiles


def _ridges(image: FloatArray, mask: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Pixels (n, 2) where the gradient is strong and largest along its own direction, and these directions (n, 2)."""
    gradient = np.stack([gaussian_filter(image, 1.0, order=order) for order in ((1, 0), (0, 1))]).astype(np.float64)
    size = np.hypot(*gradient)
    margin = int(REACH) + 1
    inner = np.zeros_like(mask)
    inner[margin:-margin, margin:-margin] = mask[margin:-margin, margin:-margin]
    strong = inner & (size > STRONG * np.quantile(size[mask], 0.995)) if mask.any() else inner
    places = np.argwhere(strong)
    direction = (gradient[:, strong] / size[strong]).T
    beside = [map_coordinates(size, (places + sign * direction).T, order=1) for sign in (-1, 1)]
    ridge = (size[strong] >= beside[0]) & (size[strong] > beside[1])
    return places[ridge].astype(np.float64), direction[ridge]


def _best_step(profiles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of a grid of error functions the one most alike: its position (n,), pixels, and R² (n,)."""
    shifts, sigmas = np.arange(-1.5, 1.51, 0.125), np.geomspace(0.4, REACH / 3, 16)
    shift, sigma = (axis.ravel() for axis in np.meshgrid(shifts, sigmas, indexing="ij"))
    steps = _unit(erf((OFFSETS - shift[:, None]) / (np.sqrt(2) * sigma[:, None])))
    likeness = _unit(profiles) @ steps.T
    best = likeness.argmax(axis=1)
    highest = np.take_along_axis(likeness, best[:, None], 1)[:, 0]
    return shift[best], np.sign(highest) * highest**2


def _unit(lines: FloatArray) -> FloatArray:
    """Lines without their means, of length one."""
    off = lines - lines.mean(axis=1, keepdims=True)
    return np.asarray(off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-30))


def _fit(profile: FloatArray) -> float:
    """Full width at half maximum of the step in a profile; NaN where its error is more than a third."""
    base, top = profile[:5].mean(), profile[-5:].mean()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", OptimizeWarning)
            found, covariance = curve_fit(_step, OFFSETS, profile, p0=(base, top - base, 0.0, 1.0), maxfev=400)
    except (RuntimeError, OptimizeWarning):
        return np.nan
    sigma, error = abs(found[3]), np.sqrt(covariance[3, 3])
    return float(FWHM_PER_SIGMA * sigma) if error < sigma / 3 and sigma < REACH else np.nan


def _step(t: FloatArray, base: float, height: float, place: float, sigma: float) -> FloatArray:
    return np.asarray(base + height / 2 * (1 + erf((t - place) / (np.sqrt(2) * max(abs(sigma), 1e-3)))))
