"""Verification of the products on disk: all files complete, undamaged and finite; and their disk usage."""

import json
import shlex
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from tomodenoise.common import formatting
from tomodenoise.common.errors import UserError
from tomodenoise.exports import tiff
from tomodenoise.networks import model_file
from tomodenoise.storage import zarr_arrays

HEADERS = ("*.json", "corrections/*.json")
STUDIED = "dose/*.json"
TRAINED = ("model.safetensors", "history.jsonl")
MADE_OF_VOLUMES = ("figures/planes/*.npz", "figures/*.npz", "*.ome.zarr/zarr.json", "*.h5", "*.ozx")


@dataclass(frozen=True)
class Expected:
    """Array as planned by the configuration."""

    path: Path
    shape: tuple[int, ...]
    shard: tuple[int, ...]
    lasting: bool
    """True for a result; an intermediate array may be deleted once the result exists."""


@dataclass(frozen=True)
class Flaw:
    """Damaged or missing file that must be remade."""

    file: Path
    what: str
    modified: float | None
    """Modification time in seconds, of the file or, if missing, of a file next to it; None without one.

    Once the file is made again with equal bits, it can be given this time, so that nothing downstream runs again.
    """


@dataclass(frozen=True)
class State:
    """State of a product on disk."""

    path: Path
    files: int
    size: int
    """Bytes."""
    flaws: tuple[Flaw, ...]
    made: bool = True
    """False if there is no file of it."""

    @property
    def words(self) -> str:
        """State for people to read."""
        if self.flaws:
            return f"{len(self.flaws)} damaged or missing"
        return "complete" if self.made else "not made"


def survey(
    results: Path,
    arrays: Sequence[Expected],
    scans: Sequence[str],
    models: Sequence[str],
    threads: int,
    parts: Sequence[str] = (),
) -> list[State]:
    """Check all products, in the order in which they are made; parts of scans, of dose studies, have no volumes."""
    folders = [results / scan for scan in scans]
    described = [*folders, *(results / part for part in parts)]
    states = [of_files(folder, pattern) for folder in described for pattern in HEADERS]
    states += [of_files(folder, STUDIED) for folder in folders if (folder / "dose").is_dir()]
    states += [of_array(array, threads) for array in arrays if not array.lasting]
    states += [of_files(results / "models" / model, pattern) for model in models for pattern in TRAINED]
    states += [of_array(array, threads) for array in arrays if array.lasting]
    states += [of_files(folder, pattern) for folder in folders for pattern in MADE_OF_VOLUMES]
    return states + [of_stack(stack) for folder in folders for stack in sorted(folder.glob("*_tiff*"))]


def finished(judgements: Sequence[Path], arrays: Sequence[Expected], threads: int) -> bool:
    """Return whether volumes are complete and judgements made, so that the intermediate arrays may be deleted."""
    states = [of_array(array, threads) for array in arrays if array.lasting]
    return all(file.exists() for file in judgements) and all(state.made and not state.flaws for state in states)


def of_array(expected: Expected, threads: int) -> State:
    """Check an array by reading all of its shards, in parallel."""
    path, metadata = expected.path, expected.path / "zarr.json"
    times = {file: file.stat().st_mtime for file in (metadata, *path.glob("c/**/*")) if file.is_file()}
    shards = times.keys() - {metadata}
    if not shards and not (expected.lasting and times):
        return State(path, 0, 0, (), made=False)
    try:
        array = zarr_arrays.open_array(path)
        if array.shape != expected.shape:
            raise UserError(f"{metadata} declares the shape {array.shape} instead of {expected.shape}")
    except (FileNotFoundError, UserError):
        what = ("is damaged" if metadata in times else "is missing") + ", so its shards were not read"
        flaws = [Flaw(metadata, what, times.get(metadata, min(times.values())))]
    else:
        with ThreadPoolExecutor(threads) as pool:
            indices = zarr_arrays.shards(path)
            defects = zip(indices, pool.map(lambda index: zarr_arrays.flaw(path, index), indices), strict=True)
            files = [(zarr_arrays.shard_file(path, index), what) for index, what in defects if what]
        latest = max((times[file] for file in shards), default=None)
        flaws = [Flaw(file, what, times.get(file, latest)) for file, what in files]
    return State(path, len(shards), sum(file.stat().st_size for file in shards), tuple(flaws))


def of_files(folder: Path, pattern: str) -> State:
    """Check small files, and files of other formats as far as the formats allow."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    flaws = [flaw for file in files for flaw in _flaws(file)]
    return State(folder / pattern, len(files), sum(file.stat().st_size for file in files), tuple(flaws), bool(files))


def of_stack(folder: Path) -> State:
    """Compare the slices of a stack of TIFF files with the records of the slabs that wrote them."""
    flaws = []
    for record in sorted(folder.glob("slabs/*.json")):
        slices = [f"{file.name} {what}" for file, what in tiff.flaws(folder, json.loads(record.read_text()))]
        if slices:
            flaws.append(Flaw(record, f"lists slices of which {', '.join(slices)}", record.stat().st_mtime))
    files = list(folder.glob("*.tif"))
    return State(folder, len(files), sum(file.stat().st_size for file in files), tuple(flaws), bool(files))


def remedy(states: Sequence[State], options: str) -> str:
    """Return a one-line shell command that makes the files again, but nothing downstream of them.

    If an array could not be opened, it ends with another verification, for the shards that could not be read.

    Parameters
    ----------
    states : of the products in the order in which they are made: a remade file must look old before files that need it
        are made.
    options : of the `snakemake` that found the flaws.
    """
    steps = []
    for flaws in (state.flaws for state in states if state.flaws):
        files = [shlex.quote(str(flaw.file)) for flaw in flaws]
        steps.append(f"snakemake {' '.join(files)} --force {options}".strip())
        times = [(flaw.modified, file) for flaw, file in zip(flaws, files, strict=True)]
        steps += [f"touch -d @{time:.6f} {file}" for time, file in times if time is not None]
    if any(flaw.file == state.path / "zarr.json" for state in states for flaw in state.flaws):
        steps.append(f"snakemake verify {options}".strip())
    return " && ".join(steps)


def table(states: Sequence[State]) -> Iterator[str]:
    """Yield the states as lines of a text table."""
    width = max(len(str(state.path)) for state in states)
    yield f"{'product':{width}}  {'files':>7}  {'size':>9}  state"
    for state in states:
        yield f"{state.path!s:{width}}  {state.files:7}  {formatting.size(state.size):>9}  {state.words}"


def _flaws(file: Path) -> Iterator[Flaw]:
    try:
        finite = READERS[file.suffix](file)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile, SafetensorError, UserError):
        yield Flaw(file, "is damaged", file.stat().st_mtime)
    else:
        if not finite:
            yield Flaw(file, "is damaged or holds values that are not finite", file.stat().st_mtime)


def _json(file: Path) -> bool:
    return isinstance(json.loads(file.read_text()), dict)


def _lines(file: Path) -> bool:
    return all(isinstance(json.loads(line), dict) for line in file.read_text().splitlines())


def _archive(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(damaged)
    return True


def _weights(file: Path) -> bool:
    weights = load_file(file)
    model_file.check_seal(file, weights)
    return all(np.isfinite(values).all() for values in weights.values())


def _hdf5(file: Path) -> bool:
    with h5py.File(file, "r") as content:
        values = content["entry/data/data"]
        return all(np.isfinite(values[chunk]).all() for chunk in values.iter_chunks())


READERS: Mapping[str, Callable[[Path], Any]] = {
    ".json": _json,
    ".jsonl": _lines,
    ".npz": _archive,
    ".ozx": _archive,
    ".safetensors": _weights,
    ".h5": _hdf5,
}
