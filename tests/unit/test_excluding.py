"""Frames that the user leaves out: the scan has fewer, and nothing else moves."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from corrections import only
from hdf5_files import half_turn, write_exchange, write_nxtomo
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.common.errors import UserError
from tomodenoise.correction import slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.scans import description, excluding, opening, reading
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import of_scan
from tomodenoise.splitting.options import SteppedScan
from tomodenoise.storage import layout

FRAMES = np.arange(12 * 4 * 5, dtype=np.uint16).reshape(12, 4, 5) + 100
WHITE = np.full((5, 4, 5), 1000, np.uint16) + np.arange(5, dtype=np.uint16)[:, None, None]
DARK = WHITE[:3] - 990


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_exchange(tmp_path / "scan.h5", FRAMES, data_white=WHITE, data_dark=DARK)


def read(files: list[Path], exclude: dict[str, Any], **entry: Any) -> Scan:  # noqa: ANN401 - a YAML value
    return of_scan.read(files, SteppedScan.model_validate({"file": "x", "exclude": exclude, **entry}), "auto")


def test_the_frames_that_are_left_are_read_with_their_angles(file: Path) -> None:
    scan = read([file], {"projections": [[2, 5], 11], "flats": [0], "darks": [1, [2, 3]]})
    left = [0, 1, 5, 6, 7, 8, 9, 10]
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES[left])
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(12)[left])
    np.testing.assert_array_equal(reading.read(scan.flats, (0, 4)), WHITE[1:])
    np.testing.assert_array_equal(reading.read(scan.darks, (0, 4)), DARK[:1])


def test_what_was_left_out_stands_in_the_description(file: Path) -> None:
    scan = read([file], {"projections": [3, [4, 6], 9], "flats": [0]})
    stored = description.to_json(scan)
    assert stored["excluded"] == {"projections": [[3, 6], [9, 10]], "flats": [[0, 1]]}
    assert stored["number_of_projections"] == 8
    assert description.from_json(stored).excluded == scan.excluded
    assert description.to_json(read([file], {}))["excluded"] == {}


@given(st.sets(st.integers(0, 11), max_size=11))
def test_the_numbers_that_are_left_are_known(tmp_path_factory: pytest.TempPathFactory, gone: set[int]) -> None:
    file = write_exchange(tmp_path_factory.mktemp("scan") / "scan.h5", FRAMES, data_white=WHITE)
    scan = opening.open_scan(file, exclude={"projections": sorted(gone)})
    left = [number for number in range(12) if number not in gone]
    assert excluding.numbers(scan).tolist() == left
    assert scan.projections[0].indices.tolist() == left


@pytest.mark.parametrize(
    ("exclude", "words"),
    [
        ({"projections": [12]}, "exclude.projections: 12 is out of range, .* 12 projections: use numbers from 0 to 11"),
        ({"projections": [[10, 13]]}, r"\[10, 13\] is out of range, the scan has 12 projections"),
        ({"flats": [[4, 6]]}, "the scan has 5 flats"),
        ({"darks": [3]}, "the scan has 3 darks"),
        ({"projections": [[0, 12]]}, "exclude.projections removes all 12 projections"),
        ({"flats": [0, 1, 2, [3, 5]]}, "exclude.flats removes all 5 flats"),
        ({"projections": [[5, 2]]}, r"\[5, 2\] is not a range"),
        ({"projections": [[5, 5]]}, r"\[5, 5\] is not a range"),
        ({"projections": [-1]}, "-1 is not a range"),
        ({"projections": ["3-5"]}, "'3-5' is neither a number nor a range: write 5, or"),
        ({"projections": [[1, 2, 3]]}, "is neither a number nor a range"),
        ({"projections": [1.5]}, "1.5 is neither"),
        ({"flats": [True]}, "True is neither"),
        ({"flats": [None]}, "None is neither"),
    ],
)
def test_what_cannot_be_left_out_is_refused_in_one_line(file: Path, exclude: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read([file], exclude)
    assert "\n" not in str(caught.value)


def test_all_darks_may_be_left_out(file: Path) -> None:
    assert read([file], {"darks": [[0, 3]]}).darks == ()


def test_frames_of_one_stack_are_counted_by_kind(tmp_path: Path) -> None:
    keys = [2, 2, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2]
    file = write_nxtomo(tmp_path / "scan.h5", FRAMES, keys)
    scan = read([file], {"projections": [0, 4], "flats": [1], "darks": [2]})
    assert scan.projections[0].indices.tolist() == [4, 5, 7, 9]
    assert [part.indices.tolist() for part in scan.flats] == [[2], [10]]
    assert [part.indices.tolist() for part in scan.darks] == [[0, 1]]
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(12)[[4, 5, 7, 9]])


def test_flats_keep_their_place_between_the_projections_that_are_left(tmp_path: Path) -> None:
    keys = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    file = write_nxtomo(tmp_path / "scan.h5", FRAMES[:11], keys)
    whole, ends, middle = (read([file], {"projections": gone}) for gone in ([], [0, 1, 7], [[2, 5]]))
    assert [part.time for part in whole.flats] == [-1, 3.5, 8]
    assert [part.time for part in ends.flats] == [-3, 1.5, 6]
    assert [part.time for part in middle.flats] == [-1, pytest.approx(1.625), 5]


def test_line_integrals_of_the_others_stay_the_same(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).poisson(500, (40, 4, 16)).astype(np.uint16)
    file = write_exchange(tmp_path / "scan.h5", frames, data_white=frames[:8] * 2, data_dark=frames[:4] // 50)
    options, measures = only(), Measures()
    whole, some = (
        slabs.correct_slab(read([file], exclude), (0, 4), None, options, measures)[0]
        for exclude in ({}, {"projections": [[10, 20]]})
    )
    np.testing.assert_array_equal(some, np.delete(whole, np.s_[10:20], axis=0))


def test_an_angle_that_is_no_number_can_be_left_out(tmp_path: Path) -> None:
    theta = half_turn(12)
    theta[[3, 7]] = np.nan
    file = write_exchange(tmp_path / "scan.h5", FRAMES, data_white=WHITE, theta=theta)
    with pytest.raises(UserError, match=r"angle 7 is nan.* exclude: \{projections: \[7\]\}"):
        read([file], {"projections": [3]})
    assert len(read([file], {"projections": [3, 7]}).angles) == 10


# Series


def timed(tmp_path: Path, **parts: Any) -> Path:  # noqa: ANN401
    theta = np.arange(12) * 60.0
    return write_exchange(tmp_path / "scan.h5", FRAMES, data_white=WHITE, theta=theta, time=np.arange(12.0), **parts)


@pytest.mark.parametrize("projections", [3, 2.9])
def test_the_borders_of_time_steps_stay_where_they_are(tmp_path: Path, projections: float) -> None:
    file, steps = timed(tmp_path), {"projections": projections}
    whole, some = (read([file], exclude, mode="dynamic", steps=steps) for exclude in ({}, {"projections": [1, [4, 6]]}))
    left = np.delete(np.arange(len(whole.angles)), [1, 4, 5])
    assert whole.steps is not None
    np.testing.assert_array_equal(some.steps, whole.steps[left])
    np.testing.assert_array_equal(reading.read(some.projections, (0, 4)), FRAMES[left])
    assert of_scan.step_seconds(some, None) == pytest.approx(projections, abs=0.2)
    shape = layout.Layout(len(some.angles), 4, 5, 5, 4, slab_bytes=2**20)
    assert shape.angles == len(left)


def test_numbers_count_over_all_files_of_a_series(tmp_path: Path) -> None:
    files = [write_exchange(tmp_path / f"s{number}.h5", FRAMES[:4] + number, data_white=WHITE) for number in range(3)]
    scan = read(files, {"projections": [1, [6, 9]], "flats": [5, [10, 15]]}, mode="dynamic", steps={})
    assert [part.indices.tolist() for part in scan.projections] == [[0, 2, 3], [0, 1], [1, 2, 3]]
    assert scan.steps is not None
    assert scan.steps.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert [part.indices.tolist() for part in scan.flats] == [[0, 1, 2, 3, 4], [1, 2, 3, 4]]
    assert [part.time for part in scan.flats] == [0, 3]


def test_a_time_step_that_is_left_out_whole_is_reported(tmp_path: Path) -> None:
    scan = read([timed(tmp_path)], {"projections": [[3, 6]]}, mode="dynamic", steps={"projections": 3})
    assert scan.steps is not None
    assert scan.steps.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert scan.doubts == ("exclude removes all projections of time steps 1: later steps are renumbered",)


def test_channels_are_read_at_the_angles_that_are_left(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 2, 6, 5)).astype(np.float32)
    with h5py.File(tmp_path / "x.h5", "w") as content:
        content["sinograms"] = values
        content["angles"] = half_turn(6)
    channels = {"dataset": "/sinograms", "axes": "zcat", "angles": "/angles", "angle_unit": "degrees"}
    scan = opening.open_scan(tmp_path / "x.h5", channels=channels, exclude={"projections": [0, [3, 5]]})
    np.testing.assert_array_equal(reading.read_channels(scan, (0, 3)), values[:, :, [1, 2, 5]].transpose(2, 1, 0, 3))
    with pytest.raises(UserError, match="the scan has 0 flats: remove the key"):
        opening.open_scan(tmp_path / "x.h5", channels=channels, exclude={"flats": [0]})
