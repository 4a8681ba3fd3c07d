"""Exports hold the volume's values at its scale, and are complete or absent."""

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from image_on_disk import PIXEL_SIZE, write_image

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.exports import hdf5, ozx, tiff
from tomodenoise.storage import ome_zarr, zarr_arrays
from tomodenoise.storage.ome_zarr import Image

SHAPE = (2, 3, 11, 40, 40)


@pytest.fixture(scope="module")
def values() -> FloatArray:
    return np.random.default_rng(0).normal(0.01, 0.002, SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, values: FloatArray) -> Image:
    return ome_zarr.read(write_image(tmp_path_factory.mktemp("image") / "a.ome.zarr", values, rows=4))


def exported(image: Image, folder: Path, kind: str) -> dict[str, object]:
    records = []
    for start in range(0, image.shape[2], 4):
        records.append(folder / f"{start}.json")
        written = tiff.write_slices(image, folder, (start, min(start + 4, image.shape[2])), (0, image.shape[0]), kind)
        records[-1].write_text(json.dumps(written))
    return tiff.describe(image, folder, records, kind)


@pytest.mark.parametrize("kind", ["tiff", "tiff16", "tiff8"])
def test_slices_hold_the_values_and_their_scale(image: Image, values: FloatArray, tmp_path: Path, kind: str) -> None:
    described = exported(image, tmp_path, kind)
    assert len(list(tmp_path.glob("*.tif"))) == described["slices"] == 2 * 3 * 11
    with tifffile.TiffFile(tmp_path / "t0001_c002_z00010.tif") as file:
        read, metadata = file.asarray(), file.imagej_metadata
        per_centimetre, units = file.pages[0].tags["XResolution"].value, file.pages[0].tags["ResolutionUnit"].value
    assert units == 3
    assert per_centimetre[0] / per_centimetre[1] == pytest.approx(1e4 / PIXEL_SIZE, rel=1e-5)
    assert (metadata["unit"], metadata["spacing"]) == ("um", PIXEL_SIZE)
    assert read.dtype == described["type"]
    if kind == "tiff":
        np.testing.assert_array_equal(read, values[1, 2, 10])
        return
    assert (metadata["c0"], metadata["c1"]) == tuple(described["calibration"][2].values())
    restored = metadata["c0"] + metadata["c1"] * read.astype(float)
    inside = (read > 0) & (read < np.iinfo(read.dtype).max)
    np.testing.assert_allclose(restored[inside], values[1, 2, 10][inside], atol=0.51 * metadata["c1"])
    assert inside.mean() > (0.98 if kind == "tiff8" else 0.9999)


def test_values_beyond_the_window_are_counted(image: Image, values: FloatArray, tmp_path: Path) -> None:
    windows = [(w.start, w.end) for w in image.windows]
    beyond = sum(
        np.count_nonzero((values[:, c] < low) | (values[:, c] > high)) for c, (low, high) in enumerate(windows)
    )
    assert exported(image, tmp_path, "tiff8")["clipped"] == beyond
    assert exported(image, tmp_path, "tiff16")["clipped"] == 0


def test_slices_of_an_earlier_shape_do_not_stay(image: Image, tmp_path: Path) -> None:
    for name in ("z00011.tif", "t0000_c000_z00011.tif", "z00003.tif.partial"):
        (tmp_path / name).touch()
    exported(image, tmp_path, "tiff")
    assert len(list(tmp_path.glob("*.tif*"))) == 66


def test_a_slice_that_is_damaged_or_missing_is_named(image: Image, tmp_path: Path) -> None:
    record = tiff.write_slices(image, tmp_path, (0, 2), (0, image.shape[0]), "tiff16")
    assert list(tiff.flaws(tmp_path, record)) == []
    (tmp_path / "t0000_c000_z00001.tif").unlink()
    spoiled = tmp_path / "t0001_c001_z00000.tif"
    spoiled.write_bytes(spoiled.read_bytes()[:-1] + b"\1")
    assert dict(tiff.flaws(tmp_path, record)) == {
        tmp_path / "t0000_c000_z00001.tif": "is missing",
        spoiled: "is damaged",
    }


def test_an_hdf5_file_plots_itself_and_states_its_origin(image: Image, values: FloatArray, tmp_path: Path) -> None:
    hdf5.write(image.folder, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        data = file[file.attrs["default"]][file[file.attrs["default"]].attrs["default"]]
        np.testing.assert_array_equal(data[data.attrs["signal"]][()], values)
        assert list(data.attrs["axes"]) == list("tczyx")
        assert data["y"].attrs["units"] == "um"
        np.testing.assert_allclose(data["y"][()], PIXEL_SIZE * np.arange(40))
        assert json.loads(file["entry/reconstruction/provenance/data"][()]) == {"revision": "abc"}
        assert data["data"].fletcher32


def test_an_hdf5_file_is_whole_or_absent(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(path: Path, region: tuple[object, ...]) -> FloatArray:
        raise UserError("a shard is missing")

    monkeypatch.setattr(zarr_arrays, "read", lost)
    with pytest.raises(UserError):
        hdf5.write(image.folder, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@settings(max_examples=8)
@given(shape=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 9), st.integers(1, 6)))
def test_axes_of_time_and_channel_are_there_where_there_are_several(shape: tuple[int, ...]) -> None:
    import tempfile

    values = np.zeros((*shape, shape[-1]), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        image = ome_zarr.read(write_image(Path(folder) / "a.ome.zarr", values))
        hdf5.write(image.folder, Path(folder) / "a.h5")
        with h5py.File(Path(folder) / "a.h5") as file:
            assert file["entry/data/data"].shape == tuple(n for i, n in enumerate(values.shape) if i > 1 or n > 1)


def test_the_zipped_image_opens_in_place_with_descriptions_first(
    image: Image, values: FloatArray, tmp_path: Path
) -> None:
    ozx.write(image.folder, tmp_path / "a.ozx")
    group = zarr.open_group(zarr.storage.ZipStore(tmp_path / "a.ozx", mode="r"), mode="r")
    np.testing.assert_array_equal(group["0"][:], values)
    assert group.attrs["ome"]["version"] == "0.5"
    with zipfile.ZipFile(tmp_path / "a.ozx") as archive:
        names = archive.namelist()
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert json.loads(archive.comment)["ome"]["version"] == "0.5"
    described = [name.endswith("zarr.json") for name in names]
    assert names[0] == "zarr.json"
    assert described == sorted(described, reverse=True)
    ozx.write(image.folder, tmp_path / "b.ozx")
    assert (tmp_path / "a.ozx").read_bytes() == (tmp_path / "b.ozx").read_bytes()


def test_a_zipped_image_needs_every_shard_and_omits_stale_ones(tmp_path: Path) -> None:
    values = np.ones((1, 1, 8, 32, 32), np.float32)
    folder = write_image(tmp_path / "a.ome.zarr", values, rows=4)
    (folder / "0/c/0/0/7/0").mkdir(parents=True)
    (folder / "0/c/0/0/7/0/0").write_bytes(b"old")
    ozx.write(folder, tmp_path / "a.ozx")
    with zipfile.ZipFile(tmp_path / "a.ozx") as archive:
        assert "0/c/0/0/7/0/0" not in archive.namelist()
    zarr_arrays.shard_file(folder / "0", (0, 0, 1, 0, 0)).unlink()
    with pytest.raises(FileNotFoundError):
        ozx.write(folder, tmp_path / "b.ozx")
    assert not (tmp_path / "b.ozx").exists()
