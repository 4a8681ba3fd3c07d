"""Projection as the adjoint of backprojection, and the algorithms that iterate over both."""

import numpy as np
import phantoms
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.gridding import gridding_plan
from tomodenoise.reconstruction.engines.iterative import Rays, divergence, gradient, iterative_plan, norm
from tomodenoise.reconstruction.engines.projecting import ray_factors
from tomodenoise.reconstruction.engines.raster import polar_raster

N, A = 64, 90
ANGLES = np.arange(A) * np.pi / A
ELLIPSES = phantoms.random_ellipses(seed=0)
CENTER = 30.2


def rays(angles: FloatArray, columns: int, centers: FloatArray, limit: int = 1 << 30) -> Rays:
    raster = polar_raster(angles, columns, "cpu", both=True, limit=limit)
    return Rays(raster, ray_factors(raster), raster.phases(centers))


def dense(angles: FloatArray, columns: int, center: float) -> FloatArray:
    """Matrix (ray, pixel) float64, column by column."""
    pixels = torch.eye(columns**2).view(-1, columns, columns)
    projected = rays(angles, columns, np.full(len(pixels), center)).along(pixels)
    return projected.view(len(pixels), -1).T.double().numpy()


def noisy(sigma: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Sinogram (1, angle, column) with noise, and the truth; the longest ray is about one."""
    exact = phantoms.sinogram(ELLIPSES, ANGLES, N, CENTER)[None] / N
    noise = np.random.default_rng(0).standard_normal(exact.shape, np.float32)
    return exact + np.float32(sigma) * noise, phantoms.truth(ELLIPSES, N) / N


@settings(max_examples=15)
@given(
    columns=st.integers(16, 40),
    centers=st.lists(st.floats(0, 40), min_size=1, max_size=6),
    angles=st.lists(st.floats(-7, 7), min_size=2, max_size=12),
    blocks=st.sampled_from([1, 3]),
)
def test_projection_is_the_adjoint_of_backprojection(
    columns: int, centers: list[float], angles: list[float], blocks: int
) -> None:
    limit = 1 << 30 if blocks == 1 else 128 * (columns + 5) * 2
    both = rays(np.array(angles), columns, np.array(centers), limit)
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(len(centers), columns, columns, generator=rng)
    projections = torch.randn(len(centers), len(angles), columns, generator=rng)
    projected = both.along(images)
    difference = (projected.double() * projections).sum() - (images.double() * both.back(projections)).sum()
    assert abs(float(difference)) < 1e-5 * float(projected.norm() * projections.norm())


@pytest.mark.parametrize("center", [127.5, 120.2, 131.9])
def test_projections_of_a_phantom_are_its_sinogram(center: float) -> None:
    columns, angles = 256, np.arange(100) * 2.4
    exact = phantoms.sinogram(ELLIPSES, angles, columns, center)
    image = torch.from_numpy(phantoms.truth(ELLIPSES, columns))[None]
    projected = rays(angles, columns, np.array([center])).along(image)[0].numpy()
    assert np.sqrt(np.mean((projected - exact) ** 2)) < 5e-3 * exact.std()
    assert projected.mean() == pytest.approx(exact.mean(), rel=1e-4)


def test_the_residual_of_sirt_falls_in_every_iteration() -> None:
    sinogram, _ = noisy(0.05)
    both = rays(ANGLES, N, np.array([CENTER]))
    lengths = both.along(torch.ones(1, N, N)).clamp(min=1)
    residuals = []
    for iterations in range(12):
        image = iterative_plan(ANGLES, N, iterations, None, "cpu")(sinogram, CENTER)
        misfit = torch.from_numpy(sinogram) - both.along(torch.from_numpy(image))
        residuals.append(float((misfit**2 / lengths).sum()))
    assert np.all(np.diff(residuals) < 0)


def test_sirt_is_linear() -> None:
    sinograms = np.random.default_rng(0).standard_normal((2, A, N), np.float32)
    plan = iterative_plan(ANGLES, N, 20, None, "cpu")
    first, second, both = (plan(s[None], CENTER)[0] for s in (*sinograms, 2 * sinograms[0] - 3 * sinograms[1]))
    assert np.abs(both - (2 * first - 3 * second)).max() < 1e-5 * np.ptp(both)


def test_sirt_finds_a_phantom() -> None:
    sinogram, truth = noisy()
    image = iterative_plan(ANGLES, N, 200, None, "cpu")(sinogram, CENTER)[0]
    assert phantoms.psnr(image * N, truth * N) > 30


def test_sirt_of_few_angles_and_noise_beats_filtered_backprojection() -> None:
    sinogram, truth = noisy(0.03)
    few = slice(None, None, 3)
    fbp = gridding_plan(ANGLES[few], np.full(30, np.pi / 30), N, "ram-lak", "zero", "cpu")(sinogram[:, few], CENTER)[0]
    sirt = iterative_plan(ANGLES[few], N, 30, None, "cpu")(sinogram[:, few], CENTER)[0]
    assert phantoms.psnr(sirt * N, truth * N) > phantoms.psnr(fbp * N, truth * N) + 3


@pytest.mark.parametrize("regularisation", [None, 0.1])
def test_matrices_that_come_in_turns_change_nothing(regularisation: float | None) -> None:
    sinograms = np.random.default_rng(0).standard_normal((6, A, N), np.float32)
    single, many = (iterative_plan(ANGLES, N, 4, regularisation, "cpu", limit) for limit in (1 << 30, 128 * 65 * 40))
    assert (len(single.raster.blocks), len(many.raster.blocks)) == (1, 3)
    image = single(sinograms, CENTER)
    assert np.abs(many(sinograms, CENTER) - image).max() < 1e-5 * np.ptp(image)


def test_the_divergence_is_minus_the_adjoint_of_the_gradient() -> None:
    rng = torch.Generator().manual_seed(0)
    image, slope = torch.randn(2, 9, 9, generator=rng), torch.randn(2, 2, 9, 9, generator=rng)
    torch.testing.assert_close((gradient(image) * slope).sum(), -(image * divergence(slope)).sum())


def test_the_norm_is_the_largest_singular_value() -> None:
    largest = np.linalg.norm(dense(ANGLES[::6], 12, 5.5), 2)
    assert largest < norm(rays(ANGLES[::6], 12, np.array([5.5]))) < 1.1 * largest


def objective(matrix: FloatArray, image: FloatArray, sinogram: FloatArray, weight: float) -> float:
    """½ |A x - b|² + weight · Σ |∇x|, in double precision and without our operators."""
    misfit = matrix @ image.ravel() - sinogram.ravel()
    down, right = np.zeros_like(image), np.zeros_like(image)
    down[:-1], right[:, :-1] = np.diff(image, axis=0), np.diff(image, axis=1)
    return float(misfit @ misfit / 2 + weight * np.hypot(down, right).sum())


def reference(matrix: FloatArray, sinogram: FloatArray, weight: float, size: int) -> FloatArray:
    """Minimise the objective by solving reweighted least squares, dense [Vogel & Oman 1996]."""
    step = np.eye(size, k=1) - np.eye(size)
    step[-1] = 0
    down, right = np.kron(step, np.eye(size)), np.kron(np.eye(size), step)
    image = np.zeros(size**2)
    for _ in range(300):
        pull = weight / np.sqrt((down @ image) ** 2 + (right @ image) ** 2 + 1e-12)
        normal = matrix.T @ matrix + down.T @ (pull[:, None] * down) + right.T @ (pull[:, None] * right)
        image = np.linalg.solve(normal, matrix.T @ sinogram.ravel())
    return image.reshape(size, size)


@pytest.mark.slow
def test_total_variation_is_minimised_as_a_dense_solver_does() -> None:
    size, angles, weight = 12, ANGLES[::6], 0.05
    blob = [phantoms.Ellipse(0.1, 0.2, 0.5, 0.4, 0.3, 1)]
    sinogram = phantoms.sinogram(blob, angles, size, 5.5)[None] / size
    sinogram += np.float32(0.05) * np.random.default_rng(0).standard_normal(sinogram.shape, np.float32)
    matrix = dense(angles, size, 5.5)
    image = iterative_plan(angles, size, 2000, weight, "cpu")(sinogram, 5.5)[0].astype(np.float64)
    expected = reference(matrix, sinogram, weight, size)
    least = objective(matrix, expected, sinogram, weight)
    assert objective(matrix, image, sinogram, weight) == pytest.approx(least, rel=1e-4)
    np.testing.assert_allclose(image, expected, atol=0.01 * np.ptp(expected))


def test_total_variation_beats_fbp_of_a_noisy_phantom() -> None:
    sinogram, truth = noisy(0.03)
    fbp = gridding_plan(ANGLES, np.full(A, np.pi / A), N, "ram-lak", "zero", "cpu")(sinogram, CENTER)[0]
    images = [iterative_plan(ANGLES, N, rounds, 0.1, "cpu")(sinogram, CENTER)[0] for rounds in (0, 10, 40, 160)]
    along = rays(ANGLES, N, np.array([CENTER])).along
    misfits = [along(torch.from_numpy(image)[None]).numpy() - sinogram for image in images]
    falling = [
        np.sum(misfit**2) / 2 + objective(np.zeros((1, N**2)), image, np.zeros(1), 0.1)
        for misfit, image in zip(misfits, images, strict=True)
    ]
    assert np.all(np.diff(falling) < 0)
    assert phantoms.psnr(images[-1] * N, truth * N) > phantoms.psnr(fbp * N, truth * N) + 5
