"""Stripes are distinguished from noise, texture and objects centred on the axis; the mildest effective method wins."""

from functools import cache

import numpy as np
import pytest

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import stripe_choice
from tomodenoise.simulation import phantom, projection

ROWS, COLUMNS, VIEWS = 4, 240, 320
AXIS = (COLUMNS - 1) / 2 + 0.3
TURN = np.arange(VIEWS) * np.pi / VIEWS
PHOTONS = 20_000.0


@cache
def foam() -> FloatArray:
    """Line integrals (angle, row, column) of spheres in a cylinder."""
    drawn = phantom.foam((ROWS, COLUMNS), (3, 12), 0.2, np.random.default_rng(0))
    sample = projection.absorb(drawn, 2.0, AXIS, (ROWS, COLUMNS))
    return np.stack([projection.project(sample, angle, AXIS, (ROWS, COLUMNS)) for angle in TURN])


def wall(off: float = 0.0) -> FloatArray:
    """Line integrals (angle, 1, column) of a thin tube about the axis, or off it by some pixels."""
    x = np.arange(COLUMNS) - AXIS - off * np.cos(TURN)[:, None]
    outer, inner = (np.sqrt(np.clip(radius**2 - x**2, 0, None)) for radius in (100, 95))
    return 0.02 * (outer - inner)[:, None]


def measured(integrals: FloatArray, gain: FloatArray | float = 1.0, photons: float = PHOTONS) -> FloatArray:
    rng = np.random.default_rng(1)
    counts = rng.poisson(photons * np.exp(-integrals) * gain)
    return -np.log((counts + 0.5) / photons).astype(np.float32)


def gains(size: float) -> FloatArray:
    """Response (row, column) that flats do not show."""
    return 1 + size * np.random.default_rng(2).standard_normal((ROWS, COLUMNS))


def arcs() -> FloatArray:
    """Response (angle, 1, column) of columns that are off for a quarter of the scan."""
    rng, response = np.random.default_rng(3), np.ones((VIEWS, 1, COLUMNS))
    for column in rng.choice(COLUMNS, 30, replace=False):
        start = rng.integers(VIEWS * 3 // 4)
        response[start : start + VIEWS // 4, :, column] = 1.05
    return response


def strength_of(sinograms: FloatArray) -> float:
    strength = stripe_choice.strength(sinograms, TURN, AXIS)
    assert strength is not None
    return strength


@pytest.mark.parametrize(("photons", "most"), [(100, 1.4), (2000, 1.4), (1e6, 2.5)])
def test_a_clean_scan_is_left_as_it_is(photons: float, most: float) -> None:
    choice = stripe_choice.choose(measured(foam(), photons=photons), TURN, AXIS, "auto")
    assert choice.method == "none"
    assert choice.before == choice.after
    assert choice.before is not None
    assert choice.before < most


@pytest.mark.parametrize("off", [0.0, 3.0])
def test_a_tube_around_the_sample_is_no_stripe(off: float) -> None:
    assert strength_of(measured(foam() + wall(off))) < 1.5


@pytest.mark.parametrize("off", [0.0, 3.0])
def test_stripes_within_a_tube_are_found_and_removed(off: float) -> None:
    choice = stripe_choice.choose(measured(foam() + wall(off), gains(0.01)), TURN, AXIS, "auto")
    assert choice.method == "sorting"
    assert choice.after is not None
    assert choice.before is not None
    assert choice.after < 0.75 * choice.before


@pytest.mark.parametrize(
    ("response", "least"),
    [(gains(0.003), 1.8), (gains(0.02), 8.0), (arcs(), 3.0)],
    ids=["weak", "strong", "arcs of a quarter"],
)
def test_full_and_partial_stripes_are_measured(response: FloatArray, least: float) -> None:
    assert strength_of(measured(foam(), response)) > least


def test_a_few_strong_stripes_are_measured() -> None:
    response = np.ones((1, COLUMNS))
    response[:, [30, 77, 150, 201]] = 1.1
    assert strength_of(measured(foam(), response)) > 4


def test_wide_stripes_are_measured() -> None:
    wide = np.repeat(np.random.default_rng(4).standard_normal((ROWS, COLUMNS // 4)), 4, axis=1)
    assert strength_of(measured(foam(), 1 + 0.02 * wide)) > 4


def test_the_noise_of_divided_flats_is_no_stripe() -> None:
    """Five flats for each half; shared by all they make rings, as each section has them."""
    noise = np.random.default_rng(5).normal(0, 1 / np.sqrt(5 * PHOTONS), (2, ROWS, COLUMNS))
    sinograms = measured(foam())
    divided = sinograms + noise[stripe_choice.blocks(TURN) % 2].astype(np.float32)
    assert strength_of(divided) < 1.5
    assert strength_of(sinograms + noise[0].astype(np.float32)) > 2


def test_the_order_of_projections_changes_nothing() -> None:
    sinograms, mixed = measured(foam(), gains(0.01)), np.random.default_rng(6).permutation(VIEWS)
    shuffled = stripe_choice.strength(sinograms[mixed], TURN[mixed], AXIS)
    assert shuffled == pytest.approx(strength_of(sinograms), rel=1e-4)


def test_a_wanted_method_is_kept_and_measured() -> None:
    choice = stripe_choice.choose(measured(foam(), gains(0.02)), TURN, AXIS, "wavelet")
    assert choice.method == "wavelet"
    assert choice.before is not None
    assert choice.after is not None
    assert choice.after < choice.before


@pytest.mark.parametrize(
    "sinograms",
    [
        np.zeros((VIEWS, 2, COLUMNS), np.float32),
        np.full((VIEWS, 1, COLUMNS), np.nan, np.float32),
        np.zeros((VIEWS, 2, 9), np.float32),
        np.ones((VIEWS, 1, 60), np.float32),
    ],
    ids=["air", "nan", "narrow", "constant"],
)
def test_what_cannot_be_measured_leaves_the_scan_as_it_is(sinograms: FloatArray) -> None:
    assert stripe_choice.choose(sinograms, TURN, sinograms.shape[2] / 2, "auto").method == "none"


def test_few_projections_leave_the_scan_as_it_is() -> None:
    choice = stripe_choice.choose(measured(foam())[:20], TURN[:20], AXIS, "auto")
    assert (choice.method, choice.before) == ("none", None)
    assert "too few" in choice.why


def test_a_method_that_would_take_the_sample_is_not_chosen() -> None:
    """Only the last columns see the sample, whose profile is a stripe to every method."""
    rng = np.random.default_rng(3)
    angles = np.arange(320) * np.pi / 320
    sinograms = 0.01 * rng.standard_normal((320, 2, 128))
    sinograms[..., -9:] += np.linspace(0.2, 1.0, 9) + 0.02 * np.sin(3 * angles)[:, None, None]
    choice = stripe_choice.choose(sinograms.astype(np.float32), angles, 7.0, "auto")
    assert (choice.method, "vo not possible" in choice.why) == ("none", True)
