"""A file of NXxrdct says all by its definition, and reads as the same sinograms whose axes the user names."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_files import complaint

from tomodenoise.common.errors import UserError
from tomodenoise.scans import opening, reading

SINOGRAMS = np.random.default_rng(0).random((16, 12, 5)).astype(np.float32)
ANGLES, RADIAL = np.arange(12) * 15.0, 5 + np.arange(5) * 0.5


def write(file: Path, *names: str, step: float = 1e-5) -> Path:
    """Write entries as the library nxxrdct 0.1.0b0 does."""
    with h5py.File(file, "w") as content:
        for name in names:
            entry = content.create_group(name)
            entry.attrs.update(NX_class="NXentry", definition="NXxrdct", version="1.0", default="data")
            entry["definition"] = "NXxrdct"
            entry["instrument/detector/data"] = SINOGRAMS
            entry["instrument/detector/radial_axis"] = RADIAL
            entry["instrument/detector/radial_axis"].attrs.update(long_name="2theta (deg)", units="deg")
            entry["sample/rotation_angles"] = ANGLES
            entry["sample/rotation_angles"].attrs["units"] = "deg"
            entry["sample/translation_values"] = np.arange(16) * step
            entry["sample/translation_values"].attrs["units"] = "m"
            entry["data/intensity"] = h5py.SoftLink(f"/{name}/instrument/detector/data")
    return file


def test_the_definition_says_all(file: Path, tmp_path: Path) -> None:
    scan = opening.open_scan(write(file, "entry"), channels={})
    with h5py.File(tmp_path / "plain.h5", "w") as content:
        content["s"], content["a"] = SINOGRAMS, ANGLES
        content["a"].attrs["units"] = "deg"
    plain = opening.open_scan(tmp_path / "plain.h5", channels={"dataset": "s", "axes": "tac", "angles": "a"})
    np.testing.assert_array_equal(scan.angles, plain.angles)
    np.testing.assert_array_equal(reading.read_channels(scan, (0, 1)), reading.read_channels(plain, (0, 1)))
    assert scan.channels is not None
    assert (scan.channels.name, scan.channels.unit, scan.channels.values.tolist()) == ("2theta", "deg", RADIAL.tolist())
    assert scan.pixel_size == pytest.approx(10)
    assert not scan.doubts


def test_the_user_comes_first(file: Path) -> None:
    write(file, "entry")
    with h5py.File(file, "a") as content:
        content["other"] = SINOGRAMS[:, :, 0]
    scan = opening.open_scan(file, channels={"channels": {"name": "angle"}})
    assert scan.channels is not None
    assert (scan.channels.name, len(scan.channels.values)) == ("angle", 5)
    named = {"dataset": "other", "axes": "ta", "angles": "entry/sample/rotation_angles"}
    assert opening.open_scan(file, channels=named).channel_count == 1


def test_several_scans_need_a_name(file: Path) -> None:
    write(file, "one", "two")
    assert "holds the scans one, two: set dataset, as in one/instrument" in complaint(file, channels={})
    scan = opening.open_scan(file, channels={"dataset": "/two/instrument/detector/data"})
    assert scan.projections[0].dataset == "/two/instrument/detector/data"


def test_uneven_steps_give_no_pixel_size(file: Path) -> None:
    write(file, "entry")
    with h5py.File(file, "a") as content:
        content["entry/sample/translation_values"][3] = 1e-3
    assert opening.open_scan(file, channels={}).pixel_size is None


def test_without_its_angles_it_is_refused(file: Path) -> None:
    write(file, "entry")
    with h5py.File(file, "a") as content:
        del content["entry/sample/rotation_angles"]
    with pytest.raises(UserError, match="there is no dataset /entry/sample/rotation_angles: set angles"):
        opening.open_scan(file, channels={})
