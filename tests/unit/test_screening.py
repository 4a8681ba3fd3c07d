"""Frames are compared with others of their kind: outliers are left out, mere drift is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corrections import only
from hdf5_files import write_exchange, write_nxtomo
from hypothesis import given
from hypothesis import strategies as st

from data import measured
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import concerns, measuring, odd_frames, screening, slabs
from tomodenoise.correction.screening import spans
from tomodenoise.scans import description, opening
from tomodenoise.scans.description import Scan

ROWS, COLUMNS, VIEWS = 12, 48, 40
DARK, BEAM = 100, 2000
RNG = np.random.default_rng(0)
SAMPLE = np.where(np.abs(np.arange(COLUMNS) - 22) < 12, 0.3, 1.0) * np.ones((ROWS, 1))


def shot(mean: FloatArray | float, count: int) -> FloatArray:
    """Frames (count, row, column) of some photons on average."""
    rng = np.random.default_rng(7)
    return DARK + rng.poisson(np.broadcast_to(mean, (count, ROWS, COLUMNS)))


def parts() -> dict[str, FloatArray]:
    return {"projections": shot(BEAM * SAMPLE, VIEWS), "data_white": shot(BEAM, 20), "data_dark": shot(0, 10)}


def screened(folder: Path, frames: dict[str, FloatArray], **options: object) -> Scan:
    made = {**frames}
    file = write_exchange(folder / "scan.h5", made.pop("projections"), **made)
    return screening.screen(opening.open_scan(file, **options))


def left(scan: Scan) -> dict[str, str]:
    return {group.kind: group.frames for group in scan.left_out}


def test_an_ordinary_scan_keeps_all_of_its_frames(tmp_path: Path) -> None:
    scan = screened(tmp_path, parts())
    assert left(scan) == {}
    assert scan.doubts == ()
    assert (len(scan.flats[0].indices), len(scan.darks[0].indices), len(scan.lit)) == (20, 10, VIEWS)


@pytest.mark.parametrize(
    ("flats", "frame"),
    [
        ([3], lambda frames: frames * 0 + DARK),
        ([0, 1, 2], lambda frames: frames * 0 + DARK),
        ([19], lambda frames: DARK + (frames - DARK) // 2),
        ([5], lambda frames: np.where(np.arange(COLUMNS) < COLUMNS // 2, frames, DARK)),
        ([0, 7], lambda frames: DARK + (frames - DARK) * SAMPLE),
        ([4], lambda frames: DARK + (frames - DARK) * 1.3),
        ([2], lambda frames: frames * 0),
        ([6], lambda frames: frames * 0 + 65535),
    ],
    ids=["closed", "three closed", "half open", "half covered", "sample in", "too bright", "zeros", "saturated"],
)
def test_flats_that_stand_apart_are_left_out(tmp_path: Path, flats: list[int], frame: object) -> None:
    frames = parts()
    frames["data_white"][flats] = frame(frames["data_white"][flats])  # type: ignore[operator]
    scan = screened(tmp_path, frames)
    assert left(scan) == {"flats": scans_spans(flats)}
    assert scan.flats[0].indices.tolist() == [n for n in range(20) if n not in flats]


def scans_spans(numbers: list[int]) -> str:
    return spans(np.array(numbers))


@pytest.mark.parametrize("darks", [[0], [0, 1, 9]])
@pytest.mark.parametrize("light", [1.0, 0.05])
def test_darks_that_hold_light_are_left_out(tmp_path: Path, darks: list[int], light: float) -> None:
    frames = parts()
    frames["data_dark"][darks] = shot(light * BEAM, len(darks))
    scan = screened(tmp_path, frames)
    assert left(scan) == {"darks": scans_spans(darks)}


def test_counts_that_wrapped_negative_are_not_blamed_on_the_darks(tmp_path: Path) -> None:
    frames = parts()
    frames["data_white"] = frames["data_white"] - 65536
    with pytest.raises(UserError, match=r"no flat is brighter than the darks: .* unsigned numbers stored as signed"):
        screened(tmp_path, frames)


def test_a_dark_of_zeros_is_left_out(tmp_path: Path) -> None:
    frames = parts()
    frames["data_dark"][4] = 0
    assert left(screened(tmp_path, frames)) == {"darks": "4"}


@pytest.mark.parametrize(
    ("kind", "frame"), [("data_white", 0.0), ("data_dark", 1.0)], ids=["closed flats", "lit darks"]
)
def test_where_most_are_faulty_the_scan_is_refused(tmp_path: Path, kind: str, frame: float) -> None:
    frames = parts()
    count = len(frames[kind])
    frames[kind][: count * 6 // 10] = shot(frame * BEAM, count * 6 // 10)
    with pytest.raises(UserError, match=r"\d+ of \d+ (flats|darks) .*exclude\.(flats|darks)"):
        screened(tmp_path, frames)


@pytest.mark.parametrize(
    "level",
    [np.linspace(1, 0.7, 20), np.repeat([1, 0.75], 10), 1 + 0.03 * RNG.standard_normal(20)],
    ids=["drift", "before and after", "flicker"],
)
def test_flats_whose_level_changes_are_kept(tmp_path: Path, level: FloatArray) -> None:
    frames = parts()
    frames["data_white"] = shot(BEAM, 20)
    frames["data_white"] = (DARK + (frames["data_white"] - DARK) * level[:, None, None]).round()
    scan = screened(tmp_path, frames)
    assert left(scan) == {}
    assert any("the flats vary by" in doubt for doubt in scan.doubts) == (np.ptp(level) > 0.2)


def test_a_group_of_flats_that_is_dark_as_a_whole_is_left_out(tmp_path: Path) -> None:
    keys = [1] * 10 + [0] * VIEWS + [1] * 4 + [2] * 5
    light = np.select([np.equal(keys, 1), np.equal(keys, 0)], [1.0, 0.5], 0.0)
    light[10 + VIEWS : 14 + VIEWS] = 0
    frames = DARK + np.random.default_rng(0).poisson(BEAM * light[:, None, None] * np.ones((ROWS, COLUMNS)))
    scan = screening.screen(opening.open_scan(write_nxtomo(tmp_path / "scan.h5", frames, keys)))
    assert left(scan) == {"flats": "10 to 13"}
    assert [len(group.indices) for group in scan.flats] == [10]


@pytest.mark.parametrize("dark", [[5], [*range(30, 40)], [0, 1, 17, 18, 39]])
@pytest.mark.parametrize("value", [DARK, 0, 65535])
def test_projections_without_light_are_named(tmp_path: Path, dark: list[int], value: int) -> None:
    frames = parts()
    frames["projections"][dark] = value
    scan = screened(tmp_path, frames)
    assert scan.unlit.tolist() == dark
    assert left(scan) == {"projections": scans_spans(dark)}
    again = description.from_json(description.to_json(scan))
    assert again.unlit.tolist() == dark
    assert again.left_out == scan.left_out
    assert sorted([*again.lit, *dark]) == list(range(VIEWS))


def test_projections_of_which_a_module_is_saturated_are_named(tmp_path: Path) -> None:
    frames = parts()
    frames["projections"] = frames["projections"].astype(np.uint16)
    frames["projections"][8:11, :, :10] = 65535
    scan = screened(tmp_path, frames)
    assert scan.unlit.tolist() == [8, 9, 10]
    assert "saturated" in scan.left_out[0].reason


def test_a_beam_that_fails_for_a_while_is_reported_and_kept(tmp_path: Path) -> None:
    frames = parts()
    frames["projections"][11:13] = DARK + (frames["projections"][11:13] - DARK) // 2
    scan = screened(tmp_path, frames)
    assert not len(scan.unlit)
    assert "projections 11 to 12 differ strongly" in scan.doubts[0]
    assert "exclude: {projections: [[11, 13]]}" in scan.doubts[0]


def test_frames_of_a_frozen_camera_are_reported_and_kept(tmp_path: Path) -> None:
    frames = parts()
    frames["projections"][11:13] = frames["projections"][10]
    scan = screened(tmp_path, frames)
    assert not len(scan.unlit)
    assert "projections 11 to 12 are copies" in scan.doubts[0]


def test_a_scan_without_light_at_all_is_refused(tmp_path: Path) -> None:
    frames = parts()
    frames["projections"][: VIEWS * 6 // 10] = DARK
    with pytest.raises(UserError, match=r"24 of 40 projections hold no light \(0 to 23\)"):
        screened(tmp_path, frames)


@pytest.mark.parametrize("kind", ["intensity", "attenuation"])
def test_scans_without_flats_are_screened_as_well(tmp_path: Path, kind: str) -> None:
    frames = {"projections": np.random.default_rng(0).uniform(0.3, 1, (VIEWS, ROWS, COLUMNS))}
    frames["projections"][4] = 0 if kind == "intensity" else np.nan
    assert screened(tmp_path, frames, input=kind).unlit.tolist() == [4]


def test_air_without_noise_is_no_fault(tmp_path: Path) -> None:
    frames = {"projections": np.zeros((VIEWS, ROWS, COLUMNS), np.float32)}
    assert not len(screened(tmp_path, frames, input="attenuation").unlit)


def test_what_was_left_out_changes_nothing_of_the_rest(tmp_path: Path) -> None:
    """Line integrals equal those of a scan that never had the faulty frames, to the bit."""
    good, bad = parts(), parts()
    bad["data_white"][4], bad["data_dark"][2], bad["projections"][9] = DARK, BEAM, 0
    good |= {"data_white": np.delete(bad["data_white"], 4, 0), "data_dark": np.delete(bad["data_dark"], 2, 0)}
    scan = screened(tmp_path, bad)
    (tmp_path / "good").mkdir()
    other = screened(tmp_path / "good", good)
    measures = measuring.measure(scan)
    assert replace(measures, noise=None) == replace(measuring.measure(other), noise=None)
    options = only(zingers=10, stripes="none")
    mine, theirs = (slabs.correct_slab(s, (0, ROWS), None, options, measures)[0] for s in (scan, other))
    assert not mine[9].any()
    np.testing.assert_array_equal(np.delete(mine, 9, 0), np.delete(theirs, 9, 0))


def test_projections_brighter_than_flats_are_refused(tmp_path: Path) -> None:
    frames = parts()
    frames["data_white"] = shot(BEAM / 10, 20)
    scan = screened(tmp_path, frames)
    with pytest.raises(UserError, match=r"nearly all line integrals are below .*: check the flats and darks"):
        slabs.correct_slab(scan, (0, ROWS), None, only(), measuring.measure(scan))


def test_line_integrals_below_zero_are_reported(tmp_path: Path) -> None:
    frames = parts()
    frames["data_white"] = shot(0.8 * BEAM, 20)
    scan = screened(tmp_path, frames)
    found = slabs.correct_slab(scan, (0, ROWS), None, only(), measuring.measure(scan))[1]
    said = " ".join(concerns.concerns(scan, [found], 4, divided=True))
    assert "line integrals fall below zero" in said


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1.0, np.nan, np.inf, -5.0]),
)
def test_screening_survives_any_numbers(count: int, tiles: int, seed: int, odd: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(1, 0.1, (count, tiles))
    values[rng.random(values.shape) < 0.2] = odd
    group = np.sort(rng.integers(0, 3, count))
    for mask in (
        odd_frames.good_flats(values, group),
        odd_frames.good_darks(values, group, 1.0),
        odd_frames.unlit(values),
        odd_frames.blank(values),
    ):
        assert mask.shape == (count,)
        assert mask.dtype == bool
    assert set(odd_frames.dips(values, odd_frames.unlit(values) == 0)) <= set(range(count))


def test_measured_scans_keep_their_frames() -> None:
    for name in ("tooth/tooth.h5", "k11_18014/k11-18014.nxs"):
        scan = screening.screen(opening.open_scan(measured(name)))
        assert scan.left_out == ()
