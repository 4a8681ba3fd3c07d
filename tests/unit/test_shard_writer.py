"""Shards are those of zarr-python, whatever the number of threads; they are whole or absent, and never in memory."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.storage import shard_format, zarr_arrays

SHAPE, SHARD, CHUNK = (2, 1, 20, 30, 30), (2, 1, 16, 30, 30), (1, 1, 8, 16, 16)


def allocated(folder: Path, *, compressed: bool) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "a.zarr"
    zarr_arrays.allocate(path, SHAPE, SHARD, CHUNK, names="kczyx", attributes={}, compressed=compressed)
    return path


def noise(*shape: int) -> FloatArray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


@pytest.mark.parametrize("compressed", [False, True])
def test_zarr_reads_what_is_written_here_and_the_other_way_round(tmp_path: Path, compressed: bool) -> None:
    data, region = noise(*SHAPE), tuple(slice(0, n) for n in SHAPE)
    ours, theirs = (allocated(tmp_path / name, compressed=compressed) for name in ("ours", "theirs"))
    for start in (0, 16):
        zarr_arrays.write_shard(ours, (0, 0, start, 0, 0), data[:, :, start : start + 16], threads=3)
    zarr.open_array(theirs)[...] = data
    np.testing.assert_array_equal(zarr.open_array(ours, mode="r")[...], data)
    np.testing.assert_array_equal(zarr_arrays.read(theirs, region), data)
    sizes = [[file.stat().st_size for file in sorted(path.rglob("c/**/[0-9]"))] for path in (ours, theirs)]
    assert sizes[0] == sizes[1]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = allocated(tmp_path_factory.mktemp("stored"), compressed=False)
    for start in (0, 16):
        zarr_arrays.write_shard(path, (0, 0, start, 0, 0), noise(*SHAPE)[:, :, start : start + 16])
    return path


@settings(max_examples=30, deadline=None)
@given(
    ends=st.tuples(*(st.tuples(st.integers(0, n), st.integers(0, n)) for n in SHAPE)),
    threads=st.integers(1, 3),
)
def test_any_part_is_read_by_any_number_of_threads(
    stored: Path, ends: tuple[tuple[int, int], ...], threads: int
) -> None:
    region = tuple(slice(min(pair), max(pair)) for pair in ends)
    np.testing.assert_array_equal(zarr_arrays.read(stored, region, threads), noise(*SHAPE)[region])


def test_a_part_is_read_into_given_memory(stored: Path) -> None:
    space = np.full((4, 30, 30), np.nan, np.float32)
    part = zarr_arrays.read(stored, (1, 0, slice(14, 18)), 2, space)
    assert np.shares_memory(part, space)
    np.testing.assert_array_equal(space, noise(*SHAPE)[1, 0, 14:18])


@pytest.mark.parametrize("compressed", [False, True])
def test_rows_one_by_one_give_the_same_file_with_any_number_of_threads(tmp_path: Path, compressed: bool) -> None:
    data, files = noise(2, 1, 12, 30, 30), []
    for threads in (1, 4):
        path = allocated(tmp_path / str(threads), compressed=compressed)
        with zarr_arrays.writing(path, (0, 0, 0, 0, 0), threads) as shard:
            for lead, row in ((lead, row) for row in range(12) for lead in range(2)):
                shard.add_row((lead, 0), data[lead, 0, row])
        files.append(zarr_arrays.shard_file(path, (0, 0, 0, 0, 0)).read_bytes())
    assert files[0] == files[1]
    np.testing.assert_array_equal(zarr.open_array(path, mode="r")[:, :, :12], data)


def test_no_more_chunks_wait_than_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most, given, encoded, encode = 0, 0, 0, shard_format.Form.encode
    lock = threading.Lock()

    def slow(form: shard_format.Form, data: FloatArray) -> object:
        nonlocal most, encoded
        time.sleep(0.002)
        with lock:
            most, encoded = max(most, given - encoded), encoded + 1
        return encode(form, data)

    monkeypatch.setattr(shard_format.Form, "encode", slow)
    with zarr_arrays.writing(allocated(tmp_path, compressed=False), (0, 0, 0, 0, 0), 2) as shard:
        for index, place in shard_format.parts(CHUNK, SHARD):
            shard.put(index, noise(*SHARD)[place])
            given += 1
            assert len(shard.pending) <= shard.waiting
    assert 2 <= most <= shard.waiting


def files(path: Path) -> list[str]:
    return [file.name for file in path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("where", ["encode", "_append", "caller"])
def test_an_error_in_any_thread_reaches_the_caller_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = allocated(tmp_path, compressed=True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def write() -> None:
        with zarr_arrays.writing(path, (0, 0, 0, 0, 0), 2) as shard:
            for row in range(16):
                shard.add_row((0, 0), noise(30, 30))
                if where == "caller" and row == 9:
                    full()

    if where == "encode":
        monkeypatch.setattr("tomodenoise.storage.shard_format.Form.encode", full)
    elif where == "_append":
        monkeypatch.setattr("tomodenoise.storage.shard_writer.Writer._append", full)
    with pytest.raises(OSError, match="No space"):
        write()
    assert files(path) == ["zarr.json"]


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from tomodenoise.storage import zarr_arrays
with zarr_arrays.writing(Path(sys.argv[1]), (0, 0, 0, 0, 0), 1) as shard:
    for row in range(16):
        shard.add_row((0, 0), np.ones((30, 30), np.float32))
    shard.pending[-1].result()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_no_shard(tmp_path: Path) -> None:
    path = allocated(tmp_path, compressed=False)
    library = {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=os.environ | library, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert sorted(files(path)) == ["0.partial", "zarr.json"]
    assert zarr_arrays.flaw(path, (0, 0, 0, 0, 0)) == "is missing"
    with pytest.raises(UserError, match="is missing"):
        zarr_arrays.read(path, (0,))
    zarr_arrays.write_shard(path, (0, 0, 0, 0, 0), noise(2, 1, 16, 30, 30))
    assert sorted(files(path)) == ["0", "zarr.json"]
