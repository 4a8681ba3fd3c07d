"""A half acquisition, weighted and widened, is reconstructed like a scan with a detector twice as wide."""

import numpy as np
import phantoms
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view, half_acquisition
from tomodenoise.reconstruction.engines import registry

VIEWS = 360
TURN = np.arange(VIEWS) * 2 * np.pi / VIEWS


def reconstruct(sinogram: FloatArray, center: float, pad: str = "zero", total: float = 2 * np.pi) -> FloatArray:
    weights = np.full(len(TURN), total / VIEWS)
    plan = registry.plan("torch", "fbp", TURN, weights, sinogram.shape[-1], pad=pad)
    return np.asarray(plan(sinogram[None], center)[0])


@given(st.integers(16, 300), st.floats(0.1, 0.9))
def test_opposite_measurements_weigh_one_together(columns: int, share: float) -> None:
    center = share * (columns - 1)
    near = min(center, columns - 1 - center)
    weights = half_acquisition.weights(columns, center)
    t = np.arange(columns) - center
    opposite = np.interp(-t, t, weights, left=np.nan, right=np.nan)
    overlap = np.abs(t) <= near - 1
    # Linear interpolation between the pixels of the opposite view is off by the ramp's curvature at most.
    assert np.abs(weights + opposite - 1)[overlap].max(initial=0) <= (np.pi / 2 / max(near, 1)) ** 2 / 8 + 1e-6
    assert weights.min() >= 0
    far = t > near if center <= (columns - 1) / 2 else t < -near
    assert (weights[far] == 1).all()


@given(st.integers(16, 300), st.floats(0.05, 0.95))
def test_the_axis_comes_to_the_middle_and_all_that_is_seen_fits(columns: int, share: float) -> None:
    center = share * (columns - 1)
    wide = half_acquisition.widened(columns, center)
    assert abs(center + wide.before - (wide.columns - 1) / 2) <= 0.5
    assert field_of_view.radius(columns, center, extended=True) <= (wide.columns - 1) / 2 + 1e-9


SIZE = 128
CUTS = [40, 41, -40, -57, 60]
"""Columns that the detector lacks on the left, or on the right where negative."""


def cut_off(whole: FloatArray, center: float, cut: int) -> tuple[FloatArray, float]:
    """Measured part of a sinogram (angle, column), and the axis on it."""
    return (whole[:, cut:], center - cut) if cut > 0 else (whole[:, :cut], center)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("pad", ["zero", "edge"])
def test_half_acquisition_is_the_whole_detector_where_pixels_meet(cut: int, pad: str) -> None:
    center = (SIZE - 1) / 2
    whole = phantoms.sinogram(phantoms.random_ellipses(3), TURN, SIZE, center)
    half, axis = cut_off(whole, center, cut)
    wide = half_acquisition.widened(half.shape[1], axis)
    assert wide.columns == SIZE
    image = reconstruct(half_acquisition.apply(half[None], wide, axis)[0], axis + wide.before, pad)
    assert phantoms.psnr(image, reconstruct(whole, center, pad, total=np.pi)) > 90


def test_half_acquisition_between_pixels_is_as_good_as_a_whole_detector() -> None:
    center = (SIZE - 1) / 2 + 0.3
    ellipses = phantoms.random_ellipses(3)
    half, axis = cut_off(phantoms.sinogram(ellipses, TURN, SIZE, center), center, 40)
    wide = half_acquisition.widened(half.shape[1], axis)
    image = reconstruct(half_acquisition.apply(half[None], wide, axis)[0], axis + wide.before)
    aligned = reconstruct(phantoms.sinogram(ellipses, TURN, SIZE, (SIZE - 1) / 2), (SIZE - 1) / 2, total=np.pi)
    truth = phantoms.truth(ellipses, SIZE)
    assert phantoms.psnr(image, truth) > phantoms.psnr(aligned, truth) - 0.5


def test_an_object_beyond_the_far_edge_is_continued_there_and_only_there() -> None:
    half = np.ones((1, 4, 60), np.float32)
    wide = half_acquisition.widened(60, 15.2)
    widened = half_acquisition.apply(half, wide, 15.2)
    assert (widened[..., : wide.before] == 0).all()
    assert widened[0, 0, wide.before] < 1e-3
    assert (widened[..., -1] == 1).all()


def test_a_tilted_row_keeps_the_size_and_takes_its_own_weights() -> None:
    center = (SIZE - 1) / 2
    whole = phantoms.sinogram(phantoms.disc(0.8), TURN, SIZE, center + 2)
    half, axis = cut_off(whole, center, 40)
    wide = half_acquisition.widened(half.shape[1], axis)
    image = reconstruct(half_acquisition.apply(half[None], wide, axis + 2)[0], axis + 2 + wide.before)
    assert len(image) == SIZE
    assert np.abs(image - 1)[phantoms.within(SIZE, 0.7)].mean() < 0.01


def test_the_disc_of_a_tilted_axis_is_what_all_rows_see() -> None:
    assert field_of_view.radius(100, 40.0, 44.0) == 40
    assert field_of_view.radius(100, 20.0, 24.0, extended=True) == 75
