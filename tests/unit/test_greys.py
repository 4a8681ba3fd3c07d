"""Grey values: a window that is robust to few pixels, and pictures that store a wider range."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import greys
from tomodenoise.denoising.greys import Scale, linear, stored, window
from tomodenoise.denoising.previews import Slice
from tomodenoise.report.pictures import packed, picture

AIR, MATRIX = (0.0, 0.03), (1.0, 0.05)
"""Mean and standard deviation."""


def mixture(*parts: tuple[float, tuple[float, float]], size: int = 200) -> FloatArray:
    """Return a slice of materials, given as share of the pixels, and mean and standard deviation."""
    random, pixels = np.random.default_rng(0), size * size
    values = [random.normal(*material, round(part * pixels)) for part, material in parts]
    image = np.concatenate(values)[:pixels]
    return random.permutation(np.append(image, image[: pixels - image.size])).reshape(size, size)


def of(image: FloatArray) -> tuple[float, float]:
    return window(image, np.ones(image.shape, bool))


@pytest.mark.parametrize("part", [0.005, 0.01, 0.015, 0.03])
@pytest.mark.parametrize("value", [5.0, 20.0, -20.0])
@pytest.mark.parametrize("air", [0.0, 0.4, 0.85])
def test_a_bright_grain_does_not_determine_the_window(part: float, value: float, air: float) -> None:
    low, high = of(mixture((air, AIR), (1 - air - part, MATRIX), (part, (value, 0.3))))
    assert low < (0 if air else 0.95)
    assert high > 1.05
    assert high - low < 2.2


@pytest.mark.parametrize("sample", [0.01, 0.03, 0.1])
def test_a_small_sample_in_much_air_is_inside_the_window(sample: float) -> None:
    low, high = of(mixture((1 - sample, AIR), (sample, MATRIX)))
    assert low < -0.05
    assert 1.1 < high < 1.5
    border = mixture((1 - sample, (0.0, 0.0)), (sample, MATRIX))
    assert 1.1 < of(border)[1] < 1.5


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_two_materials_are_inside_the_window(part: float) -> None:
    low, high = of(mixture((part, MATRIX), (1 - part, (3.0, 0.05))))
    assert 0.5 < low < 0.95
    assert 3.05 < high < 3.5


@given(st.integers(0, 2**32 - 1))
def test_window_ignores_hot_pixels_and_the_outside(seed: int) -> None:
    image = np.random.default_rng(seed).uniform(2, 3, (40, 40)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[5:-5, 5:-5] = True
    image[~mask] = 1e6
    image[20, 20:23] = 1e9, np.nan, -np.inf
    low, high = window(image, mask)
    assert 1.8 < low < 2.1
    assert 2.9 < high < 3.2


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-6, 1e6, np.nan])
def test_window_of_a_flat_image_has_a_width(value: float) -> None:
    low, high = of(np.full((4, 4), value, np.float32))
    assert low < high


def test_window_of_an_empty_mask_is_0_to_1() -> None:
    assert window(np.ones((4, 4)), np.zeros((4, 4), bool)) == (0.0, 1.0)


def ringed(size: int = 200) -> FloatArray:
    """Return a slice with a bright ring at the edge of its field of view, and more of it outside."""
    offset = np.arange(size) - (size - 1) / 2
    image = mixture((0.4, AIR), (0.6, MATRIX), size=size)
    image[np.hypot(offset[:, None], offset) > 0.48 * size] = 50
    return image


def test_a_ring_at_the_edge_of_the_field_of_view_is_ignored() -> None:
    image = ringed()
    scale = stored([Slice("z", 0, image, image)], [], radius=100)
    assert scale.window[1] < 1.5


def test_pictures_store_more_than_the_window_with_fine_greys() -> None:
    noisy = mixture((1.0, (0.5, 2.0)))
    clean = mixture((0.4, AIR), (0.58, MATRIX), (0.02, (20.0, 0.3)))
    scale = stored([Slice("z", 0, noisy, clean)], [], radius=100)
    least, black, white, most = scale.values
    assert least < -4
    assert most > 20
    assert white < 2
    inside = scale.encode(np.linspace(black, white, 1000))
    assert len(np.unique(inside)) > 150
    # WebP's lossy pictures have 220 greys instead of 256.
    assert (scale.codes[2] - scale.codes[1]) * 219 / 255 >= 150


def test_other_slices_widen_the_stored_range_but_not_the_window() -> None:
    image, dense = mixture((0.4, AIR), (0.6, MATRIX)), np.full((100, 100), 30.0)
    alone = stored([Slice("z", 0, image, image)], [], radius=100)
    among = stored([Slice("z", 0, image, image)], [Slice("z", 9, dense, dense, factor=2)], radius=100)
    assert among.window == alone.window
    assert among.values[-1] >= 30 > alone.values[-1]


@pytest.mark.parametrize("value", [0.0, np.nan, 7.0])
def test_an_empty_volume_can_be_stored(value: float) -> None:
    flat = np.full((20, 20), value)
    scale = stored([Slice("z", 0, flat, flat)], [], radius=10)
    assert list(scale.values) == sorted(set(scale.values))


def test_a_ramp_undoes_the_storage_within_the_window() -> None:
    scale = Scale((-1.0, 0.0, 1.0, 9.0), greys.CODES)
    values = np.array([[-5.0, -1.0, 0.0, 0.25, 1.0, 3.0, 99.0, np.nan]])
    shown = np.array(scale.ramp)[scale.encode(values)]
    np.testing.assert_allclose(shown, [[0, 0, 0, 0.25, 1, 1, 1, 0]], atol=0.003)
    assert scale.ramp == sorted(scale.ramp)


def test_picture_maps_the_window_to_black_and_white() -> None:
    image = np.array([[-1.0, 0.0, 1.0, 2.0, 3.0, np.nan]], np.float32)
    uri = picture(image, linear(0.0, 2.0)).uri
    content = io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,")))
    assert np.asarray(Image.open(content).convert("L")).tolist() == [[0, 0, 128, 255, 255, 0]]


def test_lossy_pictures_are_smaller() -> None:
    noise = linear(0, 1).encode(np.random.default_rng(0).uniform(0, 1, (100, 100)))
    assert len(packed(noise, 40).uri) < 0.7 * len(packed(noise, None).uri)
