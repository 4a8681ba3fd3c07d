"""Sharpness: width and mean profile of edges that are found automatically."""

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
"""Pixels of a profile on each side of an edge; both sides must be flat up to there."""

OFFSETS = np.arange(-REACH, REACH + 0.25, 0.5)
CANDIDATES = 6000
FEWEST = 100
STRONG = 0.3
"""Least gradient of an edge, as a fraction of the 99.5 % quantile of all gradients."""

ALIKE = 0.97
"""Least R² of an error function fitted to the profile of an edge; below it the edge is not a single, straight step."""

GROUPS = 20
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True)
class Edges:
    """Positions of steps from a flat side to a brighter flat side, ordered by slice and row."""

    places: FloatArray
    """(n, 3) slice, y, x; y and x to a fraction of a pixel, so that profiles can be averaged."""
    directions: FloatArray
    """(n, 2) unit vectors (y, x) from dark to bright."""


@dataclass(frozen=True)
class Width:
    """Width of edges."""

    fwhm: float
    """Full width at half maximum of the line spread function, pixels: median over groups of neighbouring edges."""
    spread: float
    """Half of the range that holds the middle two thirds of the groups."""
    profile: FloatArray
    """Mean over all edges at `OFFSETS`, in the unit of the image."""
    edges: int
    groups: int
    """Groups that could be fitted."""

    @property
    def error(self) -> float:
        """Standard error of the median over groups, 1.25 times that of their mean."""
        return float(np.sqrt(np.pi / 2 / self.groups)) * self.spread


def detect(image: FloatArray, mask: BoolArray) -> Edges:
    """Find straight, isolated edges in slices.

    Parameters
    ----------
    image : (z, y, x), with little noise, preferably independent of the noise of the images to be measured.
    mask : (y, x) or (z, y, x).

    Raises
    ------
    Unsupported
        If there are fewer than 100 edges.

    Notes
    -----
    Edges are ridges of the gradient as in Canny, IEEE Trans. PAMI 8, 679 (1986), at which an error function explains
    97 % of the variance of the profile across.
    """
    inside = np.broadcast_to(mask, image.shape)
    ridges = [_ridges(*pair) for pair in zip(image, inside, strict=True)]
    places = np.concatenate([np.column_stack([np.full(len(p), z), p]) for z, (p, _) in enumerate(ridges)])
    directions = np.concatenate([direction for _, direction in ridges])
    kept = slice(None, None, -(-len(places) // CANDIDATES) or 1)
    edges = Edges(places[kept].astype(np.float64), directions[kept])
    shift, score = _best_step(sample(image, edges, order=1))
    edges = Edges(
        np.column_stack([edges.places[:, 0], edges.places[:, 1:] + shift[:, None] * edges.directions])[score >= ALIKE],
        edges.directions[score >= ALIKE],
    )
    if len(edges.places) < FEWEST:
        raise Unsupported(f"{len(edges.places)} edges have flat sides of {REACH:g} pixels, {FEWEST} are needed")
    return edges


def measure(image: FloatArray, edges: Edges) -> Width:
    """Fit error functions to the mean profiles of groups of neighbouring edges.

    Parameters
    ----------
    image : (z, y, x).
    edges : from `detect`.

    Returns
    -------
    The width of the edges in the image, which includes the slope and curvature of the edges of the sample.

    Raises
    ------
    Unsupported
        If the noise is too strong for a fit.

    Notes
    -----
    The model is c + h/2 (1 + erf((t - t0) / √2s)); its derivative is a Gaussian with a full width of 2√(2 ln 2) s. A
    profile is the average over at least 5 edges, as a single edge of the raw image is dominated by noise.
    """
    profiles = sample(image, edges, order=3)
    groups = np.array_split(profiles, min(GROUPS, len(profiles) // 5))
    widths = np.array([_fit(group.mean(axis=0)) for group in groups])
    good = widths[np.isfinite(widths)]
    if len(good) < max(3, 0.7 * len(groups)):
        raise Unsupported("the noise is too strong to fit edges")
    low, middle, high = np.quantile(good, [1 / 6, 0.5, 5 / 6])
    return Width(float(middle), float(high - low) / 2, profiles.mean(axis=0), len(profiles), len(good))


def sample(image: FloatArray, edges: Edges, order: Literal[1, 3]) -> FloatArray:
    """Return profiles across edges at `OFFSETS`, (edge, offset) float64, interpolated by splines of that order."""
    profiles = np.empty((len(edges.places), len(OFFSETS)))
    for z in np.unique(edges.places[:, 0]).astype(int):
        here = edges.places[:, 0] == z
        points = edges.places[here, 1:, None] + edges.directions[here, :, None] * OFFSETS
        profiles[here] = map_coordinates(image[z], points.transpose(1, 0, 2), order=order, mode="nearest")
    return profiles


def _ridges(image: FloatArray, mask: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the pixels (n, 2) where the gradient is strong and a maximum along its direction, and that direction."""
    gradient = np.stack([gaussian_filter(image, 1.0, order=order) for order in ((1, 0), (0, 1))]).astype(np.float64)
    size = np.hypot(*gradient)
    margin = int(REACH) + 1
    inner = np.zeros_like(mask)
    inner[margin:-margin, margin:-margin] = mask[margin:-margin, margin:-margin]
    strong = inner & (size > STRONG * np.quantile(size[mask], 0.995)) if mask.any() else inner
    places = np.argwhere(strong)
    direction = (gradient[:, strong] / size[strong]).T
    neighbours = [map_coordinates(size, (places + sign * direction).T, order=1) for sign in (-1, 1)]
    ridge = (size[strong] >= neighbours[0]) & (size[strong] > neighbours[1])
    return places[ridge].astype(np.float64), direction[ridge]


def _best_step(profiles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the position (n,), pixels, and R² (n,) of the best error function on a grid."""
    shifts = np.arange(-1.5, 1.51, 0.125)
    sigmas = np.geomspace(0.4, REACH / 3, 16)
    shift, sigma = (axis.ravel() for axis in np.meshgrid(shifts, sigmas, indexing="ij"))
    steps = _unit(erf((OFFSETS - shift[:, None]) / (np.sqrt(2) * sigma[:, None])))
    correlation = _unit(profiles) @ steps.T
    best = correlation.argmax(axis=1)
    highest = np.take_along_axis(correlation, best[:, None], 1)[:, 0]
    return shift[best], np.sign(highest) * highest**2


def _unit(lines: FloatArray) -> FloatArray:
    """Return lines (n, offset) without their means, normalised to unit length."""
    centered = lines - lines.mean(axis=1, keepdims=True)
    return np.asarray(centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-30))


def _fit(profile: FloatArray) -> float:
    """Return the full width at half maximum of the step in a profile; NaN if its error exceeds a third."""
    base = profile[:5].mean()
    top = profile[-5:].mean()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", OptimizeWarning)
            solution, covariance = curve_fit(_step, OFFSETS, profile, p0=(base, top - base, 0.0, 1.0), maxfev=400)
    except (RuntimeError, OptimizeWarning):
        return np.nan
    sigma = abs(solution[3])
    error = np.sqrt(covariance[3, 3])
    return float(FWHM_PER_SIGMA * sigma) if error < sigma / 3 and sigma < REACH else np.nan


def _step(t: FloatArray, base: float, height: float, position: float, sigma: float) -> FloatArray:
    return np.asarray(base + height / 2 * (1 + erf((t - position) / (np.sqrt(2) * max(abs(sigma), 1e-3)))))
