"""Sample is distinguished from noise, and rings and lost edges are detected in the residual."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import structure

SIZE = 160
DISC = field_of_view.mask(SIZE, 78)
Y, X = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
RADIUS = np.hypot(Y, X)


def noise(seed: int, slices: int = 3) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((slices, SIZE, SIZE)).astype(np.float32)


def grains(slices: int = 3) -> FloatArray:
    """Bright discs off the axis."""
    places = np.random.default_rng(5).uniform(-60, 60, (25, 2))
    image = np.any([np.hypot(Y - y, X - x) < 7 for y, x in places], axis=0)
    return np.repeat(image[None].astype(np.float32), slices, axis=0)


def test_halves_agree_on_a_sample_and_not_on_noise() -> None:
    agreement = structure.agreement(grains() + noise(0), grains() + noise(1), DISC)
    assert agreement.holds_sample
    smooth = np.stack([gaussian_filter(image, structure.SMOOTH) for image in grains()])
    assert agreement.shared == pytest.approx(smooth[:, DISC].var(), rel=0.1)
    assert agreement.noise == pytest.approx(1 / (4 * np.pi * structure.SMOOTH**2) / 2, rel=0.15)
    few, pairs = field_of_view.mask(40, 12), np.random.default_rng(2).standard_normal((200, 2, 1, 40, 40))
    assert sum(structure.agreement(*pair, few).holds_sample for pair in pairs) <= 2


def test_constant_images_and_an_empty_mask_hold_no_sample() -> None:
    ones = np.ones((2, SIZE, SIZE), np.float32)
    assert not structure.agreement(ones, ones, DISC).holds_sample
    assert not structure.agreement(grains(), grains(), DISC & False).holds_sample
    assert structure.agreement(grains(), grains(), DISC).holds_sample


@pytest.mark.parametrize("part", [360, 60])
def test_rings_are_seen_whole_or_partial(part: float) -> None:
    arc = np.degrees(np.arctan2(Y, X)) % 360 < part
    pattern = np.random.default_rng(3).standard_normal(SIZE)[RADIUS.astype(int) % SIZE] * arc
    strength = 0.4 if part == 360 else 0.8
    share = structure.rings(noise(0) + strength * pattern.astype(np.float32), noise(1), grains(), DISC)
    assert share is not None
    assert share > 0.03
    assert structure.rings(noise(0), noise(1), grains(), DISC) == 0


@pytest.mark.parametrize(("sigma", "contrast"), [(1.0, 4), (2.0, 2), (4.0, 1.5)])
def test_lost_edges_are_lines_and_no_rings(sigma: float, contrast: float) -> None:
    lost = contrast * (grains() - np.stack([gaussian_filter(image, sigma) for image in grains()]))
    share = structure.lines(noise(0) + lost, noise(1), grains(), DISC)
    assert share is not None
    assert share > 0.03
    assert structure.rings(noise(0) + lost, noise(1), grains(), DISC) == 0
    assert structure.lines(noise(0), noise(1), grains(), DISC) == 0


def test_few_pixels_tell_neither_rings_nor_lines() -> None:
    few = field_of_view.mask(SIZE, 9)
    assert structure.rings(noise(0), noise(1), grains(), few) is None
    assert structure.lines(noise(0), noise(1), grains(), few) is None
    assert structure.lines(noise(0), noise(1), 0 * grains(), DISC) is None
