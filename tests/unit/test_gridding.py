"""Fourier gridding against the sum that defines filtered backprojection, and against phantoms."""

import numpy as np
import phantoms
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines import passes, raster
from tomodenoise.reconstruction.engines.filters import FILTERS, response
from tomodenoise.reconstruction.engines.gridding import RasterPlan, gridding_plan
from tomodenoise.reconstruction.engines.spreading import (
    interpolation_matrix,
    kernel_transform,
    shape_parameter,
    spreading_strips,
)


def even(columns: int, angles: int) -> RasterPlan:
    theta = np.arange(angles) * np.pi / angles
    return gridding_plan(theta, np.full(angles, np.pi / angles), columns, "ram-lak", "zero", "cpu")


def backprojection(
    sinogram: FloatArray, angles: FloatArray, weights: FloatArray, center: float, kind: str, length: int,
    x: FloatArray, y: FloatArray,
) -> FloatArray:  # fmt: skip
    """Σ_a w_a q_a(x cosθ + y sinθ) at the points (x, y), q by its Fourier series: no grid, no kernel, no FFT."""
    spectrum = np.fft.rfft(sinogram.astype(np.float64), length) * response(kind, length)
    spectrum[:, 1:-1] *= 2
    k = np.arange(length // 2 + 1)
    total = np.zeros(len(x))
    for row, angle, weight in zip(spectrum, angles, weights, strict=True):
        t = x * np.cos(angle) + y * np.sin(angle) + center
        total += weight / length * (np.exp(2j * np.pi / length * t[:, None] * k) @ row).real
    return total


@settings(max_examples=15)
@given(
    columns=st.integers(16, 40),
    offset=st.floats(-8, 8),
    kind=st.sampled_from(FILTERS),
    angles=st.lists(st.floats(-7, 7), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_gridding_is_filtered_backprojection(
    columns: int, offset: float, kind: str, angles: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    center, weights = (columns - 1) / 2 + offset, rng.uniform(0, 1, len(angles))
    sinogram = rng.standard_normal((len(angles), columns), np.float32)
    plan = gridding_plan(np.array(angles), weights, columns, kind, "zero", "cpu")
    place = np.arange(columns) - (columns - 1) / 2
    x, y = (grid.ravel() for grid in np.meshgrid(place, -place))
    expected = backprojection(sinogram, np.array(angles), weights, center, kind, plan.raster.length, x, y)
    error = plan(sinogram[None], center)[0].ravel() - expected
    assert np.sqrt(np.mean(error**2)) < 5e-3 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize(
    ("columns", "angles", "least"), [(512, 804, 43), pytest.param(1024, 1608, 46, marks=pytest.mark.slow)]
)
def test_noise_free_phantoms_are_reconstructed_as_well_as_pixels_allow(columns: int, angles: int, least: float) -> None:
    ellipses = phantoms.random_ellipses(seed=0)
    sinogram = phantoms.sinogram(ellipses, np.arange(angles) * np.pi / angles, columns, (columns - 1) / 2)
    assert (
        phantoms.psnr(even(columns, angles)(sinogram[None], (columns - 1) / 2)[0], phantoms.truth(ellipses, columns))
        >= least
    )


def test_a_grid_of_2048_points_is_scaled_right_with_two_threads() -> None:
    """torch.fft.ifft2 of the grid that the sparse product leaves is not, in some versions: pytorch issue 169670."""
    angles, weights = np.array([0.2, 1.9]), np.array([1.0, 2.0])
    sinograms = np.random.default_rng(0).standard_normal((2, 2, 1365), np.float32)
    plan = gridding_plan(angles, weights, 1365, "hann", "zero", "cpu")
    assert plan.raster.size == 2048
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        images = plan(sinograms, 700.3)
    finally:
        torch.set_num_threads(threads)
    rows, columns = np.arange(100, 1265, 90), np.arange(1264, 100, -90)
    for image, sinogram in zip(images, sinograms, strict=True):
        expected = backprojection(
            sinogram, angles, weights, 700.3, "hann", plan.raster.length, columns - 682.0, 682.0 - rows
        )
        np.testing.assert_allclose(image[rows, columns], expected, atol=5e-3 * np.abs(expected).max())


@pytest.mark.parametrize("pad", ["edge", "zero"])
def test_angles_in_blocks_give_the_same_slice_and_their_sections_add_up(pad: str) -> None:
    rng, angles, weights = np.random.default_rng(0), np.arange(61) * np.pi / 61, np.full(61, np.pi / 61)
    sinograms = rng.standard_normal((6, 61, 48), np.float32)
    single = gridding_plan(angles, weights, 48, "ram-lak", pad, "cpu")
    many = gridding_plan(angles, weights, 48, "ram-lak", pad, "cpu", limit=128 * 49 * 10)
    assert (len(single.raster.blocks), len(many.raster.blocks)) == (1, 7)
    full = many(sinograms, 20.3)
    assert np.abs(single(sinograms, 20.3) - full).max() < 1e-6 * np.ptp(full)
    mean = np.zeros_like(full)
    for some in (np.arange(start, 61, 4) for start in range(4)):
        share = len(some) / 61
        part = gridding_plan(angles[some], weights[some] / share, 48, "ram-lak", pad, "cpu", limit=128 * 49 * 10)
        mean += share * part(sinograms[:, some], 20.3)
    assert np.abs(mean - full).max() < 1e-5 * np.ptp(full)


def test_the_ramp_is_the_band_limited_one() -> None:
    ramp = response("ram-lak", 512)
    np.testing.assert_allclose(ramp, np.arange(257) / 512, atol=1e-3)
    # What the kernel's cut-off tail misses, 2 Σ 1/(πn)² over odd n > L/2, is left at f = 0 [Kak & Slaney, sec. 3.3.3].
    assert ramp[0] == pytest.approx(2 / (np.pi**2 * 512), rel=0.01)


@pytest.mark.parametrize("kind", FILTERS[:-1])
def test_windows_leave_low_frequencies_and_never_amplify(kind: str) -> None:
    ramp, filtered = response("ram-lak", 512), response(kind, 512)
    assert filtered[0] == ramp[0]
    assert np.all(filtered <= ramp + 1e-15)
    assert np.all(np.diff(filtered / ramp) <= 1e-12)


def test_windows_end_at_the_nyquist_frequency_as_they_are_defined() -> None:
    last = {kind: response(kind, 64)[-1] / response("ram-lak", 64)[-1] for kind in FILTERS[:-1]}
    assert last == pytest.approx({"ram-lak": 1, "shepp": 2 / np.pi, "hann": 0, "cosine": 0, "parzen": 0}, abs=1e-12)


def test_spreading_is_the_kernel_at_every_grid_point() -> None:
    """Against all pairs of grid points and samples, with the wrap along v and the spill along u."""
    rng, size = np.random.default_rng(0), 12
    beta = shape_parameter(1.5)
    u, v = rng.uniform(0, size / 2, 40), rng.uniform(-size / 2, size / 2, 40)
    u[:4], v[:4] = [0, size / 2, 3, 0.5], [size / 2, -size / 2, 0, 5.9999]
    matrix = interpolation_matrix(u, v, size, beta)
    strips = spreading_strips(matrix, size, 3)
    dense = np.concatenate([strip.to_dense().numpy() for strip in strips])
    np.testing.assert_array_equal(dense.T, matrix.toarray())
    dense = dense.reshape(-1, size, 40)
    rows, columns = np.arange(-2, size // 2 + 2), np.arange(size)

    def kernel(distance: FloatArray) -> FloatArray:
        inside = np.clip(1 - (distance / 2) ** 2, 0, None)
        return np.where(np.abs(distance) < 2, np.i0(beta * np.sqrt(inside)) / np.exp(beta), 0)

    along_v = (columns[:, None] - v + size / 2) % size - size / 2
    sign = (-1.0) ** (rows[:, None] + columns)
    expected = sign[..., None] * kernel(rows[:, None] - u)[:, None] * kernel(along_v)
    np.testing.assert_allclose(dense, expected, atol=1e-6 + 2 * np.exp(-beta))  # a tap at the very rim may be dropped


def test_the_kernel_s_transform_is_its_transform() -> None:
    beta, size = shape_parameter(1.5), 96
    x, t = torch.arange(-32, 32, dtype=torch.float64), torch.linspace(-2, 2, 4001, dtype=torch.float64)
    kernel = torch.special.i0(beta * (1 - (t / 2) ** 2).clamp(min=0).sqrt()) * np.exp(-beta)
    integral = torch.trapezoid(kernel * torch.cos(2 * torch.pi * x[:, None] * t / size), t)
    torch.testing.assert_close(kernel_transform(x, size, beta), integral, rtol=1e-3, atol=0)


def test_one_matrix_and_many_slices_at_once_as_on_a_card_give_the_same_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    sinograms = np.random.default_rng(0).standard_normal((9, 50, 61), np.float32)
    expected = even(61, 50)(sinograms, 29.3)
    monkeypatch.setattr(raster, "passes", lambda sizes, free: passes.passes(sizes, 10**9))
    plan = even(61, 50)
    assert len(plan.raster.strips or ()) == 1
    assert plan.raster.at_once(9) >= 9
    np.testing.assert_allclose(plan(sinograms, 29.3), expected, rtol=0, atol=1e-6 * float(np.ptp(expected)))
