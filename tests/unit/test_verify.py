"""Incomplete products are found, named, and can be made again without later stages."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from image_on_disk import write_image
from safetensors.numpy import save_file

from tomodenoise.exports import hdf5, tiff
from tomodenoise.maintenance import verify
from tomodenoise.maintenance.verify import Expected, Flaw, State
from tomodenoise.storage import ome_zarr, zarr_arrays

UNREAD = ", so its shards were not read"
SHAPE, SHARD = (1, 1, 20, 30, 30), (1, 1, 8, 30, 30)


@pytest.fixture
def expected(tmp_path: Path) -> Expected:
    path = tmp_path / "a.zarr"
    zarr_arrays.allocate(path, SHAPE, SHARD, SHARD, names="tczyx", attributes={})
    for start in (0, 8, 16):
        values = np.random.default_rng(start).normal(size=(1, 1, min(8, 20 - start), 30, 30))
        zarr_arrays.write_shard(path, (0, 0, start, 0, 0), values.astype(np.float32))
        os.utime(zarr_arrays.shard_file(path, (0, 0, start // 8, 0, 0)), (0, 1000 + start))
    return Expected(path, SHAPE, SHARD, lasting=True)


def test_a_whole_array_has_no_flaw(expected: Expected) -> None:
    state = verify.of_array(expected, 2)
    assert (state.files, state.flaws, state.words) == (3, (), "complete")
    assert state.size > 20 * 30 * 30 * 4


@pytest.mark.parametrize("bit", range(0, 28_800 * 8, 28_801))
def test_any_flipped_bit_is_found(expected: Expected, bit: int) -> None:
    file = zarr_arrays.shard_file(expected.path, (0, 0, 1, 0, 0))
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    os.utime(file, (0, 7))
    assert verify.of_array(expected, 1).flaws == (Flaw(file, "is damaged", 7.0),)


def test_a_missing_shard_gets_the_time_of_the_latest_next_to_it(expected: Expected) -> None:
    os.utime(expected.path / "zarr.json", (0, 5))
    file = zarr_arrays.shard_file(expected.path, (0, 0, 0, 0, 0))
    file.unlink()
    assert verify.of_array(expected, 1).flaws == (Flaw(file, "is missing", 1016.0),)


def test_damaged_metadata_are_named_and_restored_older_than_the_shards(expected: Expected) -> None:
    file = expected.path / "zarr.json"
    content = file.read_text()
    file.write_text(content[: len(content) // 2])
    os.utime(file, (0, 5))
    assert verify.of_array(expected, 1).flaws == (Flaw(file, f"is damaged{UNREAD}", 5.0),)
    file.write_text(content.replace("20", "24", 1))
    assert [flaw.what for flaw in verify.of_array(expected, 1).flaws] == [f"is damaged{UNREAD}"]
    file.unlink()
    assert verify.of_array(expected, 1).flaws == (Flaw(file, f"is missing{UNREAD}", 1000.0),)


def test_what_only_led_to_a_result_may_be_gone(expected: Expected) -> None:
    for index in range(3):
        zarr_arrays.shard_file(expected.path, (0, 0, index, 0, 0)).unlink()
    assert [flaw.modified for flaw in verify.of_array(expected, 1).flaws] == [None] * 3
    passing = Expected(expected.path, SHAPE, SHARD, lasting=False)
    assert verify.of_array(passing, 1) == State(expected.path, 0, 0, (), made=False)


def test_damaged_files_of_other_kinds_are_found(tmp_path: Path) -> None:
    image = ome_zarr.read(write_image(tmp_path / "a.ome.zarr", np.ones((1, 1, 9, 20, 20), dtype=np.float32)))
    (tmp_path / "scan.json").write_text('{"a": 1}')
    (tmp_path / "history.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    np.savez(tmp_path / "planes.npz", a=np.arange(99.0))
    save_file({"a": np.arange(99.0)}, tmp_path / "model.safetensors", {"tomodenoise": "{}"})
    hdf5.write(image.folder, tmp_path / "a.h5")
    assert verify.of_files(tmp_path, "*.*[!r]").flaws == ()
    for file in [path for path in tmp_path.iterdir() if path.is_file()]:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2 - 3])
        assert [flaw.file for flaw in verify.of_files(tmp_path, "*.*[!r]").flaws] == [file]
        file.write_bytes(content)
    for name, place in (("planes.npz", 500), ("a.h5", -3000)):
        content = bytearray((tmp_path / name).read_bytes())
        content[place] ^= 16
        (tmp_path / name).write_bytes(content)
        assert len(verify.of_files(tmp_path, name).flaws) == 1, name
    save_file({"a": np.array([np.nan])}, tmp_path / "model.safetensors", {"tomodenoise": "{}"})
    assert "not finite" in verify.of_files(tmp_path, "*.safetensors").flaws[0].what


def test_a_stack_is_compared_with_its_records(tmp_path: Path) -> None:
    image = ome_zarr.read(write_image(tmp_path / "a.ome.zarr", np.ones((1, 1, 9, 20, 20), dtype=np.float32)))
    (tmp_path / "tiff/slabs").mkdir(parents=True)
    record = tmp_path / "tiff/slabs/0.json"
    record.write_text(json.dumps(tiff.write_slices(image, tmp_path / "tiff", (0, 9), (0, 1), "tiff")))
    assert verify.of_stack(tmp_path / "tiff").words == "complete"
    (tmp_path / "tiff/z00004.tif").unlink()
    (flaw,) = verify.of_stack(tmp_path / "tiff").flaws
    assert flaw.file == record
    assert "z00004.tif is missing" in flaw.what


def test_the_remedy_makes_what_comes_first_and_keeps_its_time() -> None:
    states = [
        State(Path("a"), 2, 9, (Flaw(Path("a/0 1"), "is damaged", 1.5), Flaw(Path("a/2"), "is missing", 2.0))),
        State(Path("b"), 1, 9, ()),
        State(Path("c"), 1, 9, (Flaw(Path("c/0"), "is damaged", None),)),
    ]
    assert verify.remedy(states, "--cores 2").split(" && ") == [
        "snakemake 'a/0 1' a/2 --force --cores 2",
        "touch -d @1.500000 'a/0 1'",
        "touch -d @2.000000 a/2",
        "snakemake c/0 --force --cores 2",
    ]


def test_repairing_an_unreadable_array_verifies_its_shards_afterwards() -> None:
    states = [State(Path("a"), 2, 9, (Flaw(Path("a/zarr.json"), "is damaged, so its shards were not read", 1.0),))]
    assert verify.remedy(states, "--cores 2").split(" && ") == [
        "snakemake a/zarr.json --force --cores 2",
        "touch -d @1.000000 a/zarr.json",
        "snakemake verify --cores 2",
    ]
