"""Correlations of Fourier rings against signals and noise whose spectra are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, shift

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import rings
from tomodenoise.metrics.support import Unsupported

SIZE = 128
DISC = field_of_view.mask(SIZE, 60)
OVER = rings.rings(DISC)
COUNTS = OVER.counts(4)


def noise(seed: int, slices: int = 4) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((slices, SIZE, SIZE)).astype(np.float32)


def smooth(seed: int, sigma: float = 1.5) -> FloatArray:
    return np.stack([gaussian_filter(image, sigma, mode="wrap") for image in noise(seed)])


def snr_curve(sigma: float, level: float) -> FloatArray:
    """S / (S + N) of blurred white noise of variance 1 in white noise."""
    signal = np.exp(-((2 * np.pi * OVER.frequency * sigma) ** 2))
    return signal / (signal + level**2)


def test_an_image_correlates_with_itself_whatever_its_scale() -> None:
    image = smooth(0, 0.7)
    np.testing.assert_allclose(rings.correlation(image, 3 * image + 7, OVER), 1, atol=1e-4)
    np.testing.assert_allclose(rings.correlation(image, -image, OVER), -1, atol=1e-4)
    assert not rings.correlation(image, 0 * image, OVER).any()


def test_pure_noise_correlates_by_chance_alone_as_counts_predict() -> None:
    curve = rings.correlation(noise(0), noise(1), OVER)
    chance = 1 / np.sqrt(2 * COUNTS)
    assert np.abs(curve[2:] / chance[2:]).max() < 5
    assert 0.7 < np.sqrt(np.mean((curve[2:] / chance[2:]) ** 2)) < 1.4


def test_several_images_correlate_as_each_pair_of_them_does() -> None:
    images = smooth(2) + noise(0), smooth(2) + noise(1), noise(2)
    pairs = [rings.correlation(images[a], images[b], OVER) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.array_equal(rings.correlations(images, OVER), pairs)


def test_signal_with_noise_gives_the_analytic_curve() -> None:
    curve = rings.correlation(smooth(2) + 0.3 * noise(3), smooth(2) + 0.3 * noise(4), OVER)
    np.testing.assert_allclose(curve[3:], snr_curve(1.5, 0.3)[3:], atol=0.12)
    assert abs(np.mean(curve[3:] - snr_curve(1.5, 0.3)[3:])) < 0.01


def test_the_curve_expected_of_all_data_is_that_of_all_data() -> None:
    signal, first, second = smooth(2), 0.3 * noise(3), 0.3 * noise(4)
    expected = rings.expected_full(rings.correlation(signal + first, signal + second, OVER))
    true = rings.correlation(signal + (first + second) / 2, signal, OVER)
    strong = slice(3, np.flatnonzero(snr_curve(1.5, 0.3) > 0.3)[-1])
    np.testing.assert_allclose(expected[strong], true[strong], atol=0.03)
    assert rings.expected_full(np.array([-0.1, 0, 1])).tolist() == [0, 0, 1]


def test_the_cross_frc_is_the_correlation_with_the_truth_up_to_noise() -> None:
    signal, a, b = smooth(2), smooth(2) + 0.2 * noise(3), smooth(2) + 0.2 * noise(4)
    image = np.stack([gaussian_filter(slice_, 1.0) for slice_ in signal + 0.2 * noise(5)])
    found = rings.cross(image, a, b, OVER)
    curve, true = found.curve, rings.correlation(image, signal, OVER)
    valid = np.isfinite(curve)
    assert found.valid_to == OVER.frequency[valid][-1]
    assert found.half is None or found.half <= found.valid_to
    assert valid[2:12].all()
    assert not valid[snr_curve(1.5, 0.2) < 0.02].any()
    assert np.abs(curve - true)[2:12].max() < 0.03


def test_two_images_of_one_network_agree_where_the_truth_does_not() -> None:
    """The correlation of two denoised halves is no measure of resolution: a blur increases it."""
    halves = [np.stack([gaussian_filter(slice_, 6) for slice_ in smooth(2) + 0.5 * noise(i)]) for i in (3, 4)]
    fine = slice(20, 30)
    agreed = rings.correlation(halves[0], halves[1], OVER)[2:6].mean()
    raw = rings.correlation(smooth(2) + 0.5 * noise(3), smooth(2) + 0.5 * noise(4), OVER)
    assert agreed >= raw[2:6].mean() - 0.02
    assert raw[fine].mean() < 0.2


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    power = rings.power(3 * noise(0) + 5, OVER)
    assert power[3:].mean() == pytest.approx(9, rel=0.02)
    assert power.shape == OVER.frequency.shape


def test_half_bit_falls_from_one_to_its_limit() -> None:
    threshold = rings.half_bit(np.array([1.0, 100.0, 1e12]))
    np.testing.assert_allclose(threshold, [1, (0.2071 + 0.19102) / (1.2071 + 0.09102), 0.2071 / 1.2071], rtol=1e-4)


@given(st.integers(8, 50))
def test_resolution_is_where_the_curve_crosses(ring: int) -> None:
    frequency = np.arange(65) / 128
    curve = np.where(np.arange(65) < ring, 0.9, 0.1)
    cut = rings.resolution(curve, np.full(65, 0.5), np.full(65, 1e3), frequency)
    assert cut == pytest.approx((ring - 0.5) / 128)
    assert rings.resolution(np.ones(65), np.full(65, 0.5), np.full(65, 1e3), frequency) is None
    assert rings.resolution(np.zeros(65), np.full(65, 0.5), np.full(65, 1e3), frequency) is None


def test_one_ring_below_the_threshold_is_no_end_of_resolution() -> None:
    curve = np.where(np.arange(65) < 30, 0.9, 0.1)
    curve[10] = 0.2
    cut = rings.resolution(curve, np.full(65, 0.5), np.full(65, 1e3), np.arange(65) / 128)
    assert cut == pytest.approx(29.5 / 128)


def test_a_shift_shows_at_high_frequencies() -> None:
    image = noise(0)
    moved = np.stack([shift(slice_, (0, 0.5), order=5, mode="grid-wrap") for slice_ in image])
    curve = rings.correlation(image, moved, OVER)
    assert curve[4] > 0.98
    assert curve[55] < 0.7


def test_a_band_will_do_and_a_few_pixels_will_not() -> None:
    band = DISC.copy()
    band[:50], band[78:] = False, False
    over = rings.rings(band)
    assert over.window.shape == (28, 120)
    np.testing.assert_allclose(rings.correlation(noise(0), noise(0), over), 1, atol=1e-4)
    with pytest.raises(Unsupported, match="too few"):
        rings.rings(field_of_view.mask(SIZE, 10))
    with pytest.raises(Unsupported, match="mask is empty"):
        rings.rings(np.zeros((8, 8), bool))
