"""Many jobs write into one array at once, and others read it meanwhile: no shard is lost, none is seen half-written."""

import multiprocessing as mp
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.storage import zarr_arrays

WRITERS, READERS = 64, 2
SHARD = (1, 1, 2, 96, 96)
SHAPE = (1, 1, 2 * WRITERS, 96, 96)


def content(writer: int, turn: int) -> np.ndarray:
    """Make slices that differ for each writer and each round."""
    return np.full(SHARD, writer + turn / 1024, dtype=np.float32) + np.arange(96, dtype=np.float32) / 4096


def write(folder: Path, writer: int, rounds: int, together: Barrier) -> None:
    for turn in range(rounds):
        together.wait()
        zarr_arrays.write_shard(folder / f"{turn}.zarr", (0, 0, 2 * writer, 0, 0), content(writer, turn))
        together.wait()


def read(folder: Path, turn: "Synchronized[int]", results: "mp.Queue[tuple[int, int]]") -> None:
    """Read shards of the array while it is written; report how many were there, and how many were torn."""
    rng, seen, torn = np.random.default_rng(), 0, 0
    while (now := turn.value) >= 0:
        writer = int(rng.integers(WRITERS))
        rows = slice(2 * writer, 2 * writer + 2)
        try:
            shard = zarr_arrays.read(folder / f"{now}.zarr", (slice(None), slice(None), rows))
        except UserError:
            continue
        seen += 1
        torn += not np.array_equal(shard, content(writer, now))
    results.put((seen, torn))


@pytest.mark.parametrize("rounds", [10, pytest.param(100, marks=pytest.mark.nightly)])
def test_no_shard_is_lost_or_torn_among_64_writers_and_readers(rounds: int, tmp_path: Path) -> None:
    arrays = [tmp_path / f"{turn}.zarr" for turn in range(rounds)]
    for array in arrays:
        zarr_arrays.allocate(array, SHAPE, SHARD, zarr_arrays.chunk(SHARD), names="tczyx", attributes={})
    fork = mp.get_context("fork")
    together, now, results = fork.Barrier(WRITERS + 1), fork.Value("i", 0), fork.Queue()
    jobs = [fork.Process(target=write, args=(tmp_path, n, rounds, together)) for n in range(WRITERS)]
    jobs += [fork.Process(target=read, args=(tmp_path, now, results)) for _ in range(READERS)]
    for job in jobs:
        job.start()
    for turn, array in enumerate(arrays):
        now.value = turn
        together.wait(60)
        together.wait(60)
        whole = np.concatenate([content(n, turn) for n in range(WRITERS)], axis=2)
        np.testing.assert_array_equal(zarr_arrays.read(array, (slice(None),) * 5), whole)
        assert sum(file.is_file() for file in array.rglob("*")) == WRITERS + 1
    now.value = -1
    looks = [results.get(timeout=60) for _ in range(READERS)]
    for job in jobs:
        job.join(60)
        assert job.exitcode == 0
    assert all(seen > 0 for seen, _ in looks)
    assert sum(torn for _, torn in looks) == 0
