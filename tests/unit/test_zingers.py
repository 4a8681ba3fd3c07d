"""Zingers go, whatever the sample shows stays, and no slab differs from the whole scan."""

from pathlib import Path

import numpy as np
import pytest
from corrections import only
from hdf5_files import write_exchange, write_nxtomo
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.correction import measuring, slabs, zingers
from tomodenoise.correction.measuring import estimate_noise
from tomodenoise.scans.description import Scan
from tomodenoise.scans.opening import open_scan

SHAPE = (20, 30)
NOISE = zingers.Noise(gain=1.0, floor=4.0)
LIMIT = zingers.threshold(NOISE, 10, np.full(SHAPE, 1000.0))
OPTIONS = only(zingers=10)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def flat_frame(rng: np.random.Generator, level: float = 0.5) -> np.ndarray:
    return (rng.poisson(1000 * level, SHAPE) / 1000).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 3), (3, 1), (1, 3)])
@given(row=st.integers(0, 19), column=st.integers(0, 29), strength=st.integers(2, 50))
def test_spots_of_up_to_three_pixels_go_wherever_they_are(
    height: int, width: int, row: int, column: int, strength: int
) -> None:
    clean = flat_frame(np.random.default_rng(1))
    frame = clean.copy()
    struck = (slice(row, row + height), slice(column, column + width))
    frame[struck] += strength
    zingers.remove(frame, LIMIT)
    assert np.abs(frame[struck] - 0.5).max() < 0.1
    frame[struck] = clean[struck]
    np.testing.assert_array_equal(frame, clean)


def test_lines_edges_and_fringes_stay_to_the_bit(rng: np.random.Generator) -> None:
    y, x = np.indices(SHAPE)
    line = 0.4 * (np.abs(x - 12) < 1)
    slanted = 0.4 * (np.abs(x - y - 3) < 1)
    edge = 0.4 * (x > 15)
    distance = np.hypot(x - 15, y - 10) - 7
    fringe = 0.4 * np.cos(1.5 * distance) * np.exp(-np.abs(distance) / 3)
    for feature in (line, 0.4 * (y == 9), slanted, edge, fringe):
        frame = (flat_frame(rng) + feature).astype(np.float32)
        before = frame.copy()
        assert not zingers.remove(frame, LIMIT).size
        np.testing.assert_array_equal(frame, before)


def test_noise_alone_loses_nothing_down_to_single_photons(rng: np.random.Generator) -> None:
    limit = zingers.threshold(zingers.Noise(1.0, 0.0), 10, np.full((200, 200), 100.0))
    for level in (0, 0.001, 0.1, 1):
        frame = (rng.poisson(100 * level, (200, 200)) / 100).astype(np.float32)
        assert not zingers.remove(frame, limit).size


def test_a_frame_of_two_rows_is_left_alone() -> None:
    frame = np.ones((2, 30), np.float32)
    frame[0, 10] = 9
    assert not zingers.remove(frame, zingers.threshold(NOISE, 10, np.full((2, 30), 1000.0))).size


def test_a_dead_pixel_in_the_surroundings_hides_no_zinger(rng: np.random.Generator) -> None:
    frame = flat_frame(rng)
    frame[10, 12], frame[8, 8], frame[10, 10] = np.nan, np.nan, 9
    assert zingers.remove(frame, LIMIT).tolist() == [10 * 30 + 10]
    assert 0.3 < frame[10, 10] < 0.7


def test_flats_lose_zingers_and_keep_hot_pixels(rng: np.random.Generator) -> None:
    pattern = 1000 * (1 + 0.02 * rng.standard_normal(SHAPE))
    pattern[5, 5] = 3000
    flats = rng.poisson(np.broadcast_to(pattern, (4, *SHAPE))).astype(np.float32)
    clean = flats.copy()
    struck = ([1, 1, 3], [12, 12, 0], [20, 22, 1])  # two of them side by side
    flats[struck] += [5000, 9000, 2000]
    zingers.remove_from_references(flats, NOISE, 10)
    np.testing.assert_allclose(flats[struck], pattern[struck[1:]], atol=150)
    flats[struck] = clean[struck]
    np.testing.assert_array_equal(flats, clean)


def test_noise_is_measured_and_texture_only_adds_to_it(rng: np.random.Generator) -> None:
    beam = np.full((60, 300), 4000.0)
    light = rng.poisson(2000, (8, 60, 300)) * 1.5 / 6000
    light[:, ::9, ::31] += 5  # zingers
    noise = estimate_noise(light, beam * 1.5, 0.0)
    assert noise
    assert noise.gain == pytest.approx(1.5, rel=0.05)
    rough = estimate_noise(light + 0.05 * rng.standard_normal((60, 300)), beam * 1.5, 0.0)
    assert rough
    assert rough.gain > noise.gain
    assert estimate_noise(np.ones((8, 60, 300)), beam, 0.0) is None


# Scans


def struck_scan(file: Path, rng: np.random.Generator, rows: int = 9) -> tuple[Scan, np.ndarray]:
    """Make a scan with a zinger in ten of its frames, one in a flat and one in a dark; return it and their places."""
    keys = np.array([2] * 4 + [1] * 12 + [0] * 40)
    level = np.select([keys == 2, keys == 1], [0, 2000], 1000)[:, None, None]
    frames = 100 + rng.poisson(np.broadcast_to(level, (len(keys), rows, 40)))
    frames[1, 4, 30], frames[8, 4, 20] = 20_000, 60_000
    where = np.stack([np.arange(0, 40, 4), rng.integers(0, rows, 10), rng.integers(0, 40, 10)])
    frames[16 + where[0], where[1], where[2]] += 9000
    return open_scan(write_nxtomo(file, frames.astype(np.uint16), keys)), where


def test_a_scan_loses_its_zingers_and_says_how_many(tmp_path: Path, rng: np.random.Generator) -> None:
    scan, where = struck_scan(tmp_path / "a.h5", rng)
    measures = measuring.measure(scan)
    integrals, statistics = slabs.correct_slab(scan, (0, 9), None, OPTIONS, measures)
    assert statistics.zingers == 10
    assert np.abs(integrals - np.log(2)).max() < 0.25
    assert np.abs(integrals.mean(axis=0) - np.log(2)).max() < 0.05  # flats and darks as well
    kept, statistics = slabs.correct_slab(scan, (0, 9), None, only(), measures)
    assert statistics.zingers is None
    assert kept[tuple(where)].max() < -1


def test_slabs_are_independent_bit_for_bit_with_zingers(tmp_path: Path, rng: np.random.Generator) -> None:
    scan, _ = struck_scan(tmp_path / "a.h5", rng)
    measures, section = measuring.measure(scan), np.arange(40) % 2
    whole, whole_statistics = slabs.correct_slab(scan, (0, 9), section, OPTIONS, measures)
    parts = [slabs.correct_slab(scan, rows, section, OPTIONS, measures) for rows in ((0, 1), (1, 2), (2, 6), (6, 9))]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in parts], axis=1), whole)
    assert sum(statistics.zingers or 0 for _, statistics in parts) == whole_statistics.zingers


def test_intensities_lose_zingers_and_line_integrals_are_left_alone(tmp_path: Path, rng: np.random.Generator) -> None:
    values = (rng.poisson(500, (20, 6, 40)) / 1000).astype(np.float32)
    values[3, 2, 10] = 8
    scan = open_scan(write_exchange(tmp_path / "a.h5", values), input="intensity")
    integrals, statistics = slabs.correct_slab(scan, (0, 6), None, OPTIONS, measuring.measure(scan))
    assert statistics.zingers == 1
    assert integrals[3, 2, 10] == pytest.approx(np.log(2), abs=0.2)
    scan = open_scan(write_exchange(tmp_path / "b.h5", values), input="attenuation")
    integrals, statistics = slabs.correct_slab(scan, (0, 6), None, OPTIONS, measuring.measure(scan))
    assert statistics.zingers is None
    np.testing.assert_array_equal(integrals, values)
