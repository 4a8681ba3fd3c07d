"""Stand-in for tomopy.recon, after its documentation and source, where TomoPy itself cannot be installed.

It refuses what TomoPy 1.15 would refuse or misread, and computes slowly, in another way than any of our engines, in
TomoPy's geometry and with its faults: the axis of gridrec in pixel (N/2 - 1, N/2), half a column between the centers of
gridrec and of traced rays, no filter in fbp, no zero frequency and a scale of 1.13 in gridrec, a start from 1e-6.
"""

from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray

SCALE = 1.13
FINER = 16
ALLOWED = {
    "gridrec": {"num_gridx", "num_gridy", "filter_name", "filter_par"},
    "fbp": {"num_gridx", "num_gridy", "filter_name", "filter_par"},
    "sirt": {"num_gridx", "num_gridy", "num_iter"},
    "mlem": {"num_gridx", "num_gridy", "num_iter"},
    "tv": {"num_gridx", "num_gridy", "num_iter", "reg_par"},
}
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
    start = np.full((len(tomo), size, size), 1e-6) if init_recon is None else init_recon.astype(np.float64)
    if algorithm == "gridrec":
        return _gridrec(tomo, theta, centers, size, kwargs.get("filter_name", "shepp"))
    places = [_places(theta, c - 0.5, size, (size - 1) / 2, (size - 1) / 2) for c in centers]
    if algorithm == "fbp":
        images = [_smear(sino, place) for sino, place in zip(tomo, places, strict=True)]
        return (start + images).astype(np.float32)
    matrices = [_matrix(place, tomo.shape[2]) for place in places]
    solve = {"sirt": _sirt, "mlem": _mlem, "tv": _sirt}[algorithm]
    if algorithm == "tv":
        assert kwargs["reg_par"].dtype == np.float32
    images = [
        solve(matrix, sino.ravel().astype(np.float64), image.ravel(), int(kwargs["num_iter"]))
        for matrix, sino, image in zip(matrices, tomo, start, strict=True)
    ]
    return np.reshape(images, start.shape).astype(np.float32)


def _places(theta: FloatArray, center: float, size: int, row: float, column: float) -> FloatArray:
    """Column (angle, y, x) that each pixel falls on, the axis lying in pixel (row, column)."""
    y, x = row - np.arange(size)[:, None], np.arange(size) - column
    cos, sin = np.cos(theta.astype(np.float64)), np.sin(theta.astype(np.float64))
    return x * cos[:, None, None] + y * sin[:, None, None] + center


def _gridrec(tomo: FloatArray, theta: FloatArray, centers: FloatArray, size: int, name: str) -> FloatArray:
    columns = tomo.shape[2]
    assert size % 2 == 0, "where the axis lies in an odd grid is another matter"
    assert columns & (columns - 1) == 0, "it would pad with zeros"
    assert name == "none"
    images = []
    for index, sino in enumerate(tomo):
        place = _places(theta, centers[index - index % 2], size, size // 2 - 1, size // 2)
        spectra = np.fft.rfft(sino)
        spectra[:, 0] = 0
        fine = np.fft.irfft(spectra, n=columns * FINER) * FINER
        images.append(SCALE * np.pi / len(theta) * _smear(fine, place % columns * FINER, columns * FINER))
    return np.array(images, np.float32)


def _smear(sino: FloatArray, places: FloatArray, period: int | None = None) -> FloatArray:
    columns = np.arange(sino.shape[1])
    return sum(
        np.interp(place, columns, row, left=0, right=0, period=period)
        for row, place in zip(sino, places, strict=True)
    )  # fmt: skip


def _matrix(places: FloatArray, columns: int) -> FloatArray:
    """Matrix (ray, pixel) by linear interpolation between the rays; what falls off the detector is left out."""
    place = places.reshape(len(places), 1, -1)
    return np.clip(1 - np.abs(np.arange(columns)[:, None] - place), 0, None).reshape(-1, place.shape[2])


def _sirt(matrix: FloatArray, data: FloatArray, image: FloatArray, rounds: int) -> FloatArray:
    rows, columns = np.maximum(matrix.sum(1), 1), np.maximum(matrix.sum(0), 1)
    for _ in range(rounds):
        image = image + matrix.T @ ((data - matrix @ image) / rows) / columns
    return image


def _mlem(matrix: FloatArray, data: FloatArray, image: FloatArray, rounds: int) -> FloatArray:
    assert data.min() >= 0, "the logarithm of its likelihood would be undefined"
    for _ in range(rounds):
        image = image * (matrix.T @ (data / np.maximum(matrix @ image, 1e-12))) / np.maximum(matrix.sum(0), 1)
    return image
