"""Calibration, contrast, edges, residual, independence and coverage against what is known by hand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import erf

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import contrast, coverage, edges, independence, residuals
from tomodenoise.metrics.calibration import calibrate
from tomodenoise.metrics.support import Unsupported
from tomodenoise.reconstruction.engines import registry
from tomodenoise.splitting import by_angle

SIZE = 128
ALL = np.ones((SIZE, SIZE), bool)


def noise(seed: int, slices: int = 4) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((slices, SIZE, SIZE)).astype(np.float32)


def steps(sigma: float, slices: int = 4) -> FloatArray:
    """Squares tilted against the pixels, blurred by a Gaussian."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    u = 0.94 * x + 0.342 * y
    image = sum(
        sign * 0.5 * (1 + erf((u - place) / (np.sqrt(2) * sigma))) for sign, place in ((1, -40), (-1, -15), (1, 15))
    )
    return np.repeat(np.asarray(image, dtype=np.float32)[None], slices, axis=0)


def test_a_right_image_has_slope_one_and_a_shrunk_one_its_factor() -> None:
    truth = noise(0)
    target = truth + 2 * noise(1)
    for factor, offset in ((1.0, 0.0), (0.8, 0.5)):
        fitted = calibrate(factor * truth + offset, target, ALL)
        assert fitted.slope == pytest.approx(1 / factor, abs=4 * fitted.slope_error)
        assert fitted.slope_error < 0.02
        assert fitted.intercept == pytest.approx(-offset / factor, abs=0.05)


def test_noise_that_is_left_lowers_the_slope_and_blur_raises_it() -> None:
    truth = np.stack([gaussian_filter(image, 1.5) for image in 5 * noise(0)])
    left = calibrate(truth + truth.std() * noise(2), truth + noise(1), ALL)
    assert left.slope == pytest.approx(0.5, abs=0.03)
    blurred = calibrate(np.stack([gaussian_filter(image, 3) for image in truth]), truth + noise(1), ALL)
    assert blurred.slope > 1.2


def test_the_bins_follow_a_curve() -> None:
    truth = np.abs(noise(0))
    fitted = calibrate(truth**2, truth + 0.1 * noise(1), ALL)
    np.testing.assert_allclose(fitted.means**2, fitted.levels, rtol=0.1, atol=0.01)
    assert (np.diff(fitted.levels) > 0).all()


def test_a_constant_image_and_a_few_pixels_have_no_calibration() -> None:
    with pytest.raises(Unsupported, match="constant"):
        calibrate(np.ones((4, SIZE, SIZE)), noise(0), ALL)
    with pytest.raises(Unsupported, match="few"):
        calibrate(noise(0), noise(1), field_of_view.mask(SIZE, 5))


def test_cnr_of_two_materials_is_their_contrast_over_the_noise() -> None:
    truth = (steps(0.1) > 0.5).astype(np.float32)
    low, high = contrast.classes(truth + 0.1 * noise(0), ALL)
    assert contrast.cnr(truth + 0.5 * noise(1), low, high) == pytest.approx(2, rel=0.03)
    assert not truth[low].any()
    assert truth[high].all()


def test_one_material_has_no_contrast() -> None:
    with pytest.raises(Unsupported, match="do not form two classes"):
        contrast.classes(noise(0), ALL)
    with pytest.raises(Unsupported, match="constant"):
        contrast.classes(np.zeros((1, SIZE, SIZE)), ALL)


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_the_width_of_a_blurred_edge_is_that_of_its_blur(sigma: float) -> None:
    image = steps(sigma)
    places = edges.detect(image + 0.02 * noise(0), ALL)
    for level, tolerance in ((0.0, 0.03), (0.2, 0.1)):
        width = edges.measure(image + level * noise(1), places)
        assert width.fwhm == pytest.approx(2.3548 * sigma, rel=tolerance)
    assert width.edges == len(places.places) > 100


def test_noise_and_texture_have_no_edges() -> None:
    with pytest.raises(Unsupported, match="edges"):
        edges.detect(noise(0), ALL)
    with pytest.raises(Unsupported, match="edges"):
        edges.detect(np.zeros((2, SIZE, SIZE), np.float32), ALL)


def test_an_edge_in_too_much_noise_has_no_width() -> None:
    places = edges.detect(steps(1.0, 1), ALL)
    with pytest.raises(Unsupported, match="noise"):
        edges.measure(30 * noise(1, 1), places)


def test_a_blur_leaves_edges_in_the_residual_a_perfect_network_noise() -> None:
    truth, first, second = steps(0.8), 0.1 * noise(1), 0.1 * noise(2)
    raw = truth + (first + second) / 2
    half = residuals.half_difference(truth + first, truth + second, (0.5, 0.5))
    perfect = residuals.examine(raw, truth, half, ALL)
    assert perfect.deviation == pytest.approx(perfect.noise, rel=0.02)
    assert abs(perfect.at_edges - perfect.noise_at_edges) < 0.02
    blurred = residuals.examine(raw, np.stack([gaussian_filter(slice_, 3) for slice_ in truth]), half, ALL)
    assert blurred.at_edges - blurred.noise_at_edges > 0.3
    shrunk = residuals.examine(raw, 0.8 * truth, half, ALL)
    assert shrunk.means[-1] == pytest.approx(0.2, abs=0.01)
    assert abs(shrunk.means[0]) < 0.01


def test_the_difference_of_unequal_parts_has_the_noise_of_the_whole() -> None:
    first, second = noise(1) / np.sqrt(0.75), noise(2) / np.sqrt(0.25)
    whole = 0.75 * first + 0.25 * second
    half = residuals.half_difference(first, second, (0.75, 0.25))
    assert half.std() == pytest.approx(whole.std(), rel=0.02)


@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_the_correlation_of_noise_is_found_where_it_is(rho: float) -> None:
    common, a, b = noise(0, 32), noise(1, 32), noise(2, 32)
    near = field_of_view.mask(SIZE, 12)
    first, second = (np.where(near, np.sqrt(rho) * common + np.sqrt(1 - rho) * own, own) for own in (a, b))
    zones = independence.by_radius([(first, second)], field_of_view.mask(SIZE, 60))
    assert [(zone.inner, zone.outer) for zone in zones] == list(independence.ZONES)
    assert zones[0].correlation == pytest.approx(rho, abs=4 * zones[0].error)
    assert abs(zones[2].correlation) < max(4 * zones[2].error, 0.05 * rho)
    assert zones[0].error < 0.05


def test_too_few_slices_tell_no_correlation() -> None:
    with pytest.raises(Unsupported, match="slices"):
        independence.by_radius([(noise(0, 2), noise(1, 2))], ALL)


@pytest.mark.parametrize("turn", [1, 2])
def test_the_share_of_the_flats_is_that_of_a_reconstruction(turn: int) -> None:
    """White noise in each view and noise that all views share, reconstructed and compared."""
    views, flats, columns, rows = 64, 8, 64, 24
    rng = np.random.default_rng(0)
    angles, weights = np.arange(views) * turn * np.pi / views, np.full(views, np.pi / views)
    plan = registry.plan("torch", "fbp", angles, weights, columns, filter="ram-lak", pad="zero")
    shared = rng.standard_normal((rows, 1, columns)) / np.sqrt(flats)
    data = rng.standard_normal((rows, views, columns)), np.broadcast_to(shared, (rows, views, columns))
    slices = [plan(np.ascontiguousarray(image, dtype=np.float32), (columns - 1) / 2) for image in data]
    own, common = (image - gaussian_filter(image, (0, independence.FINE, independence.FINE)) for image in slices)
    shares = independence.flats_share(views, flats, 1.0, "ram-lak", full_turn=turn == 2)
    for (inner, outer), share in list(zip(independence.ZONES, shares, strict=True))[:2]:
        zone = field_of_view.mask(columns, outer) & ~field_of_view.mask(columns, inner - 0.01)
        ratio = np.mean(common[:, zone] ** 2) / np.mean(own[:, zone] ** 2)
        assert share == pytest.approx(ratio / (1 + ratio), rel=0.15)


def test_more_flats_share_less() -> None:
    shares = [independence.flats_share(128, flats, 0.3, "ram-lak", full_turn=False)[0] for flats in (10, 50, 200)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.2
    assert shares[2] < 0.05


def test_angles_that_cover_a_half_turn_evenly() -> None:
    covered = coverage.cover(by_angle.split(np.arange(128) * np.pi / 128, 4, 3), 64)
    assert (covered.projections, covered.per_section, covered.sampling, covered.sampling_full) == (128, 32, 0.5, 2)
    assert covered.widest_gap == pytest.approx(180 / 128)
    assert covered.widest_section_gap == pytest.approx(1)
    assert covered.missing_wedge == 0
    assert not covered.full_turn


def test_a_wedge_and_a_full_turn_are_reported() -> None:
    tilted = coverage.cover(by_angle.split(np.radians(np.arange(-60, 60.5, 1)), 2, 1), 64)
    assert tilted.missing_wedge == pytest.approx(59, abs=0.1)
    turn = coverage.cover(by_angle.split(np.arange(256) * 2 * np.pi / 256, 4, 3), 64)
    assert turn.full_turn
    assert turn.widest_section_gap < 2
