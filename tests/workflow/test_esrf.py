"""A real scan of BLISS turned to NXtomo, from the source package of ewokstomo (ESRF, MIT licence), which is fetched."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_files import write_nxtomo

from tomodenoise.common.errors import UserError
from tomodenoise.correction import slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct
from tomodenoise.scans import opening, reading
from tomodenoise.scans.description import Scan
from tomodenoise.scans.options import FramesFile

PACKAGE = "ewokstomo==0.10.3"
NAME = "TestEwoksTomo_0010"
PLAIN = Correct.model_validate({"zingers": "none", "stripes": "none"})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fetch the package, and return its folder of scans; skip without a network."""
    folder = tmp_path_factory.mktemp("ewokstomo")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder), PACKAGE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{PACKAGE} cannot be fetched from PyPI: no answer within 120 s")
    archives = list(folder.glob("*.tar.gz"))
    if not archives:
        pytest.skip(f"{PACKAGE} cannot be fetched from PyPI: {done.stderr.strip().splitlines()[-1:]}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    (found,) = folder.glob("ewokstomo-*/src/ewokstomo/tests/data")
    processed = found / "PROCESSED_DATA/TestEwoksTomo" / NAME
    # Its links to the raw frames count from one folder further up.
    shutil.copy(processed / f"projections/{NAME}.nx", processed / f"{NAME}.nx")
    return found


@pytest.fixture(scope="module")
def scan(data: Path) -> Path:
    return data / "PROCESSED_DATA/TestEwoksTomo" / NAME / f"{NAME}.nx"


def raw(data: Path, number: int) -> np.ndarray:
    """Read the frames of one of BLISS's scans: 2 darks, 3 flats, 4 projections."""
    files = sorted((data / "RAW_DATA/TestEwoksTomo" / NAME / f"scan{number:04}").glob("*.h5"))
    assert files
    stacks = []
    for file in files:
        with h5py.File(file) as content:
            stacks.append(content["entry_0000/measurement/data"][()])
    return np.concatenate(stacks)


def integrals(scan: Scan) -> np.ndarray:
    return slabs.correct_slab(scan, (0, scan.depth), None, PLAIN, Measures())[0]


@pytest.mark.slow
def test_the_frames_are_those_of_the_detector_and_the_volume_those_of_one_stack(
    data: Path, scan: Path, tmp_path: Path
) -> None:
    opened = opening.open_scan(scan)
    assert (opened.layout, opened.kind, opened.pixel_size) == ("nxtomo", "counts", pytest.approx(0.669))
    np.testing.assert_allclose(np.degrees(opened.angles), -36 * np.arange(11), atol=1e-5)
    kinds = [raw(data, number) for number in (2, 3, 4)]
    for parts, frames in zip((opened.darks, opened.flats, opened.projections), kinds, strict=True):
        np.testing.assert_array_equal(reading.read(parts, (0, opened.depth)), frames)
    assert any("5 projections are left out" in doubt for doubt in opened.doubts)
    angles = np.r_[np.zeros(4), np.degrees(opened.angles)]
    plain = write_nxtomo(tmp_path / "plain.nx", np.concatenate(kinds), np.repeat([2, 1, 0], [2, 2, 11]), angles=angles)
    np.testing.assert_array_equal(integrals(opened), integrals(opening.open_scan(plain)))


@pytest.mark.slow
def test_what_nxtomomill_makes_of_the_raw_scan_reads_as_the_file_of_esrf(
    data: Path, scan: Path, foreign_python: Path, tmp_path: Path
) -> None:
    raw_folder = data / "RAW_DATA/TestEwoksTomo" / NAME
    convert = [foreign_python.with_name("nxtomomill"), "h52nx", f"{NAME}.h5", tmp_path / "scan.nx", "--single-file"]
    done = subprocess.run(convert, cwd=raw_folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    mine, theirs = opening.open_scan(tmp_path / "scan.nx"), opening.open_scan(scan)
    np.testing.assert_array_equal(integrals(mine), integrals(theirs))
    np.testing.assert_array_equal(mine.angles, theirs.angles)
    assert (mine.pixel_size, mine.doubts) == (theirs.pixel_size, theirs.doubts)


@pytest.mark.slow
def test_reduced_flats_and_darks_are_found_in_their_files(scan: Path) -> None:
    references = scan.parent / "references"
    own = {kind: FramesFile(file=str(references / f"{NAME}_{kind}.hdf5")) for kind in ("flats", "darks")}
    opened = opening.open_scan(scan, **own)
    (flats,) = opened.flats
    (darks,) = opened.darks
    assert (flats.dataset, flats.time) == ("/entry0000/flats/2", -2)
    assert (darks.dataset, darks.time) == ("/entry0000/darks/0", -4)
    with h5py.File(references / f"{NAME}_flats.hdf5") as content:
        expected = content["entry0000/flats/2"][()]
    np.testing.assert_array_equal(reading.read(flats, (0, 16))[0], expected)


@pytest.mark.slow
def test_missing_raw_frames_and_the_raw_scan_itself_are_one_line(data: Path, scan: Path) -> None:
    with pytest.raises(UserError, match=r"takes data from .*TestEwoksTomo_0010.h5, which is missing"):
        opening.open_scan(scan.parent / f"projections/{NAME}.nx")
    with pytest.raises(UserError, match="convert it to NXtomo with nxtomomill h52nx"):
        opening.open_scan(data / "RAW_DATA/TestEwoksTomo" / NAME / f"{NAME}.h5")
