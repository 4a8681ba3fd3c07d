"""Reading and writing shards: this project, zarr-python and, if installed, tensorstore, in turns.

Two sections of 16 rows of smooth noise in one shard, as raw values and compressed. Prints a markdown table of the best
rates in MB of values per second, by the clock [by the processor's time].

    python benchmarks/shard_files.py
"""

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from scipy.ndimage import gaussian_filter

sys.path[:0] = [str(Path(__file__).parents[1] / "workflow/scripts")]

from tomodenoise.storage import zarr_arrays

SHAPE, START = (2, 1, 16, 1024, 1024), (0, 0, 0, 0, 0)
ROWS = (slice(None), slice(None), slice(0, 8))
REPEATS = 4

Works = Mapping[str, Callable[[], object]]


def opened(path: Path) -> Any:  # noqa: ANN401 - an array of tensorstore, which need not be installed
    """Open an array with tensorstore."""
    import tensorstore  # noqa: PLC0415

    store = {"driver": "file", "path": str(path)}
    return tensorstore.open({"driver": "zarr3", "kvstore": store}).result()


def works(folder: Path, data: Any) -> Mapping[str, Works]:  # noqa: ANN401 - an array
    """Return what is timed, by what it does and by who does it."""
    ours, theirs, third = (folder / name for name in ("ours", "zarr", "tensorstore"))
    space = np.empty((2, 1, 8, *SHAPE[3:]), np.float32)
    write: dict[str, Callable[[], object]] = {
        "zarr-python": lambda: zarr.open_array(theirs).__setitem__(..., data),
        "1 thread": lambda: zarr_arrays.write_shard(ours, START, data),
        "2 threads": lambda: zarr_arrays.write_shard(ours, START, data, 2),
    }
    rows: dict[str, Callable[[], object]] = {
        "zarr-python": lambda: zarr_arrays.open_array(theirs)[ROWS],
        "1 thread": lambda: zarr_arrays.read(ours, ROWS, 1, space),
        "2 threads": lambda: zarr_arrays.read(ours, ROWS, 2, space),
    }
    whole: dict[str, Callable[[], object]] = {
        "zarr-python": lambda: zarr_arrays.open_array(theirs)[...],
        "1 thread": lambda: zarr_arrays.read(ours, (slice(None),)),
        "2 threads": lambda: zarr_arrays.read(ours, (slice(None),), 2),
    }
    if importlib.util.find_spec("tensorstore"):
        write["tensorstore"] = lambda: opened(third).write(data).result()
        rows["tensorstore"] = lambda: opened(third)[:, :, :8].read().result()
        whole["tensorstore"] = lambda: opened(third).read().result()
    return {"write": write, "read 8 rows": rows, "read all": whole}


def rate(work: Callable[[], object], size: int) -> tuple[float, float]:
    """Return MB a second, by the clock and by the processor's time."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return size / 1e6 / (time.perf_counter() - clock), size / 1e6 / (time.process_time() - cpu)


def main() -> None:
    """Measure and print."""
    data = gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE, np.float32), (0, 0, 0, 1.5, 1.5))
    print("| | | zarr-python | 1 thread | 2 threads | tensorstore |\n|---|---|---:|---:|---:|---:|")
    for compressed in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("ours", "zarr", "tensorstore"):
                chunk = zarr_arrays.chunk(SHAPE)
                zarr_arrays.allocate(
                    Path(folder, name), SHAPE, SHAPE, chunk, names="kczyx", attributes={}, compressed=compressed
                )
            for what, who in works(Path(folder), data).items():
                size = data.nbytes if "8" not in what else data.nbytes // 2
                turns = [{name: rate(work, size) for name, work in who.items()} for _ in range(REPEATS)]
                best = {name: [max(turn[name][i] for turn in turns) for i in (0, 1)] for name in who}
                cells = [f"{best[name][0]:.0f} [{best[name][1]:.0f}]" if name in best else "" for name in
                         ("zarr-python", "1 thread", "2 threads", "tensorstore")]  # fmt: skip
                print(f"| {'compressed' if compressed else 'raw'} | {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
