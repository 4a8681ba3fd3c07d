"""Files that hold more, or less, than a layout requires: the choice is right, reported, and can be overruled."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdf5_files import complaint, half_turn, write_exchange, write_nxtomo

from tomodenoise.common.errors import UserError
from tomodenoise.scans import opening, reading
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import of_scan
from tomodenoise.splitting.options import SteppedScan, Steps

FRAMES = np.arange(6 * 4 * 5, dtype=np.uint16).reshape(6, 4, 5) + 100
WHITE = np.full((3, 4, 5), 1000, dtype=np.uint16)
KEYS = [2, 1, 0, 0, 0, 0]

Change = Callable[[h5py.File], Any]


def static(file: Path, **entry: object) -> Scan:
    return of_scan.read([file], SteppedScan.model_validate({"file": "x", **entry}), "auto")


# Several entries


def entry(content: h5py.File, name: str, add: int = 0, angles: object = None) -> None:
    content[f"{name}/instrument/detector/data"] = FRAMES + add
    content[f"{name}/instrument/detector/image_key"] = KEYS
    content[f"{name}/sample/rotation_angle"] = half_turn(6) if angles is None else angles


def first_projection(scan: Scan) -> int:
    return int(reading.read(scan.projections, scan.rows)[0, 0, 0]) - int(FRAMES[2, 0, 0])


@pytest.mark.parametrize(
    ("default", "asked", "expected", "why"),
    [
        (None, None, 1, "entry a is used, the first; the file also holds b, c: set entry to use another"),
        ("b", None, 2, "entry b is used, which the file names as its default; the file also holds a, c"),
        ("gone", None, 1, "entry a is used, the first"),
        ("b", "c", 3, ""),
        (None, "/b/", 2, ""),
        (None, "c/instrument/detector", 3, ""),
    ],
)
def test_one_of_several_entries_is_chosen_and_reported(
    file: Path, default: str | None, asked: str | None, expected: int, why: str
) -> None:
    with h5py.File(file, "w") as content:
        for add, name in ((3, "c"), (1, "a"), (2, "b")):
            entry(content, name, add)
        content["notes/data"] = h5py.SoftLink("/a/instrument/detector/data")
        if default:
            content.attrs["default"] = default
    scan = static(file, **({"entry": asked} if asked else {}))
    assert first_projection(scan) == expected
    assert len(scan.doubts) == bool(why)
    assert why in "".join(scan.doubts)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("d", "has no entry d: there are a, b: correct the scan's key entry"),
        ("a/instrument/camera", "has no entry a/instrument/camera"),
        ("notes", "entry notes holds no frames: there are a, b"),
        ("a/sample/rotation_angle", "has no entry a/sample/rotation_angle"),
    ],
)
def test_an_entry_that_is_not_there_is_refused_with_those_that_are(file: Path, asked: str, words: str) -> None:
    with h5py.File(file, "w") as content:
        entry(content, "a")
        entry(content, "b")
        content["notes/text"] = "none"
    assert words in complaint(file, entry=asked)


def test_an_entry_is_not_for_sinograms(file: Path) -> None:
    write_exchange(file, FRAMES)
    with pytest.raises(UserError, match="entry is for frames: with mode: xrdct set dataset to the path"):
        of_scan.read([file], SteppedScan(file="x", mode="xrdct", entry="exchange"), "auto", {})


def test_an_entry_with_a_broken_link_says_where_it_leads(file: Path) -> None:
    with h5py.File(file, "w") as content:
        entry(content, "a")
        content["b/instrument/detector/image_key"] = KEYS
        content["b/instrument/detector/data"] = h5py.ExternalLink("gone.h5", "data")
    assert opening.open_scan(file).doubts == ()
    assert "gone.h5, which is missing: copy that file there" in complaint(file, entry="b")


def test_links_to_an_entry_are_no_other_entries(file: Path) -> None:
    with h5py.File(file, "w") as content:
        entry(content, "entry")
        content["latest"] = h5py.SoftLink("/entry")
        content["entry/data/data"] = content["entry/instrument/detector/data"]
        content["entry/data/rotation_angle"] = content["entry/sample/rotation_angle"]
    assert opening.open_scan(file).doubts == ()


def test_other_groups_of_data_exchange_are_entries_too(file: Path) -> None:
    write_exchange(file, FRAMES, data_white=WHITE)
    with h5py.File(file, "a") as content:
        for name, values in (("data", FRAMES + 7), ("theta", half_turn(6)), ("data_white", WHITE)):
            content[f"exchange_1/{name}"] = values
        entry(content, "nexus", 9)
    assert (
        "entry exchange is used, the first; the file also holds exchange_1, nexus" in opening.open_scan(file).doubts[0]
    )
    for name, least in (("exchange_1", 100 + 7), ("nexus", 140 + 9)):
        scan = opening.open_scan(file, entry=name)
        assert (reading.read(scan.projections, (0, 4)).min(), scan.doubts) == (least, ())


def test_a_second_camera_in_an_entry_is_reported_and_can_be_asked_for(file: Path) -> None:
    with h5py.File(file, "w") as content:
        entry(content, "entry")
        content["entry/instrument/side_view/data"] = FRAMES[:, :3] + 4
        content["entry/instrument/side_view/image_key"] = KEYS
    scan = opening.open_scan(file)
    assert "there are also /entry/instrument/side_view/data (6, 3, 5)" in scan.doubts[0]
    assert scan.doubts[0].endswith("set entry to their group, such as entry/instrument/side_view")
    other = opening.open_scan(file, entry="entry/instrument/side_view")
    assert (first_projection(other), other.depth, other.doubts) == (4, 3, ())


def test_sums_and_spectra_next_to_the_frames_are_no_stacks(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content["entry/a_sum/data"] = FRAMES.sum(axis=(1, 2))
        content["entry/a_sum/rotation_angle"] = half_turn(6)
        content["entry/b_profile/data"] = FRAMES.sum(axis=2)
        content["entry/b_profile/image_key"] = KEYS
        content["entry/camera/data"] = FRAMES
        content["entry/camera/image_key"] = KEYS
        content["entry/camera/rotation_angle"] = half_turn(6)
    scan = opening.open_scan(file)
    assert (scan.projections[0].dataset, scan.doubts) == ("/entry/camera/data", ())


# Keys


@pytest.mark.parametrize("control", [[2, 1, 0, 0, -1, -1], [2, 1, 0, 0, 3, 3], ["2", "1", "0", "0", "-1", "-1"]])
@pytest.mark.parametrize("angles", [6, 4, 2])
def test_frames_that_the_control_calls_no_projections_are_left_out(file: Path, control: list, angles: int) -> None:
    theta = half_turn(6)[{6: np.s_[:], 4: np.s_[2:], 2: np.s_[2:4]}[angles]]
    write_nxtomo(file, FRAMES, KEYS, angles=theta, image_key_control=control)
    scan = opening.open_scan(file)
    assert scan.projections[0].indices.tolist() == [2, 3]
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(6)[2:4])
    assert scan.doubts[0].startswith("2 projections are left out: /entry/instrument/detector/image_key_control")


@pytest.mark.parametrize(
    ("control", "flats", "doubts"),
    [
        ([0, 0, 0, 0, 0, 0], 1, ["1 flats are not used"]),
        (KEYS, 1, ["1 flats are not used"]),
        ([2, 1, 0, 0], 1, ["image_key_control is ignored", "4 keys"]),
        ([2, 3, 0, 0, 0, 0], 0, ["1 flats are left out"]),
    ],
)
def test_a_control_that_says_nothing_new_changes_nothing(
    file: Path, control: list[int], flats: int, doubts: list[str]
) -> None:
    write_nxtomo(file, FRAMES, KEYS, image_key_control=control)
    scan = opening.open_scan(file, input="intensity")
    assert len(scan.projections[0].indices) == 4
    assert sum(len(part.indices) for part in scan.flats) == flats
    assert all(word in "".join(scan.doubts) for word in doubts)
    assert ("control" in "".join(scan.doubts)) == (doubts != ["1 flats are not used"])


@pytest.mark.parametrize(
    "keys",
    [
        np.array(KEYS, float),
        np.array(KEYS, "S1"),
        [str(key) for key in KEYS],
        np.array(KEYS)[:, None],
        np.array(KEYS, "u1"),
    ],
)
def test_keys_may_be_written_in_any_way(file: Path, keys: object) -> None:
    with h5py.File(file, "w") as content:
        content["entry/instrument/detector/data"] = FRAMES
        content["entry/instrument/detector/image_key"] = keys
        content["entry/sample/rotation_angle"] = half_turn(6)
    scan = opening.open_scan(file)
    assert scan.projections[0].indices.tolist() == [2, 3, 4, 5]
    assert [part.indices.tolist() for part in (*scan.flats, *scan.darks)] == [[1], [0]]


@pytest.mark.parametrize(
    "keys", [[2, 1, 0, 0, 0.5, 0], [b"dark", b"flat", b"", b"", b"", b""], [2, 1, 0, np.nan, 0, 0]]
)
def test_keys_that_are_no_numbers_are_refused(file: Path, keys: list) -> None:
    write_nxtomo(file, FRAMES, keys)
    assert "write one integer per frame, 0 for a projection, 1 for a flat, 2 for a dark" in complaint(file)


# Angles


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ("degree", 1),
        ("DEGREES", 1),
        (np.bytes_("°".encode("latin-1")), 1),
        ("º", 1),
        (np.array([b"deg", b""]), 1),
        (["deg"], 1),
        ("none", 1),
        ("Radians", np.pi / 180),
        (" rad ", np.pi / 180),
        ("mrad", np.pi / 0.18),
        ("milliradian", np.pi / 0.18),
        ("mdeg", 1e3),
        ("turns", 1 / 360),
        ("revolutions", 1 / 360),
    ],
)
def test_units_of_angles_may_be_spelt_in_any_way(file: Path, units: object, factor: float) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, theta=half_turn(6) * factor, units=units)
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(6), atol=1e-9)


def test_angles_of_frames_that_are_no_projections_may_be_missing(file: Path) -> None:
    write_nxtomo(file, FRAMES, KEYS, angles=np.where(np.array(KEYS) == 0, half_turn(6), np.nan))
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(6)[2:])


def test_one_angle_more_than_projections_is_left_out_and_reported(file: Path) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, theta=half_turn(7))
    scan = opening.open_scan(file)
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(7)[:6])
    assert "theta has one angle more than there are projections: the last angle is ignored" in scan.doubts[0]


def test_several_sets_of_angles_are_reported_where_they_differ(file: Path) -> None:
    write_nxtomo(file, FRAMES, KEYS)
    with h5py.File(file, "a") as content:
        content["entry/instrument/detector/rotation_angle"] = half_turn(6) + 0.25
        content["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        content["entry/data/rotation_angle"] = half_turn(6)
        content["entry/data/angle_words"] = [b"none"] * 6
    scan = opening.open_scan(file)
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(6)[2:])
    assert len(scan.doubts) == 1
    assert scan.doubts[0].startswith("the angles of /entry/sample/rotation_angle are used, but those of")
    assert scan.doubts[0].endswith("/entry/instrument/detector/rotation_angle differ by up to 0.25 degrees")


def test_angles_that_fit_the_frames_come_before_those_that_do_not(file: Path) -> None:
    write_nxtomo(file, FRAMES, KEYS, angles=[0.0, 180.0])
    with h5py.File(file, "a") as content:
        content["entry/instrument/detector/rotation_angle"] = half_turn(6)
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(6)[2:])


# Axes of length one, and longer ones


@pytest.mark.parametrize("shape", [(1, 6, 4, 5), (6, 4, 5, 1), (6, 1, 4, 5), (1, 1, 6, 4, 5)])
@pytest.mark.parametrize("parts", [["data"], ["data_white"], ["data", "data_white", "data_dark"]])
def test_axes_of_length_one_are_ignored(file: Path, shape: tuple[int, ...], parts: list[str]) -> None:
    held = {"data": FRAMES, "data_white": FRAMES + 1000, "data_dark": FRAMES - 100}
    write_exchange(file, **{"projections": FRAMES, **{name: held[name] for name in held if name != "data"}})
    with h5py.File(file, "a") as content:
        for name in parts:
            del content[f"exchange/{name}"]
            content[f"exchange/{name}"] = held[name].reshape(shape)
    scan = opening.open_scan(file, rows=(1, 3))
    assert (scan.kind, scan.depth, scan.columns, len(scan.angles)) == ("counts", 2, 5, 6)
    for name, frames in (("data", scan.projections), ("data_white", scan.flats), ("data_dark", scan.darks)):
        np.testing.assert_array_equal(reading.read(frames, (1, 3)), held[name][:, 1:3])
        np.testing.assert_array_equal(reading.read(frames, (1, 3), slice(2, 4)), held[name][2:4, 1:3])


@pytest.mark.parametrize("shape", [(1, 6, 4, 5), (6, 4, 5, 1)])
def test_axes_of_length_one_are_ignored_with_keys_and_virtual_data(file: Path, shape: tuple[int, ...]) -> None:
    write_nxtomo(file, FRAMES, KEYS)
    with h5py.File(file, "a") as content:
        del content["entry/instrument/detector/data"]
        content["entry/stored"] = FRAMES.reshape(shape)
        made = h5py.VirtualLayout(shape, np.uint16)
        made[:] = h5py.VirtualSource(content["entry/stored"])
        content.create_virtual_dataset("entry/instrument/detector/data", made)
    scan = opening.open_scan(file)
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES[2:])


def test_one_row_of_the_detector_is_no_axis_to_ignore(file: Path) -> None:
    write_exchange(file, FRAMES[:, :1].reshape(1, 6, 1, 5), data_white=WHITE[:, :1], theta=half_turn(6))
    scan = opening.open_scan(file)
    assert (len(scan.angles), scan.depth, scan.columns) == (6, 1, 5)


# At the root of the file


def at_the_root(content: h5py.File, **parts: object) -> None:
    held = {"data": FRAMES, "theta": half_turn(6), "data_white": WHITE, "data_dark": WHITE[:2] - 990, **parts}
    for name, values in held.items():
        if values is not None:
            content[name] = values


@pytest.mark.parametrize(
    ("parts", "flats", "projections"),
    [
        ({}, 3, 6),
        ({"data_dark": None}, 3, 6),
        ({"data_white": None, "data_dark": None, "image_key": KEYS}, 1, 4),
        ({"data_white": None, "data_dark": None, "image_key": KEYS, "theta": half_turn(4)}, 1, 4),
        (
            {"data_white": None, "data_dark": None, "image_key": KEYS, "theta": None, "rotation_angle": half_turn(6)},
            1,
            4,
        ),
        ({"theta": half_turn(9), "image_key": [1, 0, 0, 0, 1, 0, 0, 0, 1]}, 3, 6),
        ({"data": FRAMES[None]}, 3, 6),
    ],
)
def test_data_at_the_root_of_a_file_is_read(file: Path, parts: dict, flats: int, projections: int) -> None:
    with h5py.File(file, "w") as content:
        at_the_root(content, **parts)
    scan = opening.open_scan(file)
    assert scan.doubts == ()
    assert (len(scan.angles), sum(len(part.indices) for part in scan.flats)) == (projections, flats)
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES[6 - projections :])


def test_keys_in_data_exchange_may_sort_one_stack(file: Path) -> None:
    write_exchange(file, FRAMES, image_key=KEYS)
    scan = opening.open_scan(file)
    assert (len(scan.angles), len(scan.flats), len(scan.darks)) == (4, 1, 1)


def test_the_root_can_be_asked_for(file: Path) -> None:
    write_exchange(file, FRAMES + 1, data_white=WHITE)
    with h5py.File(file, "a") as content:
        at_the_root(content)
    assert "the file also holds /" in opening.open_scan(file).doubts[0]
    assert int(reading.read(opening.open_scan(file, entry="/").projections, (0, 4)).min()) == 100


# Times and time steps


@pytest.mark.parametrize(
    "times",
    [
        [f"2026-01-01T00:00:0{number}".encode() for number in range(6)],
        np.arange(9.0),
        np.zeros(6),
        3.5,
        np.arange(6)[::-1],
        np.zeros((6, 2)),
        h5py.ExternalLink("gone.h5", "time"),
        h5py.SoftLink("/exchange/time"),
    ],
    ids=str,
)
def test_a_static_scan_has_no_use_for_times(file: Path, times: object) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, time=times)
    scan = static(file)
    assert (scan.steps, scan.doubts) == (None, ())


@pytest.mark.parametrize(
    ("labels", "refused"),
    [
        ([0, 0, 0, 0, 0, 0], False),
        ([7, 7, 7, 7, 7, 7], False),
        ([0, 1, 2, 3, 4, 5], False),
        ([0], False),
        (np.zeros((6, 3)), False),
        ([b"a"] * 6, False),
        ([0, 0, 0, 1, 1, 1], True),
        ([1, 1, 1, 0, 0, 0], True),
        ([0, 0, 1, 1, 2, 2], True),
    ],
)
def test_only_labels_of_several_steps_make_a_series(file: Path, labels: object, refused: bool) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, time_step=labels)
    if refused:
        with pytest.raises(UserError, match=r"holds [23] time steps: set mode: dynamic"):
            static(file)
    else:
        assert static(file).steps is None


@pytest.mark.parametrize(
    ("times", "unit", "seconds", "words"),
    [
        (np.arange(6) * 5.0, "s", 10, ""),
        (np.arange(6) * 5, "us", 10e-6, ""),
        (np.arange(6) * 5.0, "ms", 10e-3, ""),
        ([0, 0, 5, 5, 10, 10], "min", 300, ""),
        (np.zeros(6), "s", None, ""),
        (
            np.arange(9.0),
            "s",
            None,
            r"shape \(9,\).* one number for each of 6 projections is needed: repair it, or set steps.seconds",
        ),
        ([b"12:00"] * 6, "", None, "set steps.seconds"),
        (np.arange(6.0), "parsec", None, "an unknown unit"),
        ([0, 1, 2, np.nan, 4, 5], "s", None, "values that are not finite"),
        (h5py.ExternalLink("gone.h5", "t"), "", None, "gone.h5, which is missing"),
    ],
)
def test_a_series_needs_times_only_where_no_key_gives_its_period(
    file: Path, times: object, unit: str, seconds: float | None, words: str
) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, time=times, theta=np.arange(6) * 90.0, time_step=[0, 0, 1, 1, 2, 2])
    if unit:
        with h5py.File(file, "a") as content:
            content["exchange/time"].attrs["units"] = unit
    scan = of_scan.read([file], SteppedScan(file="x", mode="dynamic"), "auto")
    assert of_scan.step_seconds(scan, Steps(seconds=3)) == 3
    if words:
        with pytest.raises(UserError, match=words):
            of_scan.step_seconds(scan, None)
    else:
        assert of_scan.step_seconds(scan, None) == pytest.approx(seconds)
