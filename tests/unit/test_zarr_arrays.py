"""A shard is a file that one job writes; what is missing is never read as zeros."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.common.blocks import block_mean
from tomodenoise.common.errors import UserError
from tomodenoise.storage import zarr_arrays


def allocated(folder: Path) -> Path:
    path = folder / "sections.zarr"
    zarr_arrays.allocate(
        path, (2, 1, 20, 30, 30), (2, 1, 8, 30, 30), (1, 1, 8, 30, 30), names="kczyx", attributes={"a": 1}
    )
    return path


def test_allocating_writes_the_metadata_and_nothing_else(tmp_path: Path) -> None:
    path = allocated(tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == [
        "sections.zarr",
        "sections.zarr/zarr.json",
    ]
    assert zarr_arrays.attributes(path) == {"a": 1}


def test_allocating_again_leaves_the_shards(tmp_path: Path) -> None:
    data = np.ones((2, 1, 8, 30, 30), dtype=np.float32)
    zarr_arrays.write_shard(allocated(tmp_path), (0, 0, 8, 0, 0), data)
    path = allocated(tmp_path)
    np.testing.assert_array_equal(zarr_arrays.read(path, (slice(None), slice(None), slice(8, 16))), data)


@pytest.mark.parametrize(("start", "rows", "index"), [(0, 8, 0), (8, 8, 1), (16, 4, 2)])
def test_a_shard_is_one_file_under_its_index(tmp_path: Path, start: int, rows: int, index: int) -> None:
    path = allocated(tmp_path)
    zarr_arrays.write_shard(path, (0, 0, start, 0, 0), np.full((2, 1, rows, 30, 30), 3.0))
    assert [file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json"] == [
        zarr_arrays.shard_file(path, (0, 0, index, 0, 0))
    ]


def test_a_shard_of_zeros_is_a_file_too(tmp_path: Path) -> None:
    path = allocated(tmp_path)
    zarr_arrays.write_shard(path, (0, 0, 0, 0, 0), np.zeros((2, 1, 8, 30, 30)))
    assert zarr_arrays.shard_file(path, (0, 0, 0, 0, 0)).is_file()


def test_the_same_data_give_the_same_bits(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(2, 1, 8, 30, 30)).astype(np.float32)
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        zarr_arrays.write_shard(allocated(folder), (0, 0, 0, 0, 0), data)
        files.append(zarr_arrays.shard_file(folder / "sections.zarr", (0, 0, 0, 0, 0)).read_bytes())
    assert files[0] == files[1]


def test_a_missing_shard_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = allocated(tmp_path)
    zarr_arrays.write_shard(path, (0, 0, 0, 0, 0), np.ones((2, 1, 8, 30, 30)))
    zarr_arrays.read(path, (slice(None), 0, slice(0, 8)))
    with pytest.raises(UserError, match=r"c/0/0/1/0/0 is missing: run Snakemake on this file"):
        zarr_arrays.read(path, (slice(None), 0, slice(4, 12)))
    with pytest.raises(UserError, match="is missing"):
        zarr_arrays.read(path, (1, 0, 9))


@given(shape=st.tuples(*[st.integers(1, 9)] * 3), seed=st.integers(0, 9))
def test_halving_keeps_a_constant_and_means_of_whole_blocks(shape: tuple[int, int, int], seed: int) -> None:
    np.testing.assert_array_equal(block_mean(np.full(shape, 7.5, dtype=np.float32), 2), 7.5)
    fine = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    coarse = block_mean(fine, 2)
    assert coarse.shape == tuple(-(-n // 2) for n in shape)
    assert coarse.dtype == np.float32
    np.testing.assert_allclose(coarse[0, 0, 0], fine[:2, :2, :2].mean(), rtol=1e-5, atol=1e-6)


def broken(path: Path, how: str) -> Path:
    """Write two shards and spoil the second."""
    for start in (0, 8):
        data = np.random.default_rng(start).normal(size=(2, 1, 8, 30, 30))
        zarr_arrays.write_shard(path, (0, 0, start, 0, 0), data.astype(np.float32))
    file = zarr_arrays.shard_file(path, (0, 0, 1, 0, 0))
    content = bytearray(file.read_bytes())
    if how == "bit":
        content[len(content) // 3] ^= 4
    elif how == "index":
        content[-30] ^= 4
    file.write_bytes(content[: len(content) // 2] if how == "cut" else content)
    return file


@pytest.mark.parametrize("how", ["bit", "index", "cut"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_shard_is_an_error_that_names_the_file(tmp_path: Path, how: str, compressed: bool) -> None:
    path = tmp_path / "a.zarr"
    shard = (2, 1, 8, 30, 30)
    zarr_arrays.allocate(path, (2, 1, 20, 30, 30), shard, shard, names="kczyx", attributes={}, compressed=compressed)
    file = broken(path, how)
    zarr_arrays.read(path, (slice(None), 0, slice(0, 8)))
    with pytest.raises(UserError, match=f"{file} is damaged .*: run Snakemake on this file with --force"):
        zarr_arrays.read(path, (slice(None), 0, slice(4, 12)))
    assert [zarr_arrays.flaw(path, index) for index in zarr_arrays.shards(path)] == [None, "is damaged", "is missing"]


def test_a_value_that_is_not_finite_is_found(tmp_path: Path) -> None:
    path, data = allocated(tmp_path), np.zeros((2, 1, 4, 30, 30), dtype=np.float32)
    data[1, 0, 3, 29, 29] = np.nan
    zarr_arrays.write_shard(path, (0, 0, 16, 0, 0), data)
    assert zarr_arrays.flaw(path, (0, 0, 2, 0, 0)) == "holds values that are not finite"


def test_a_flipped_bit_is_found_but_in_spaces_and_the_name_of_the_seal(tmp_path: Path) -> None:
    file = allocated(tmp_path) / "zarr.json"
    good = file.read_bytes()
    name = good.index(b'"seal"')
    for bit in range(0, len(good) * 8, 61):
        place = bit // 8
        if good[place : place + 1].isspace() or name < place <= name + 4:
            continue
        file.write_bytes(good[:place] + bytes([good[place] ^ 1 << bit % 8]) + good[place + 1 :])
        with pytest.raises(UserError, match=r"zarr.json is damaged"):
            zarr_arrays.open_array(file.parent)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_metadata_that_are_cut_are_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    (allocated(tmp_path) / "zarr.json").write_text(content)
    with pytest.raises(UserError, match=r"sections.zarr/zarr.json is damaged: run Snakemake"):
        zarr_arrays.read(tmp_path / "sections.zarr", (0,))
