"""The command line of the simulation writes a scan and its truth."""

import runpy
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import simulate

TINY = ["--columns=32", "--rows=3", "--angles=6", "--flats=4", "--darks=2", "--fill=0.1"]


def test_scan_and_truth_are_written(tmp_path: Path) -> None:
    simulate.main([str(tmp_path / "foam.h5"), "--truth", str(tmp_path / "truth.npy"), *TINY, "--pixel-size=0.65"])
    truth = np.load(tmp_path / "truth.npy")
    assert (truth.shape, truth.dtype) == ((3, 32, 32), np.float32)
    with h5py.File(tmp_path / "foam.h5") as file:
        assert file["exchange/data"].shape == (6, 3, 32)
        assert file["exchange/data"].dtype == np.uint16
        assert file["measurement/instrument/detector/x_pixel_size"][()] == 0.65


def test_a_seed_fixes_the_file(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate.main([str(tmp_path / name), *TINY, f"--seed={seed}"])
    first, same, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == same
    assert first != other


def test_options_reach_the_scan_and_the_detector(tmp_path: Path) -> None:
    options = ["--layout=nxtomo", "--order=golden", "--span=360", "--photons=50", "--offset=7"]
    simulate.main([str(tmp_path / "foam.nxs"), *TINY, *options])
    with h5py.File(tmp_path / "foam.nxs") as file:
        stack = file["entry/instrument/detector/data"][:]
        angles = file["entry/sample/rotation_angle"][4:10]
    assert stack.shape == (12, 3, 32)
    assert stack[:2].mean() == pytest.approx(7, abs=0.5)
    assert stack[2:4].mean() == pytest.approx(57, rel=0.1)
    assert angles[1] == pytest.approx(222.49, abs=0.01)


def test_the_truth_may_be_larger_than_the_detector(tmp_path: Path) -> None:
    options = ["--span=360", "--center=6", "--cylinder=0.7", "--truth-size=52"]
    simulate.main([str(tmp_path / "foam.h5"), "--truth", str(tmp_path / "truth.npy"), *TINY, *options])
    truth = np.load(tmp_path / "truth.npy")
    assert truth.shape == (3, 52, 52)
    assert (truth[1].any(axis=0).sum(), truth[1, 25, 0]) == (2 * 0.7 * 32 // 1 + 2, 0)


def test_a_mistake_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [simulate.__file__, str(tmp_path / "foam.h5"), *TINY, "--order=random"])
    with pytest.raises(SystemExit, match=r"^simulate.py: order 'random' is unknown: choose .*$"):
        runpy.run_path(simulate.__file__, run_name="__main__")
