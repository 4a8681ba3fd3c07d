"""Figures of merit against values known by hand."""

import numpy as np
import pytest

from tomodenoise.metrics.merit import decibels, psnr, ssim, umse

RNG = np.random.default_rng(0)
TRUTH = RNG.random((3, 32, 32)).astype(np.float32)
ALL = np.ones((32, 32), bool)


@pytest.mark.parametrize(("error", "data_range", "expected"), [(0.1, 1, 20), (0.01, 1, 40), (0.1, 2, 20 + 6.0206)])
def test_psnr_is_the_range_over_the_rms_error(error: float, data_range: float, expected: float) -> None:
    image = TRUTH.astype(float) + error * RNG.choice([-1, 1], TRUTH.shape)
    assert psnr(image, TRUTH.astype(float), ALL, data_range) == pytest.approx(expected, abs=1e-4)


def test_only_the_mask_counts() -> None:
    image = TRUTH.copy()
    image[:, :, 16:] += 5
    image[0] += 5
    left, later = ALL.copy(), np.zeros(TRUTH.shape, bool)
    left[:, 16:] = False
    later[1:] = left
    assert psnr(image, TRUTH, later, 1) == float("inf")
    assert psnr(image, TRUTH, left, 1) == pytest.approx(-10 * np.log10(25 / 3), abs=1e-3)
    later[:, :, 10:] = False  # half a window away from what was changed
    assert ssim(image, TRUTH, later, 1) == pytest.approx(1)


def test_ssim_of_two_flat_images_is_the_luminance_term_alone() -> None:
    first, second = np.full((1, 32, 32), 0.5), np.full((1, 32, 32), 0.75)
    expected = (2 * 0.5 * 0.75 + 1e-4) / (0.5**2 + 0.75**2 + 1e-4)
    assert ssim(first, second, ALL, 1) == pytest.approx(expected)


def test_ssim_falls_with_noise_and_does_not_depend_on_the_unit() -> None:
    noise = RNG.standard_normal(TRUTH.shape).astype(np.float32)
    faint, strong = (ssim(TRUTH + level * noise, TRUTH, ALL, 1) for level in (0.05, 0.5))
    assert 1 > faint > strong > 0
    assert ssim(7 * (TRUTH + np.float32(0.05) * noise), 7 * TRUTH, ALL, 7) == pytest.approx(faint, abs=1e-4)


def test_umse_is_the_error_without_the_truth_but_for_shared_noise() -> None:
    truth = np.zeros((4, 256, 256), np.float32)
    first, second, shared = RNG.standard_normal((3, *truth.shape)).astype(np.float32)
    mask, image = np.ones((256, 256), bool), truth + np.float32(0.1)
    assert umse(image, truth + first, truth + second, mask) == pytest.approx(0.01, abs=0.01)
    assert umse(image, first + shared, second + shared, mask) == pytest.approx(1.01, abs=0.03)
    assert umse(first, truth + first, truth + second, mask) == pytest.approx(0, abs=0.01)


def test_no_error_is_infinite_decibels_and_less_is_none() -> None:
    assert decibels(1e-4, 2) == pytest.approx(40 + 6.0206, abs=1e-4)
    assert decibels(0, 1) == float("inf")
    assert np.isnan(decibels(-1e-9, 1))
