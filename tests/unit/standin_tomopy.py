"""Stand-in for tomopy.recon where TomoPy itself cannot be installed, true to recorded results of TomoPy 1.15.2.

It refuses what TomoPy would refuse or misread, and has its faults. In gridrec these are a kernel that is narrower than
its correction assumes, a correction one pixel aside, an axis in pixel (N/2 - 1, N/2), no zero frequency, and the center
of a pair's first slice for both. Elsewhere they are half a column between center and axis, no filter in fbp, a start
from 1e-6, 0/0 in mlem, and a projector scaled by the size of the sinogram in tv.

References: Dowd et al., SPIE 3772, 1999 (gridrec). Chambolle & Pock, J. Math. Imaging Vis. 40, 2011 (tv).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from tomodenoise.common.arrays import FloatArray

ALLOWED = {
    "gridrec": {"num_gridx", "num_gridy", "filter_name", "filter_par"},
    "fbp": {"num_gridx", "num_gridy", "filter_name", "filter_par"},
    "sirt": {"num_gridx", "num_gridy", "num_iter"},
    "mlem": {"num_gridx", "num_gridy", "num_iter"},
    "tv": {"num_gridx", "num_gridy", "num_iter", "reg_par"},
}
FILTERS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "none": np.ones_like,
    "ramlak": lambda f: 2 * f,
    "shepp": lambda f: 2 * f * np.sinc(f),
    "cosine": lambda f: 2 * f * np.cos(np.pi * f),
    "hann": lambda f: f * (1 + np.cos(4 * np.pi * f)),
    "parzen": lambda f: 2 * f * (1 - 2 * f) ** 3,
}
"""Of gridrec, over cycles per column; not what their names say."""
SERIES = np.array([
    57.67616, -89.31343, 41.67596, -10.53599, 1.662374, -0.1780527,
    0.01372983, -7.963169e-4, 3.593372e-5, -1.295941e-6, 3.817796e-8,
])  # fmt: skip
"""Legendre coefficients of even degree of the prolate spheroidal wave function of degree zero, of bandwidth 7."""
REACH = 2  # grid steps that gridrec spreads a sample to on each side
ENTRIES = 512  # of the kernel's table
STEP = 0.35  # of tv, primal and dual

calls: list[dict[str, Any]] = []


def recon(
    tomo: FloatArray,
    theta: FloatArray,
    center: float | FloatArray | None = None,
    sinogram_order: bool = False,
    algorithm: str | None = None,
    init_recon: FloatArray | None = None,
    ncore: int | None = None,
    nchunk: int | None = None,
    **kwargs: Any,  # noqa: ANN401 - TomoPy's own
) -> FloatArray:
    if algorithm not in ALLOWED or set(kwargs) - ALLOWED[algorithm]:
        raise ValueError(f"{set(kwargs)} keyword not in allowed keywords of {algorithm}")
    assert sinogram_order, "radiograph order would need another layout"
    assert tomo.dtype == np.float32
    assert tomo.flags.c_contiguous
    assert theta.dtype == np.float32
    assert tomo.shape[1] == len(theta)
    assert isinstance(ncore, int)
    assert ncore >= 1
    centers = np.ones(len(tomo)) * center
    assert len(centers) == len(tomo)
    size = int(kwargs.get("num_gridx", tomo.shape[2]))
    assert size == int(kwargs.get("num_gridy", tomo.shape[2]))
    if init_recon is not None:
        assert init_recon.shape == (len(tomo), size, size)
        assert init_recon.dtype == np.float32
    calls.append({"algorithm": algorithm, "centers": centers} | kwargs)
    if algorithm == "gridrec":
        return _gridrec(tomo, theta, centers, size, kwargs.get("filter_name", "shepp"))
    solvers = {"fbp": _fbp, "sirt": _sirt, "mlem": _mlem, "tv": _tv}
    settings = {"rounds": int(kwargs["num_iter"])} if "num_iter" in kwargs else {}
    if algorithm == "tv":
        assert kwargs["reg_par"].dtype == np.float32
        settings["weight"] = kwargs["reg_par"][0]
    start = np.full((len(tomo), size, size), 1e-6) if init_recon is None else init_recon.astype(np.float64)
    images = [
        solvers[algorithm](
            _matrix(theta, axis, tomo.shape[2], size), sino.ravel().astype(np.float64), image, **settings
        )
        for sino, image, axis in zip(tomo, start.reshape(len(tomo), -1), centers, strict=True)
    ]
    return np.reshape(images, start.shape).astype(np.float32)


def _gridrec(tomo: FloatArray, theta: FloatArray, centers: FloatArray, size: int, name: str) -> FloatArray:
    columns = tomo.shape[2]
    length = max(16, 1 << (columns - 1).bit_length())
    half = length // 2
    harmonics = np.arange(1, half, dtype=np.float32)
    gain = FILTERS[name](harmonics / length) * np.pi / length / len(theta)
    paired = centers[np.arange(len(tomo)) // 2 * 2]
    turns = np.exp(-2j * np.pi / length * harmonics * paired[:, None])
    spectra = np.fft.rfft(tomo, length).conj()[..., 1:half] * (gain * turns)[:, None]
    table = _kernel(np.arange(ENTRIES + 1) / ENTRIES)
    along_u = _taps(harmonics * np.cos(theta)[:, None] + np.float32(half), table, length)
    along_v = _taps(harmonics * np.sin(theta)[:, None] + np.float32(half), table, length)
    plane = np.zeros((length**2, len(tomo)), complex)
    samples = spectra.reshape(len(tomo), -1).T
    number = np.arange(len(samples))
    for u, weight_u in along_u:
        for v, weight_v in along_v:
            spread = sparse.csr_array((weight_u * weight_v, (u * length + v, number)), (length**2, len(number)))
            plane += spread @ samples
    # The samples' conjugates, at the opposite points, double the real part.
    wide = 2 * np.fft.fft2(plane.T.reshape(-1, length, length)).real
    margin = (length - size) // 2
    kept = np.arange(size) + margin
    factor = _correction(length)[kept]
    crop = (kept - half) % length
    images = wide[:, crop][:, :, crop] * factor[:, None] * factor
    return images.transpose(0, 2, 1)[:, ::-1].astype(np.float32)


def _kernel(place: FloatArray) -> FloatArray:
    """Gridrec's kernel over the share of its half-width."""
    series = np.zeros(2 * len(SERIES) - 1)
    series[::2] = SERIES
    return np.polynomial.legendre.legval(place, series) / np.polynomial.legendre.legval(0, series)


def _taps(place: FloatArray, table: FloatArray, length: int) -> list[tuple[FloatArray, FloatArray]]:
    """Grid points and weights that each sample is spread to along one direction."""
    first = np.ceil(place - REACH)
    taps = []
    for step in range(2 * REACH + 1):
        point = first + step
        near = (point <= place + REACH) & (point >= 1) & (point < length)
        entry = np.rint(np.minimum(np.abs(place - point) / REACH, 1) * ENTRIES).astype(int)
        taps.append(((point % length).astype(int).ravel(), (table[entry] * near).ravel()))
    return taps


def _correction(length: int) -> FloatArray:
    """Factor of each pixel along a row or column; the last is beyond TomoPy's table: it reads what lies there."""
    distance = np.abs(np.arange(length) - (length // 2 - 1))
    entry = np.rint(distance * ENTRIES / ((length - 1) / 2))
    values = np.where(entry <= ENTRIES, _kernel(np.minimum(entry / ENTRIES, 1)), np.nan)
    return (-1.0) ** distance * np.sqrt(np.pi / 2 / 7 / 0.99998546) / 1.2 / values


def _matrix(theta: FloatArray, center: float, columns: int, size: int) -> sparse.coo_array:
    """Length (ray, pixel) of each ray in each pixel.

    Over a ray's distance from a pixel's middle it is a trapezoid, and no wider than √2: two rays at most.
    """
    move = columns / 2 - center
    axis = center - 0.5 - (0.01 if move - np.floor(move) < 0.01 else 0)
    x = np.arange(size) - (size - 1) / 2
    cos = np.cos(theta.astype(np.float64))[:, None, None]
    sin = np.sin(theta.astype(np.float64))[:, None, None]
    place = x * cos - x[:, None] * sin + axis
    long = np.maximum(np.abs(cos), np.abs(sin))
    short = np.minimum(np.abs(cos), np.abs(sin))
    first = np.ceil(place - (long + short) / 2)
    lengths = []
    for ray in (first, first + 1):
        flank = ((long + short) / 2 - np.abs(ray - place)) / np.maximum(long * short, 1e-9)
        length = np.clip(flank, 0, 1 / long) * ((ray >= 0) & (ray < columns))
        _miss_corners(length, place - ray, cos[:, 0, 0], sin[:, 0, 0])
        lengths.append(length.ravel())
    rays = np.clip([first, first + 1], 0, columns - 1) + columns * np.arange(len(theta))[:, None, None]
    pixels = np.tile(np.arange(size**2), 2 * len(theta))
    shape = columns * len(theta), size**2
    entries = np.concatenate(lengths)
    hit = entries > 0
    return sparse.coo_array((entries[hit], (rays.ravel().astype(int)[hit], pixels[hit])), shape)


def _miss_corners(length: FloatArray, distance: FloatArray, cos: FloatArray, sin: FloatArray) -> None:
    """Set lengths (angle, y, x) to zero in corner pixels that a ray enters within 0.01 of the grid's corner."""
    for row, up in ((0, 1), (-1, -1)):
        for column, right in ((0, -1), (-1, 1)):
            past = distance[:, row, column] + (right * cos + up * sin) / 2
            along_side = up * past / np.where(sin == 0, np.inf, sin)
            along_top = right * past / np.where(cos == 0, np.inf, cos)
            for inward in (along_side, along_top):
                length[(inward > 0) & (inward < 0.01), row, column] = 0


def _over(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Quotient, 0 where no ray meets a pixel or no pixel a ray."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def _fbp(matrix: sparse.coo_array, data: FloatArray, image: FloatArray) -> FloatArray:
    return image + matrix.T @ data


def _sirt(matrix: sparse.coo_array, data: FloatArray, image: FloatArray, rounds: int) -> FloatArray:
    squares = matrix.power(2).sum(1)
    lengths = matrix.sum(0)
    for _ in range(rounds):
        image = image + _over(matrix.T @ _over(data - matrix @ image, squares), lengths)
    return image


def _mlem(matrix: sparse.coo_array, data: FloatArray, image: FloatArray, rounds: int) -> FloatArray:
    """In single precision, in which pixels that only decay reach zero; then 0/0 makes NaN, and that spreads."""
    assert data.min() >= 0, "the logarithm of its likelihood would be undefined"
    lengths = matrix.sum(0)
    seen = lengths > 0
    hit = matrix.sum(1) > 0
    image = image.astype(np.float32)
    for _ in range(rounds):
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = data / (matrix @ image).astype(np.float32)
        ratio[~hit] = 0
        image[seen] *= ((matrix.T @ ratio)[seen] / lengths[seen]).astype(np.float32)
    return image


def _tv(matrix: sparse.coo_array, data: FloatArray, image: FloatArray, rounds: int, weight: float) -> FloatArray:
    """Chambolle and Pock's iteration; the last row and column have no slope."""
    scale = 1 / np.sqrt(len(data) / 2)
    edge = math.isqrt(len(image))
    current = image.reshape(edge, edge) / scale
    ahead = current
    slope = np.zeros((2, edge, edge))
    misfit = np.zeros_like(data)
    for _ in range(rounds):
        slope[0, :-1, :-1] += STEP * np.diff(ahead, axis=0)[:, :-1]
        slope[1, :-1, :-1] += STEP * np.diff(ahead, axis=1)[:-1]
        slope /= np.maximum(np.hypot(*slope) / weight, 1)
        misfit = (misfit + STEP * (scale * (matrix @ ahead.ravel()) - data)) / (1 + STEP)
        pull = scale * (matrix.T @ misfit).reshape(edge, edge)
        divergence = np.diff(slope[0], axis=0, prepend=0) + np.diff(slope[1], axis=1, prepend=0)
        following = current - STEP * (pull - divergence)
        ahead = 2 * following - current
        current = following
    return scale * ahead
