"""Flats and darks in files of their own give the bits of the same frames in the scan's file."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from corrections import only
from hdf5_files import complaint, half_turn, write_exchange, write_nxtomo

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.correction import slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.planning import scan_table
from tomodenoise.scans import description, opening, reading, series
from tomodenoise.scans.description import Scan
from tomodenoise.scans.options import FramesFile

RNG = np.random.default_rng(0)
FRAMES = RNG.poisson(400, (24, 4, 16)).astype(np.uint16)
WHITE = RNG.poisson(900, (6, 4, 16)).astype(np.uint16)
DARK = RNG.poisson(10, (4, 4, 16)).astype(np.uint16)


def integrals(scan: Scan) -> np.ndarray:
    """Correct the whole scan, with flats divided among three sections."""
    sections = np.arange(len(scan.angles)) % 3
    return slabs.correct_slab(scan, (0, scan.depth), sections, only(), Measures())[0]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return write_exchange(tmp_path / "scan.h5", FRAMES)


@pytest.fixture
def plain(tmp_path: Path) -> np.ndarray:
    return integrals(opening.open_scan(write_exchange(tmp_path / "all.h5", FRAMES, data_white=WHITE, data_dark=DARK)))


def write(file: Path, **datasets: object) -> Path:
    with h5py.File(file, "w") as content:
        for path, values in datasets.items():
            content[path.replace("__", "/")] = values
    return file


def frames(file: Path | list[Path], dataset: str | None = None) -> FramesFile:
    names = str(file) if isinstance(file, Path) else tuple(map(str, file))
    return FramesFile.model_validate({"file": names} | ({"dataset": dataset} if dataset else {}))


def both(flats: Path, darks: Path | None = None) -> dict[str, FramesFile]:
    return {"flats": frames(flats), "darks": frames(darks or flats)}


def test_stacks_by_path(bare: Path, plain: np.ndarray, tmp_path: Path) -> None:
    other = write(tmp_path / "r.h5", light__a=WHITE, night=DARK)
    scan = opening.open_scan(bare, flats=frames(other, "light/a"), darks=frames(other, "/night"))
    assert (scan.kind, [group.dataset for group in (*scan.flats, *scan.darks)]) == ("counts", ["/light/a", "/night"])
    np.testing.assert_array_equal(integrals(scan), plain)


def test_the_only_fitting_dataset_needs_no_path(bare: Path, plain: np.ndarray, tmp_path: Path) -> None:
    white, dark = write(tmp_path / "w.h5", data=WHITE, count=[1, 2]), write(tmp_path / "d.h5", data=DARK)
    np.testing.assert_array_equal(integrals(opening.open_scan(bare, **both(white, dark))), plain)


def test_frames_of_another_data_exchange_file(bare: Path, plain: np.ndarray, tmp_path: Path) -> None:
    other = write_exchange(tmp_path / "other.h5", FRAMES[:3] + 1, data_white=WHITE, data_dark=DARK)
    np.testing.assert_array_equal(integrals(opening.open_scan(bare, **both(other))), plain)


def test_frames_of_another_nxtomo_file(bare: Path, plain: np.ndarray, tmp_path: Path) -> None:
    stack = np.concatenate([DARK, WHITE, FRAMES[:3] + 1])
    other = write_nxtomo(tmp_path / "other.nx", stack, np.repeat([2, 1, 0], [4, 6, 3]))
    np.testing.assert_array_equal(integrals(opening.open_scan(bare, **both(other))), plain)
    path = "entry/instrument/detector/data"
    named = opening.open_scan(bare, flats=frames(other, path), darks=frames(other, path))
    np.testing.assert_array_equal(integrals(named), plain)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", [2, 3])
def test_a_single_mean_frame(tmp_path: Path, dtype: type, axes: int) -> None:
    white, dark = (stack.mean(axis=0, dtype=dtype) for stack in (WHITE, DARK))
    together = write_exchange(tmp_path / "all.h5", FRAMES, data_white=white[None], data_dark=dark[None])
    bare = write_exchange(tmp_path / "scan.h5", FRAMES)
    white, dark = (mean[None] if axes == 3 else mean for mean in (white, dark))
    own = both(write(tmp_path / "w.h5", mean=white), write(tmp_path / "d.h5", mean=dark))
    scan = opening.open_scan(bare, **own)
    np.testing.assert_array_equal(integrals(scan), integrals(opening.open_scan(together)))
    expected = WHITE.mean(axis=0, dtype=dtype)[1:3].astype(np.float32)
    np.testing.assert_array_equal(reading.read(scan.flats[0], (1, 3))[0], expected)


def test_frames_before_and_after_are_interpolated_like_those_of_nxtomo(tmp_path: Path) -> None:
    later = WHITE // 2
    keys = np.repeat([2, 1, 0, 1], [4, 6, 24, 6])
    stack = np.concatenate([DARK, WHITE, FRAMES, later])
    together = write_nxtomo(tmp_path / "all.nx", stack, keys, angles=half_turn(40))
    alone = write_nxtomo(tmp_path / "bare.nx", FRAMES, np.zeros(24, int), angles=half_turn(40)[10:34])
    files = [write(tmp_path / f"{name}.h5", data=white) for name, white in [("b", WHITE), ("a", later)]]
    scan = opening.open_scan(alone, flats=frames(files), darks=frames(write(tmp_path / "d.h5", data=DARK)))
    assert [group.time for group in scan.flats] == [-1, 24]
    expected = opening.open_scan(together)
    ends = [description.replace(group, time=time) for group, time in zip(expected.flats, (-1, 24), strict=True)]
    np.testing.assert_array_equal(integrals(scan), integrals(description.replace(expected, flats=tuple(ends))))


def test_reduced_frames_of_tomoscan_keep_their_place(tmp_path: Path) -> None:
    keys = np.repeat([2, 1, 0, 1, 0], [1, 1, 12, 1, 12])
    means = WHITE[:2].astype(np.float32) + 0.5
    stack = np.concatenate([DARK[:1], means[:1], FRAMES[:12], means[1:], FRAMES[12:]])
    together = opening.open_scan(write_nxtomo(tmp_path / "all.nx", stack, keys), input="counts")
    raw = stack.copy()
    raw[keys > 0] = 0
    whole = write_nxtomo(tmp_path / "scan.nx", raw, keys)
    flats = write(tmp_path / "scan_flats.hdf5", entry__flats__1=means[0], entry__flats__14=means[1])
    darks = write(tmp_path / "scan_darks.hdf5", entry__darks__0=stack[0])
    scan = opening.open_scan(whole, input="counts", **both(flats, darks))
    assert [group.time for group in scan.flats] == [group.time for group in together.flats] == [-1, 11.5]
    np.testing.assert_array_equal(integrals(scan), integrals(together))
    assert "2 flats in the file are not used, as the key flats names others" in scan.doubts
    relative = write(tmp_path / "r.hdf5", **{"entry__flats__0.04r": means[0], "entry__flats__1.0r": means[1]})
    assert [group.time for group in opening.open_scan(whole, **both(relative, darks)).flats] == [-1, 23]


def test_steps_in_several_files_share_them(tmp_path: Path) -> None:
    white, dark = write(tmp_path / "w.h5", data=WHITE), write(tmp_path / "d.h5", data=DARK)
    files = [write_exchange(tmp_path / f"s{n}.h5", FRAMES[12 * n : 12 * n + 12]) for n in range(2)]
    scan = series.open_series(files, None, **both(white, dark))
    assert [len(group.indices) for group in (*scan.flats, *scan.darks)] == [6, 4]


def test_identity_and_json_know_the_files(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "w.h5", data=WHITE)
    own = FramesFile(file="w.h5")
    scan = opening.open_scan(Path(bare.name), flats=own)
    assert scan.identity["files"] == ["scan.h5", "w.h5"]
    again = description.from_json(description.to_json(scan))
    np.testing.assert_array_equal(reading.read(again.flats, (0, 4)), WHITE)
    with h5py.File("w.h5", "a") as content:
        content["data"][0, 0, 0] += 1
    changed = opening.open_scan(Path(bare.name), flats=own)
    assert changed.identity["fingerprint"] != scan.identity["fingerprint"]


def broken_link(file: Path) -> Path:
    with h5py.File(file, "w") as content:
        content["data"] = h5py.ExternalLink("gone.h5", "data")
    return file


def text(file: Path) -> Path:
    file.write_text("no HDF5")
    return file


@pytest.mark.parametrize(
    ("make", "path", "words"),
    [
        (lambda f: f, None, "r.h5: no such file: correct flats.file"),
        (text, None, "is not an HDF5 file"),
        (broken_link, "data", "links to"),
        (lambda f: write(f, data=WHITE[:, :3]), "data", r"has shape \(6, 3, 16\), but frames of \(4, 16\) pixels"),
        (lambda f: write(f, data=WHITE[:, :3]), None, r"no flats were recognised.*candidates are /data \(6, 3, 16\)"),
        (lambda f: write(f, a=WHITE, b=WHITE), None, "set flats.dataset to their path; candidates are /a"),
        (lambda f: write(f, data=WHITE), "other", "there is no other: set flats.dataset"),
        (lambda f: write(f, g__data=WHITE), "g", "g holds no flats: set flats.dataset"),
        (lambda f: write(f, data=WHITE[:0]), "data", "holds no frames"),
        (lambda f: write(f, data=1.0), "data", r"has shape \(\), but"),
        (lambda f: write(f, data="a"), "data", "not numeric"),
        (lambda f: write(f, a__flats__0=WHITE[0], b__flats__0=WHITE[0]), None, "flats of several scans"),
        (lambda f: write_nxtomo(f, WHITE, [2] * 6), "entry/instrument/detector/data", "holds no frames"),
    ],
)
def test_what_holds_no_flats_is_one_line(bare: Path, tmp_path: Path, make: Any, path: str, words: str) -> None:  # noqa: ANN401
    with pytest.raises(UserError, match=words) as caught:
        opening.open_scan(bare, flats=frames(make(tmp_path / "r.h5"), path))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("flats: ")


def test_a_virtual_frame_that_lacks_data_is_refused(bare: Path, tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((4, 16), np.uint16)
    layout[:] = h5py.VirtualSource("gone.h5", "data", (4, 16))
    with h5py.File(tmp_path / "r.h5", "w") as content:
        content.create_virtual_dataset("mean", layout)
    with pytest.raises(UserError, match=r"takes data from .*gone.h5, which is missing"):
        opening.open_scan(bare, flats=frames(tmp_path / "r.h5"))


def test_too_many_files_and_channels_are_refused(bare: Path, tmp_path: Path) -> None:
    files = [write(tmp_path / f"w{n}.h5", data=WHITE) for n in range(3)]
    with pytest.raises(UserError, match=r"flats.file names 3 files: give one, or a list of two"):
        opening.open_scan(bare, flats=frames(files))
    with h5py.File(tmp_path / "x.nxs", "w") as content:
        content["entry/data"] = np.ones((3, 20, 32), dtype=np.float32)
        content["entry/data"].attrs.update(dim0="channel", dim1="angle", dim2="horizontal")
        content["entry/rotation_angle"] = half_turn(20)
    entry = {"file": str(tmp_path / "x.nxs"), "mode": "xrdct", "flats": {"file": str(files[0])}}
    with pytest.raises(UserError, match=r"scans.s: flats: mode xrdct takes numbers that need no flats: remove the key"):
        scan_table.open_all(settings.load({"scans": {"s": entry}}))


def test_without_flats_the_refusal_names_the_key(bare: Path) -> None:
    assert "set flats: {file: FILE} if they are in a separate file" in complaint(bare)
