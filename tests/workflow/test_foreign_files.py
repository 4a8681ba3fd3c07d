"""Files that the tools of other communities wrote give the bits of the same numbers in a plain file.

The tools are installed in an environment of their own; without a network these tests are skipped.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import imageio.v3
import numpy as np
import pytest
import skimage.io
from corrections import only
from foreign import JAR
from hdf5_files import half_turn, write_exchange, write_nxtomo
from PIL import Image

from tomodenoise.config import settings
from tomodenoise.correction import slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.planning import scan_table
from tomodenoise.scans import description, opening, reading
from tomodenoise.scans.description import Scan
from tomodenoise.scans.options import FramesFile

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
FRAMES = RNG.poisson(40000, (12, 8, 16)).astype(np.uint16)  # beyond the range of a signed number, for Java
WHITE = RNG.poisson(60000, (6, 8, 16)).astype(np.uint16)
DARK = RNG.poisson(10, (4, 8, 16)).astype(np.uint16)
PARTS = {"data": FRAMES, "data_white": WHITE, "data_dark": DARK}

Write = Callable[..., Path]


@pytest.fixture
def write(foreign_python: Path, tmp_path: Path) -> Write:
    """Return a function that has a tool write a folder."""

    def written(tool: str, **arrays: np.ndarray) -> Path:
        np.savez(tmp_path / "made.npz", **arrays)
        folder = tmp_path / tool
        folder.mkdir()
        command = [foreign_python, Path(__file__).with_name("foreign.py"), tool, tmp_path / "made.npz", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder

    return written


def integrals(scan: Scan) -> np.ndarray:
    sections = np.arange(len(scan.angles)) % 3
    return slabs.correct_slab(scan, (0, scan.depth), sections, only(), Measures())[0]


def test_nxxrdct_of_its_own_library(write: Write, tmp_path: Path) -> None:
    sinograms = RNG.random((16, 12, 5)).astype(np.float32)
    radial = np.linspace(1, 15, 5)
    made = {"sinograms": sinograms, "radial": radial, "translation": np.linspace(-1, 1, 16), "theta": half_turn(12)}
    scan = opening.open_scan(write("nxxrdct", **made) / "scan.nxs", channels={})
    with h5py.File(tmp_path / "plain.h5", "w") as content:
        content["s"], content["a"] = sinograms, half_turn(12)
        content["a"].attrs["units"] = "deg"
    plain = opening.open_scan(tmp_path / "plain.h5", channels={"dataset": "s", "axes": "tac", "angles": "a"})
    np.testing.assert_array_equal(scan.angles, plain.angles)
    np.testing.assert_array_equal(reading.read_channels(scan, (0, 1)), reading.read_channels(plain, (0, 1)))
    assert scan.channels is not None
    assert (scan.channels.name, scan.channels.unit, scan.channels.values.tolist()) == ("2theta", "deg", radial.tolist())
    assert scan.pixel_size == pytest.approx(2000 / 15)
    assert not scan.doubts


def test_nxtomo_and_reduced_frames_of_tomoscan(write: Write, tmp_path: Path) -> None:
    keys = np.repeat([2, 1, 0, 1], [4, 3, 12, 3])
    frames = np.concatenate([DARK, WHITE[:3], FRAMES, WHITE[3:]])
    theta = np.r_[np.zeros(7), half_turn(12), np.full(3, 165.0)]
    folder = write("tomoscan", frames=frames, keys=keys, theta=theta)
    scan = opening.open_scan(folder / "scan.nx")
    plain = opening.open_scan(write_nxtomo(tmp_path / "plain.nx", frames, keys, angles=theta))
    np.testing.assert_array_equal(integrals(scan), integrals(plain))
    assert (scan.pixel_size, scan.doubts) == (pytest.approx(0.65), ())

    own = {kind: FramesFile(file=str(folder / f"scan_{kind}.hdf5")) for kind in ("flats", "darks")}
    reduced = opening.open_scan(folder / "scan.nx", **own)
    before, after = (WHITE[half].mean(axis=0, dtype=np.float32) for half in (slice(3), slice(3, None)))
    dark = DARK.mean(axis=0, dtype=np.float32)
    means = np.stack([dark, before, *FRAMES.astype(np.float32), after])
    path = write_nxtomo(tmp_path / "means.nx", means, [2, 1, *[0] * 12, 1], angles=theta[[0, 0, *range(7, 19), 19]])
    expected = opening.open_scan(path, input="counts")
    # A mean counts for the first frame of its run.
    places = zip(expected.flats, (group.time for group in reduced.flats), strict=True)
    flats = tuple(description.replace(group, time=time) for group, time in places)
    assert [group.time for group in reduced.flats] == [-3, 12]
    np.testing.assert_array_equal(integrals(reduced), integrals(description.replace(expected, flats=flats)))


def test_data_exchange_turned_to_nxtomo(foreign_python: Path, tmp_path: Path) -> None:
    """It takes the angles to end at 180 degrees, so only these differ."""
    exchange = write_exchange(tmp_path / "scan.h5", FRAMES, data_white=WHITE, data_dark=DARK)
    convert = [foreign_python.with_name("nxtomomill"), "dxfile2nx", exchange, tmp_path / "scan.nx"]
    done = subprocess.run([*convert, "--pixel-size", "6.5e-7"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scan = opening.open_scan(tmp_path / "scan.nx")
    np.testing.assert_array_equal(integrals(scan), integrals(opening.open_scan(exchange)))
    np.testing.assert_allclose(np.degrees(scan.angles), np.linspace(0, 180, 12))
    assert (scan.pixel_size, scan.doubts) == (pytest.approx(0.65), ())


@pytest.mark.skipif(not (JAR.exists() and shutil.which("java")), reason="needs ImageJ (imagej and a Java of Debian)")
@pytest.mark.parametrize("names", ["{}_0*.tif", "{}.tif"], ids=["a file for each frame", "hyperstack"])
def test_tiff_of_imagej(write: Write, tmp_path: Path, names: str) -> None:
    compare_images(write("imagej", **PARTS), tmp_path, names)


@pytest.mark.parametrize("library", ["skimage", "imageio", "pillow"])
def test_tiff_of_libraries_for_images(tmp_path: Path, library: str) -> None:
    for name, frames in PARTS.items():
        file = tmp_path / f"{name}.tif"
        if library == "skimage":
            skimage.io.imsave(file, frames, check_contrast=False)
        elif library == "imageio":
            imageio.v3.imwrite(file, frames)
        else:
            first, *others = (Image.fromarray(frame) for frame in frames)
            first.save(file, save_all=True, append_images=others, compression="tiff_adobe_deflate")
    compare_images(tmp_path, tmp_path, "{}.tif")


def compare_images(folder: Path, place: Path, names: str) -> None:
    """Read images as the workflow does, and compare with the same frames in an HDF5 file."""
    files = {part: str(folder / names.format(part)) for part in PARTS}
    own = {"flats": {"file": files["data_white"]}, "darks": {"file": files["data_dark"]}}
    config = settings.load({"scans": {"s": {"file": files["data"], "angles": {"first": 0, "step": 15}, **own}}})
    scan_table.try_headers(config)
    scan = scan_table.open_all(config)["s"].scan
    plain = opening.open_scan(write_exchange(place / "plain.h5", FRAMES, data_white=WHITE, data_dark=DARK))
    np.testing.assert_array_equal(integrals(scan), integrals(plain))
