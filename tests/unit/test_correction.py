"""Counts to line integrals: without bias, drift or common noise, and the same whichever way it is cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corrections import only
from hdf5_files import write_exchange, write_nxtomo
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data import measured
from tomodenoise.common.errors import UserError
from tomodenoise.correction import concerns, measuring, options, slabs
from tomodenoise.correction.counts import attenuation, estimate_gain
from tomodenoise.correction.measuring import Measures, estimate_afterglow
from tomodenoise.correction.references import Reference, distribute, is_shared
from tomodenoise.correction.repairing import repair
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.scans.description import Scan
from tomodenoise.scans.opening import open_scan
from tomodenoise.scans.reading import read
from tomodenoise.simulation import acquisition as simulation
from tomodenoise.simulation.detector import Detector
from tomodenoise.simulation.phantom import Foam

PLAIN, DEFAULT = only(), only(zingers=10)
DARK = 20
INTEGRAL = 0.7


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(42)


def counted_scan(file: Path, rng: np.random.Generator, flats: int = 10, rows: int = 6, photons: float = 500) -> Scan:
    """Write a scan of a constant object between two groups of flats, gain 2, beam falling by 20 %, and open it."""
    keys = [2] * 5 + [1] * flats + [0] * 24 + [1] * flats + [2] * 5
    beam = photons * np.linspace(1, 0.8, len(keys))[:, None, None] * np.linspace(0.5, 1, 40)
    factor = np.select([np.equal(keys, 2), np.equal(keys, 0)], [0, np.exp(-INTEGRAL)], 1)[:, None, None]
    frames = DARK + 2 * rng.poisson(np.broadcast_to(beam * factor, (len(keys), rows, 40)))
    return open_scan(write_nxtomo(file, frames.astype(np.uint16), keys))


def corrected(scan: Scan, assignment: np.ndarray | None = None, gain: float | None = 2.0) -> np.ndarray:
    return slabs.correct_slab(scan, (0, scan.depth), assignment, PLAIN, Measures(gain))[0]


# -log


@pytest.mark.parametrize(("photons", "gain"), [(10, 1.0), (10, 1.55), (1000, 1.55)])
def test_line_integrals_of_few_photons_are_unbiased(rng: np.random.Generator, photons: float, gain: float) -> None:
    beam = gain * photons * np.exp(INTEGRAL)
    transmission = (gain * rng.poisson(photons, (100, 50, 50)) / beam).astype(np.float32)
    plain = -np.log(np.maximum(transmission, gain / beam)).mean() - INTEGRAL
    attenuation(transmission, np.full((50, 50), gain / beam, np.float32), out=transmission)
    assert abs(transmission.mean(dtype=np.float64) - INTEGRAL) < 0.002
    assert photons > 10 or plain > 0.05


def test_line_integrals_without_gain_have_a_ceiling() -> None:
    integrals = np.empty((1, 3), np.float32)
    attenuation(np.float32([[0.5, 0, -0.03]]), None, out=integrals)
    np.testing.assert_allclose(integrals, [[np.log(2), -np.log(1e-4), -np.log(1e-4)]], rtol=1e-6)


# Flats and darks


def test_drift_of_the_beam_is_removed(file: Path) -> None:
    """Flats interpolated in time leave nothing of a linear drift; those of one side leave all of it."""
    keys = [1] * 4 + [0] * 20 + [1] * 4
    beam = np.linspace(30_000, 20_000, 28)[:, None, None] * np.ones((2, 3))
    beam[4:24] /= 2
    scan = open_scan(write_nxtomo(file, beam, keys))
    np.testing.assert_allclose(corrected(scan, gain=None), np.log(2), atol=1e-5)
    one_sided = corrected(replace(scan, flats=scan.flats[:1]), gain=None)
    assert np.ptp(one_sided) > 0.2


def test_drift_of_the_dark_is_removed(file: Path) -> None:
    keys = [2] * 2 + [1] * 2 + [0] * 20 + [1] * 2 + [2] * 2
    dark = np.linspace(100, 300, 28)[:, None, None]
    light = np.select([np.equal(keys, 1), np.equal(keys, 0)], [1000, 500], 0)[:, None, None]
    scan = open_scan(write_nxtomo(file, (dark + light) * np.ones((2, 3)), keys))
    np.testing.assert_allclose(corrected(scan, gain=None), np.log(2), atol=1e-5)


def test_reference_is_constant_outside_of_its_times() -> None:
    reference = Reference(np.array([-2.0, 10.0]), np.float32([[[1]], [[4]]]))
    assert [reference.at(time).item() for time in (-5, -2, 0, 4, 10, 99)] == [1, 1, 1.5, 2.5, 4, 4]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=3), st.integers(1, 6))
def test_deal_shares_out_all_or_gives_all_to_all(sizes: list[int], sections: int) -> None:
    assigned = distribute(sizes, sections)
    assert len(assigned) == sections
    if is_shared(sizes, sections):
        assert all(len(part) == size for section in assigned for part, size in zip(section, sizes, strict=True))
        return
    for group, size in enumerate(sizes):
        assert sorted(np.concatenate([section[group] for section in assigned])) == list(range(size))
        assert all(len(section[group]) for section in assigned)
    totals = [sum(map(len, section)) for section in assigned]
    assert max(totals) - min(totals) <= 1


@pytest.mark.parametrize("divided", [True, False])
def test_divided_flats_make_the_noise_of_halves_independent(
    file: Path, rng: np.random.Generator, divided: bool
) -> None:
    scan = counted_scan(file, rng, flats=5, rows=50)
    half = np.arange(len(scan.angles)) % 2
    integrals = corrected(scan, half if divided else None) - INTEGRAL
    noise = [integrals[half == section].mean(axis=0).ravel() for section in (0, 1)]
    correlation = np.corrcoef(*noise)[0, 1]
    if divided:
        assert abs(correlation) < 0.1  # 2000 pixels: one standard error is 0.022
    else:
        assert correlation > 0.3


# Gain


@pytest.mark.parametrize("gain", [0.3, 1.0, 5.0])
def test_gain_is_found_in_spite_of_drift_flicker_and_hot_pixels(rng: np.random.Generator, gain: float) -> None:
    flicker = np.linspace(1, 0.9, 20) * (1 + 0.02 * rng.standard_normal(20))
    flats = 100 + gain * rng.poisson(3000 * flicker[:, None, None] * np.ones((40, 200)))
    flats[::3, 5, ::50] += 20_000
    dark = np.full((40, 200), 100.0)
    assert estimate_gain(flats, dark) == pytest.approx(gain, rel=0.03)


def test_gain_needs_four_flats_that_look_like_counts() -> None:
    flats = np.full((4, 8, 8), 50.0)
    assert estimate_gain(flats[:3] + np.arange(3)[:, None, None], flats[0] * 0) is None
    assert estimate_gain(flats, flats[0] * 0) is None


def test_gain_of_a_scan(file: Path, rng: np.random.Generator) -> None:
    scan = counted_scan(file, rng, flats=20, rows=80)
    assert measuring.measure(scan).gain == pytest.approx(2, rel=0.05)
    assert measuring.measure(replace(scan, kind="intensity")).gain is None


# Repair


def test_repair_interpolates_along_the_row() -> None:
    nan = np.nan
    rows = np.float32([[[1, nan, 3, nan, nan, 9], [nan, 2, 4, np.inf, 6, -np.inf], [nan] * 6, [0, 1, 2, 3, 4, 5]]])
    assert repair(rows) == (6, 1)
    np.testing.assert_array_equal(rows, [[[1, 2, 3, 5, 7, 9], [2, 2, 4, 5, 6, 6], [0] * 6, [0, 1, 2, 3, 4, 5]]])


@given(arrays(np.float32, (2, 3, 5), elements=st.floats(-9, 9, width=32) | st.sampled_from([np.nan, np.inf, -np.inf])))
def test_repair_leaves_only_finite_values_and_touches_no_other(frames: np.ndarray) -> None:
    before = frames.copy()
    repaired, empty = repair(frames)
    good = np.isfinite(before)
    assert np.isfinite(frames).all()
    np.testing.assert_array_equal(frames[good], before[good])
    assert empty == (~good.any(axis=-1)).sum()
    assert repaired == (~good).sum() - 5 * empty


def test_dead_and_invalid_pixels_are_repaired_and_counted(file: Path) -> None:
    projections = np.full((8, 2, 6), 50.0)
    projections[2, 1, 3], projections[3, 1, 3], projections[4, 0, 0] = np.nan, np.inf, -np.inf
    white = np.full((4, 2, 6), 110.0)
    white[:, 0, 2], white[1, 1, 5] = 10, np.nan
    scan = open_scan(write_exchange(file, projections, data_white=white, data_dark=np.full((2, 2, 6), 10.0)))
    integrals, statistics = slabs.correct_slab(scan, (0, 2), None, PLAIN, Measures(4.0))
    np.testing.assert_allclose(integrals, np.log(100 / 42), rtol=1e-6)
    known = replace(statistics, lowest=None, highest=None, sides=None, void=(), blind=())
    assert known == SlabStatistics(10, 10, repaired=8 + 3, dead=1, empty_rows=0)


# Air


def test_changes_of_the_dose_are_taken_off_each_row_of_each_frame(file: Path, rng: np.random.Generator) -> None:
    sample = np.where(np.abs(np.arange(60) - 30) < 15, 0.8, 0)
    dose = rng.uniform(0.9, 1.1, (12, 3, 1)) * (1 + rng.uniform(-0.05, 0.05, (12, 3, 1)) * np.linspace(-1, 1, 60))
    scan = open_scan(write_exchange(file, np.exp(-sample) * dose), input="intensity")
    wrong, right = (slabs.correct_slab(scan, (0, 3), None, only(air=n), Measures())[0] for n in (0, 10))
    assert np.abs(wrong - sample).max() > 0.08
    assert np.abs(right - sample).max() < 0.002
    row = slabs.correct_slab(scan, (1, 2), None, only(air=10), Measures())[0]
    np.testing.assert_array_equal(row[:, 0], right[:, 1])


def test_more_air_than_columns_is_refused(file: Path) -> None:
    scan = open_scan(write_exchange(file, np.ones((3, 2, 9))), input="intensity")
    options.check(scan, only(air=4))
    with pytest.raises(UserError, match=r"correct.air: 5 columns at each side"):
        options.check(scan, only(air=5))


# Afterglow


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_afterglow_is_measured_on_flats(file: Path, rng: np.random.Generator, share: float) -> None:
    """In spite of drift, the detector's pattern, zingers and noise of reading."""
    detector = Detector(photons=800, conversion=2, drift=-0.1, zingers=0.5, afterglow=share)
    plan = simulation.Scan(columns=160, rows=40, angles=16, flats=60, darks=10)
    nothing = Foam(1.0, 0.0, np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    frames = np.stack(list(simulation.acquire(nothing, plan, detector, rng)))
    scan = open_scan(write_nxtomo(file, frames, simulation.image_keys(plan)))
    assert measuring.measure(scan).afterglow == pytest.approx(share, abs=0.004)


def test_afterglow_needs_enough_flats(rng: np.random.Generator) -> None:
    assert estimate_afterglow(rng.poisson(900, (7, 200, 200)).astype(float)) is None
    assert estimate_afterglow(rng.poisson(900, (20, 20, 30)).astype(float)) is None


# Slabs


def test_slabs_are_independent_bit_for_bit(
    file: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = replace(counted_scan(file, rng, rows=8), rows=(1, 8))
    section = np.arange(24) % 4
    whole = corrected(scan, section)
    monkeypatch.setattr(slabs, "BLOCK_BYTES", 7 * 40 * 4)  # and streamed in blocks of one or a few projections
    parts = [slabs.correct_slab(scan, rows, section, PLAIN, Measures(2.0))[0] for rows in ((0, 3), (3, 4), (4, 7))]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_smallest_counts_are_photons(file: Path, rng: np.random.Generator) -> None:
    scan = counted_scan(file, rng)
    photons = (read(scan.projections, scan.rows) - DARK) / 2
    statistics = slabs.correct_slab(scan, (0, 6), None, PLAIN, Measures(2.0))[1]
    assert statistics.smallest_counts == photons.min()
    assert statistics.low_counts == pytest.approx(np.quantile(photons, 0.001))
    assert slabs.correct_slab(scan, (0, 6), None, PLAIN, Measures())[1].smallest_counts is None


def test_attenuation_passes_and_intensity_is_logged(file: Path) -> None:
    values = np.float32(np.linspace(0.1, 2, 30)).reshape(5, 2, 3)
    write_exchange(file, values)
    np.testing.assert_array_equal(corrected(open_scan(file, input="attenuation")), values)
    np.testing.assert_allclose(corrected(open_scan(file, input="intensity")), -np.log(values), rtol=1e-6, atol=1e-7)


# Measured scans


def test_tooth() -> None:
    scan = open_scan(measured("tooth/tooth.h5"))
    integrals, statistics = slabs.correct_slab(scan, (0, 2), None, DEFAULT, measuring.measure(scan))
    assert np.isfinite(integrals).all()
    assert -0.2 < integrals.min() < 0
    assert 1.8 < integrals.max() < 2.1
    assert np.abs(np.median(integrals[..., :20])) < 0.02  # air next to the sample
    assert (statistics.repaired, statistics.dead, statistics.empty_rows) == (0, 0, 0)


def test_k11() -> None:
    scan = open_scan(measured("k11_18014/k11-18014.nxs"))
    before, after = (read(group, scan.rows).mean() - 99 for group in scan.flats)
    assert after / before - 1 == pytest.approx(0.015, abs=0.001)
    measures = measuring.measure(scan)
    assert measures.gain == pytest.approx(1.55, abs=0.15)
    integrals, statistics = slabs.correct_slab(scan, (0, 22), np.arange(3001) % 4, DEFAULT, measures)
    assert np.isfinite(integrals).all()
    assert -0.3 < integrals.min() < 0
    assert 0.9 < integrals.max() < 1.2
    per_projection = integrals.mean(axis=(1, 2))
    assert 1488 <= per_projection.argmax() <= 1669  # a strong absorber crosses the region
    assert statistics.smallest_counts > 9000


def test_air_above_zero_at_both_sides_is_reported(file: Path) -> None:
    """A filter put in after the flats weakens the beam everywhere."""
    _, x = np.mgrid[:2, :64]
    sample = np.where(np.abs(x - 32) < 20, 0.5, 0.0)[None].repeat(8, axis=0)
    white = np.full((4, 2, 64), 1000.0)
    for filtered in (0.0, 0.2):
        frames = 1000 * np.exp(-sample - filtered)
        scan = open_scan(write_exchange(file, frames, data_white=white, data_dark=np.zeros((2, 2, 64))))
        _, statistics = slabs.correct_slab(scan, (0, 2), None, PLAIN, Measures())
        said = " ".join(concerns.concerns(scan, [statistics], 2, divided=True))
        assert ("line integrals are 0.20 along both sides" in said) == (filtered > 0)


def test_dead_rows_and_columns_are_numbered(file: Path) -> None:
    frames, white = np.full((8, 4, 64), 500.0), np.full((4, 4, 64), 1000.0)
    white[:, :, 20:24] = 0
    frames[:, 2] = np.nan
    scan = open_scan(write_exchange(file, frames, data_white=white, data_dark=np.zeros((2, 4, 64))))
    statistics = [slabs.correct_slab(scan, rows, None, PLAIN, Measures())[1] for rows in ((0, 2), (2, 4))]
    said = list(concerns.concerns(scan, statistics, 2, divided=True))
    assert "rows 2 hold no valid pixel in any projection: these slices are 0" in said
    assert "columns 20 to 23 of the detector are dead in all rows: arcs remain in the volume" in said
