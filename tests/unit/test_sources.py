"""Data that HDF5 would silently read as zeros are refused, at any depth, and every file that is read is known."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_files import half_turn, write_nxtomo

from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, links, opening, origins, outside, reading, sources

UNLIMITED = h5py.h5s.UNLIMITED
FRAMES = np.arange(1, 6 * 4 * 5 + 1, dtype=np.uint16).reshape(6, 4, 5)
ALL = np.s_[:]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in (links.VIRTUAL, links.EXTERNAL_LINK, outside.PREFIX):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plain(file: str, frames: np.ndarray = FRAMES, path: str = "data", **options: object) -> None:
    """Write ordinary frames."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "a") as content:
        content.create_dataset(path, data=frames, **options)


def virtual(
    file: str, *parts: tuple, path: str = "data", shape: tuple[int, ...] = FRAMES.shape, **options: object
) -> None:
    """Write frames that are made of parts: a region, a file, a path, its shape, and a region of that."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    layout = h5py.VirtualLayout(shape, np.uint16)
    for region, source, name, held, *chosen in parts:
        whole = h5py.VirtualSource(source, name, held)
        layout[region] = whole[chosen[0]] if chosen else whole
    with h5py.File(file, "a") as content:
        content.create_virtual_dataset(path, layout, **options)


def numbered(file: str, name: str, path: str = "data", frames: int = 2, kept: int = 0) -> None:
    """Write frames of which each block has a file or a dataset of its own, with its number in the name."""
    shape = (6, 4, 5)
    into = h5py.h5s.create_simple(shape, (UNLIMITED, 4, 5))
    into.select_hyperslab((0, 0, 0), (UNLIMITED, 1, 1), (frames, 1, 1), (frames, 4, 5))
    layout = h5py.VirtualLayout(shape, np.uint16, maxshape=(None, 4, 5))
    layout.dcpl.set_virtual(into, name.encode(), path.encode(), h5py.h5s.create_simple((frames, 4, 5)))
    with h5py.File(file, "w") as content:
        content.create_virtual_dataset("data", layout)


def growing(file: str, *names: str) -> None:
    """Write frames that come in turn from files which grow."""
    layout = h5py.VirtualLayout((6, 4, 5), np.uint16, maxshape=(None, 4, 5))
    for number, name in enumerate(names):
        into = h5py.h5s.create_simple((6, 4, 5), (UNLIMITED, 4, 5))
        into.select_hyperslab((number, 0, 0), (UNLIMITED, 1, 1), (len(names), 1, 1), (1, 4, 5))
        source = h5py.h5s.create_simple((3, 4, 5), (UNLIMITED, 4, 5))
        source.select_hyperslab((0, 0, 0), (UNLIMITED, 1, 1), (1, 1, 1), (1, 4, 5))
        layout.dcpl.set_virtual(into, name.encode(), b"data", source)
    with h5py.File(file, "w") as content:
        content.create_virtual_dataset("data", layout)


def origin_of(file: str = "scan.h5", used: np.ndarray | None = None) -> tuple[origins.Origin, str]:
    with hdf5.opened(Path(file)) as content:
        origin = sources.find(content["data"], 0)
    return origin, origins.check(origin, used)


def refused(file: str = "scan.h5", used: np.ndarray | None = None) -> str:
    with pytest.raises(UserError) as caught:
        origin_of(file, used)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def read(file: str = "scan.h5") -> np.ndarray:
    with h5py.File(file, "r", locking=False) as content:
        return content["data"][()]


# Where HDF5 looks


PLACES = ("away/f.h5", "raw/f.h5", "f.h5", "store/f.h5", "extra/f.h5")
THERE = (("store/f.h5",), ("f.h5", "store/f.h5"), ("raw/f.h5", "f.h5", "store/f.h5"), PLACES)
CODE = """
import os, h5py
for folder in sorted(os.listdir()):
    os.chdir(folder)
    print(h5py.File('raw/scan.h5', 'r', locking=False)['data'][0, 0, 0])
    os.chdir('..')
"""


def linked(kind: str, name: str) -> None:
    """Write a scan behind a symbolic link, that refers to a file of that name."""
    if kind == "virtual":
        virtual("store/master.h5", (ALL, name, "data", FRAMES.shape))
    else:
        with h5py.File("store/master.h5", "w") as content:
            content["data"] = h5py.ExternalLink(name, "data")
    Path("raw/scan.h5").symlink_to("../store/master.h5")


@pytest.mark.parametrize("prefix", ["", "extra", "nowhere:extra", "${ORIGIN}/../extra"])
@pytest.mark.parametrize("kind", ["virtual", "external"])
def test_files_are_found_where_hdf5_itself_finds_them(
    here: Path, prefix: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, located = links.VIRTUAL if kind == "virtual" else links.EXTERNAL_LINK, []
    monkeypatch.setenv(variable, prefix)
    for absolute, (number, there) in product((False, True), enumerate(THERE)):
        folder = here / f"{absolute}{number}"
        for part in ("raw", "store", "away", "extra"):
            (folder / part).mkdir(parents=True)
        monkeypatch.chdir(folder)
        for place in there:
            plain(place, np.full_like(FRAMES, PLACES.index(place)))
        name = str(folder / "away/f.h5") if absolute else "f.h5"
        linked(kind, name)
        place = links.located(Path("raw/scan.h5"), name, variable)
        assert place is not None
        located.append(PLACES.index(str(place.resolve().relative_to(folder))))
    monkeypatch.chdir(here)
    opened = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert located == [int(line) for line in opened.stdout.split()]


def test_nested_files_are_looked_for_next_to_the_file_that_names_them(here: Path) -> None:
    virtual("raw/scan.h5", (ALL, "deep/master.h5", "data", FRAMES.shape))
    virtual("raw/deep/master.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("raw/deep/cam.h5")
    origin, doubt = origin_of("raw/scan.h5")
    assert [str(file) for file in origin.files] == ["raw/scan.h5", "raw/deep/master.h5", "raw/deep/cam.h5"]
    assert doubt == ""
    Path("raw/deep/cam.h5").rename("raw/cam.h5")
    assert not read("raw/scan.h5").any()
    assert refused("raw/scan.h5").endswith(
        "raw/deep/master.h5: /data takes data from raw/deep/cam.h5, which is missing: copy that file there"
    )


# What is filled in


def shrunk(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5", FRAMES[:4])


def grown(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5", np.concatenate([FRAMES, FRAMES]))


def turned(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5", FRAMES.transpose(0, 2, 1).copy())


def beyond(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", (10, 4, 5), np.s_[2:8]))
    plain("cam.h5", FRAMES)


def other_axes(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", (6, 4, 8), np.s_[:, :, 1:6]))
    plain("cam.h5", FRAMES.reshape(6, 20))


def no_path(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "entry/data", FRAMES.shape))
    plain("cam.h5")


def a_group(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "entry", FRAMES.shape))
    plain("cam.h5", path="entry/data")


def no_hdf5(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    Path("cam.h5").write_text("angle, counts")


def a_folder(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    Path("cam.h5").mkdir()


def truncated(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5")
    Path("cam.h5").write_bytes(Path("cam.h5").read_bytes()[:1500])


def texts(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5", np.full(FRAMES.shape, b"a"))


def a_link_to_a_lost_file(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    with h5py.File("cam.h5", "w") as content:
        content["data"] = h5py.ExternalLink("gone.h5", "data")


def three_deep(_: Path) -> None:
    for outer, inner in (("scan.h5", "b.h5"), ("b.h5", "c.h5"), ("c.h5", "d.h5"), ("d.h5", "gone.h5")):
        virtual(outer, (ALL, inner, "data", FRAMES.shape))


def in_a_circle(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    virtual("cam.h5", (ALL, "scan.h5", "data", FRAMES.shape))


def of_itself(_: Path) -> None:
    virtual("scan.h5", (ALL, "scan.h5", "data", FRAMES.shape))


def frames_of_no_file(_: Path) -> None:
    virtual("scan.h5", (np.s_[:4], "cam.h5", "data", (4, 4, 5)))
    plain("cam.h5", FRAMES[:4])


def a_module_lost_for_a_while(_: Path) -> None:
    left, right = (6, 4, 3), (3, 4, 2)
    virtual("scan.h5", (np.s_[:, :, :3], "cam.h5", "left", left), (np.s_[:3, :, 3:], "cam.h5", "right", right))
    plain("cam.h5", FRAMES[:, :, :3], path="left")
    plain("cam.h5", FRAMES[:3, :, 3:], path="right")


def a_number_left_out(_: Path) -> None:
    numbered("scan.h5", "cam_%b.h5")
    for number in (0, 2):
        plain(f"cam_{number}.h5", FRAMES[2 * number : 2 * number + 2])


def the_first_number_left_out(_: Path) -> None:
    numbered("scan.h5", "cam_%b.h5")
    plain("cam_1.h5", FRAMES[2:4])


def a_numbered_dataset_left_out(_: Path) -> None:
    numbered("scan.h5", "cam.h5", path="part_%b")
    for number in (0, 2):
        plain("cam.h5", FRAMES[2 * number : 2 * number + 2], path=f"part_{number}")


def one_of_two_that_grow_stopped(_: Path) -> None:
    growing("scan.h5", "even.h5", "odd.h5")
    plain("even.h5", FRAMES[0::2], maxshape=(None, 4, 5))
    plain("odd.h5", FRAMES[1::2][:1], maxshape=(None, 4, 5))


def outside_and_lost(_: Path) -> None:
    plain("scan.h5", external=[("raw.bin", 0, UNLIMITED)])
    Path("raw.bin").unlink()


def outside_and_short(_: Path) -> None:
    plain("scan.h5", external=[("raw.bin", 0, 120), ("more.bin", 8, 120)])
    Path("more.bin").write_bytes(Path("more.bin").read_bytes()[:100])


def virtual_and_outside(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape))
    plain("cam.h5", external=[("raw.bin", 0, UNLIMITED)])
    Path("raw.bin").write_bytes(bytes(100))


LOST: dict[Callable[[Path], None], str] = {
    shrunk: "scan.h5: /data takes shape (6, 4, 5) from cam.h5: /data, which has shape (4, 4, 5)",
    grown: "cam.h5: /data, which has shape (12, 4, 5)",
    turned: "cam.h5: /data, which has shape (6, 5, 4)",
    beyond: "takes more data than there is in cam.h5: /data, which has shape (6, 4, 5)",
    other_axes: "a region with 3 axes from cam.h5: /data, which has shape (6, 20)",
    no_path: "cam.h5: /entry/data does not exist: is that file complete?",
    a_group: "cam.h5: /entry is a group, not a dataset",
    no_hdf5: "cam.h5 is not an HDF5 file",
    a_folder: "cam.h5 is a folder",
    truncated: "cam.h5 cannot be opened: ",
    texts: "cam.h5: /data has type |S1, which is not numeric",
    a_link_to_a_lost_file: "cam.h5: /data links to gone.h5, which is missing: copy that file there",
    three_deep: "d.h5: /data takes data from gone.h5, which is missing: copy that file there",
    in_a_circle: "scan.h5: /data is a virtual dataset that refers to itself",
    of_itself: "scan.h5: /data is a virtual dataset that refers to itself",
    frames_of_no_file: "scan.h5: /data: all or part of entry 4 and 1 others is stored in no file",
    a_module_lost_for_a_while: "scan.h5: /data: all or part of entry 3 and 2 others is stored in no file",
    a_number_left_out: "scan.h5: /data takes data from cam_1.h5, which is missing: copy that file there",
    the_first_number_left_out: "scan.h5: /data takes data from cam_0.h5, which is missing: copy that file there",
    a_numbered_dataset_left_out: "cam.h5: /part_1 does not exist: is that file complete?",
    one_of_two_that_grow_stopped: "takes more data than there is in odd.h5: /data, which has shape (1, 4, 5)",
    outside_and_lost: "scan.h5: /data is stored in raw.bin, which is missing: copy that file there",
    outside_and_short: "scan.h5: /data is stored in more.bin, which has 92 of 120 bytes: copy that file there",
    virtual_and_outside: "cam.h5: /data is stored in raw.bin, which has 100 of 240 bytes",
}


@pytest.mark.parametrize(("write", "words"), LOST.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_hdf5_would_fill_in_is_refused(write: Callable[[Path], None], words: str, here: Path) -> None:
    write(here)
    assert words in refused()
    assert "scan.h5" in refused()


@pytest.mark.parametrize("part", ["instrument/detector/data", "instrument/detector/image_key", "sample/rotation_angle"])
def test_any_part_of_a_scan_that_is_lost_is_refused(here: Path, part: str) -> None:
    write_nxtomo(here / "scan.h5", FRAMES, [2, 1, 0, 0, 0, 0])
    with h5py.File("scan.h5", "a") as content:
        values = content[f"entry/{part}"][()]
        del content[f"entry/{part}"]
    virtual("scan.h5", (ALL, "more.h5", "data", values.shape), path=f"entry/{part}", shape=values.shape)
    plain("more.h5", values)
    scan = opening.open_scan(Path("scan.h5"))
    assert "more.h5" in scan.identity["files"]
    Path("more.h5").unlink()
    with pytest.raises(UserError, match=rf"scan.h5: /entry/{part} takes data from more.h5, which is missing"):
        opening.open_scan(Path("scan.h5"))


def test_frames_that_are_lost_on_the_node_of_a_job_are_refused(here: Path) -> None:
    write_nxtomo(here / "scan.h5", FRAMES, [2, 1, 0, 0, 0, 0])
    with h5py.File("scan.h5", "a") as content:
        del content["entry/instrument/detector/data"]
    virtual("scan.h5", (ALL, "cam.h5", "data", FRAMES.shape), path="entry/instrument/detector/data")
    plain("cam.h5")
    scan = opening.open_scan(Path("scan.h5"))
    Path("cam.h5").unlink()
    with pytest.raises(UserError, match=r"cam.h5, which is missing"):
        reading.read(scan.projections, (0, 4))


# What is whole


def of_several_files(_: Path) -> None:
    parts = [(np.s_[start : start + 2], f"cam_{start}.h5", "data", (2, 4, 5)) for start in (0, 2, 4)]
    virtual("scan.h5", *parts)
    for start in (0, 2, 4):
        plain(f"cam_{start}.h5", FRAMES[start : start + 2])


def of_frames_without_axis(_: Path) -> None:
    virtual("scan.h5", *[(number, "cam.h5", f"frame_{number}", (4, 5)) for number in range(6)])
    for number in range(6):
        plain("cam.h5", FRAMES[number], path=f"frame_{number}")


def of_every_second(_: Path) -> None:
    virtual("scan.h5", (np.s_[0::2], "a.h5", "data", (3, 4, 5)), (np.s_[1::2], "b.h5", "data", (3, 4, 5)))
    plain("a.h5", FRAMES[0::2])
    plain("b.h5", FRAMES[1::2])


def of_modules(_: Path) -> None:
    virtual("scan.h5", (np.s_[:, :2], "a.h5", "data", (6, 2, 5)), (np.s_[:, 2:], "b.h5", "data", (6, 2, 5)))
    plain("a.h5", FRAMES[:, :2])
    plain("b.h5", FRAMES[:, 2:], chunks=(1, 2, 5), compression="gzip")


def of_a_part(_: Path) -> None:
    virtual("scan.h5", (ALL, "cam.h5", "data", (8, 6, 5), np.s_[1:7, 1:5]))
    plain("cam.h5", np.pad(FRAMES, ((1, 1), (1, 1), (0, 0))))


def of_the_same_file(_: Path) -> None:
    plain("scan.h5", path="camera/data")
    virtual("scan.h5", (ALL, "scan.h5", "camera/data", FRAMES.shape))


def of_numbers(_: Path) -> None:
    numbered("scan.h5", "cam_%b.h5")
    for number in range(3):
        plain(f"cam_{number}.h5", FRAMES[2 * number : 2 * number + 2])


def of_per_cents(_: Path) -> None:
    virtual("scan.h5", (ALL, "50%%.h5", "data", FRAMES.shape))
    plain("50%.h5")


def of_files_that_grow(_: Path) -> None:
    growing("scan.h5", "even.h5", "odd.h5")
    plain("even.h5", FRAMES[0::2], maxshape=(None, 4, 5))
    plain("odd.h5", FRAMES[1::2], maxshape=(None, 4, 5))


def of_links(_: Path) -> None:
    virtual("scan.h5", (ALL, "links.h5", "entry/data", FRAMES.shape))
    with h5py.File("links.h5", "w") as content:
        content["entry/data"] = h5py.SoftLink("/camera")
        content["camera"] = h5py.ExternalLink("more.h5", "camera")
    with h5py.File("more.h5", "w") as content:
        content["camera"] = h5py.ExternalLink("cam.h5", "data")
    plain("cam.h5")


def of_a_raw_file(_: Path) -> None:
    plain("scan.h5", external=[("raw.bin", 16, 100), ("more.bin", 0, UNLIMITED)])


WHOLE: dict[Callable[[Path], None], set[str]] = {
    of_several_files: {"cam_0.h5", "cam_2.h5", "cam_4.h5"},
    of_frames_without_axis: {"cam.h5"},
    of_every_second: {"a.h5", "b.h5"},
    of_modules: {"a.h5", "b.h5"},
    of_a_part: {"cam.h5"},
    of_the_same_file: set(),
    of_numbers: {"cam_0.h5", "cam_1.h5", "cam_2.h5"},
    of_per_cents: {"50%.h5"},
    of_files_that_grow: {"even.h5", "odd.h5"},
    of_links: {"links.h5", "more.h5", "cam.h5"},
    of_a_raw_file: {"raw.bin", "more.bin"},
}


@pytest.mark.parametrize(("write", "files"), WHOLE.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_whole_is_taken_and_all_its_files_are_known(
    write: Callable[[Path], None], files: set[str], here: Path
) -> None:
    write(here)
    np.testing.assert_array_equal(read(), FRAMES)
    origin, doubt = origin_of()
    assert {str(file.resolve().relative_to(here)) for file in origin.files} == {"scan.h5", *files}
    assert doubt == ""


def test_only_the_frames_in_use_must_be_there(here: Path) -> None:
    of_several_files(here)
    Path("cam_2.h5").unlink()
    origin_of(used=np.array([0, 1, 4]))
    assert "cam_2.h5, which is missing" in refused(used=np.array([0, 3]))


def test_frames_around_a_damaged_file_are_used_once_it_is_excluded(here: Path) -> None:
    of_several_files(here)
    with h5py.File("scan.h5", "a") as content:
        content["theta"] = half_turn(6)
        content["data_white"] = FRAMES
    Path("cam_2.h5").write_text("gone")
    with pytest.raises(UserError, match=r"cam_2.h5 is not an HDF5 file"):
        opening.open_scan(Path("scan.h5"))
    scan = opening.open_scan(Path("scan.h5"), exclude={"projections": [[2, 4]]})
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES[[0, 1, 4, 5]])


def test_a_gap_of_an_inner_dataset_is_one_of_the_same_frames(here: Path) -> None:
    of_several_files(here)
    virtual("outer.h5", (np.s_[:4], "scan.h5", "data", FRAMES.shape, np.s_[2:]), shape=(4, 4, 5))
    Path("cam_2.h5").unlink()
    origin_of("outer.h5", np.array([2, 3]))
    assert "cam_2.h5, which is missing" in refused("outer.h5", np.array([1]))


def test_the_same_gap_in_all_frames_is_reported(here: Path) -> None:
    virtual("scan.h5", (np.s_[:, :3], "a.h5", "data", (6, 3, 5)), fillvalue=7)
    plain("a.h5", FRAMES[:, :3])
    assert origin_of()[1].startswith("25.0% of each frame of scan.h5: /data is stored in no file")
    assert origin_of()[1].endswith("read as 7")


def test_a_raw_file_next_to_the_scan_can_be_named_to_hdf5(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("raw").mkdir()
    monkeypatch.chdir(here / "raw")
    plain("scan.h5", external=[("raw.bin", 0, UNLIMITED)])
    monkeypatch.chdir(here)
    assert refused("raw/scan.h5").endswith("set the environment variable HDF5_EXTFILE_PREFIX='${ORIGIN}'")
    monkeypatch.setenv(outside.PREFIX, "${ORIGIN}")
    assert [file.name for file in origin_of("raw/scan.h5")[0].files] == ["scan.h5", "raw.bin"]
    code = "import h5py; print(h5py.File('raw/scan.h5', 'r', locking=False)['data'][0, 0, 0])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.parametrize("change", ["another content", "a file that comes back"])
def test_the_fingerprint_follows_the_innermost_file(here: Path, change: str) -> None:
    write_nxtomo(here / "scan.h5", FRAMES, [1, 0, 0, 0, 0, 3])
    with h5py.File("scan.h5", "a") as content:
        del content["entry/instrument/detector/data"]
    virtual("scan.h5", (ALL, "m.h5", "data", FRAMES.shape), path="entry/instrument/detector/data")
    virtual("m.h5", (np.s_[:5], "a.h5", "data", (5, 4, 5)), (np.s_[5:], "b.h5", "data", (1, 4, 5)))
    plain("a.h5", FRAMES[:5])
    if change == "another content":
        plain("b.h5", FRAMES[5:])
    before = opening.open_scan(Path("scan.h5")).identity["fingerprint"]  # frame 5 is not in use
    if change == "another content":
        with h5py.File("b.h5", "a") as content:
            content["data"][...] += 1
    else:
        plain("b.h5", FRAMES[5:])
    assert opening.open_scan(Path("scan.h5")).identity["fingerprint"] != before


def test_hundreds_of_files_are_looked_at_in_no_time(here: Path) -> None:
    virtual("scan.h5", *[(number, f"c/{number}.h5", "d", (4, 5)) for number in range(300)], shape=(300, 4, 5))
    for number in range(300):
        plain(f"c/{number}.h5", FRAMES[0], path="d")
    start = time.process_time()
    assert len(origin_of()[0].files) == 301
    assert time.process_time() - start < 1
    os.remove("c/299.h5")  # noqa: PTH107
    assert "c/299.h5, which is missing" in refused()
