"""Whether products on disk are whole: every shard there, undamaged and finite; what each takes of the disk."""

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
TRAINED = ("model.safetensors", "history.jsonl")
MADE_OF_VOLUMES = ("figures/planes/*.npz", "figures/*.npz", "*.ome.zarr/zarr.json", "*.h5", "*.ozx")


@dataclass(frozen=True)
class Expected:
    """An array as the configuration plans it."""

    path: Path
    shape: tuple[int, ...]
    shard: tuple[int, ...]
    lasting: bool
    """Whether it is a result; what only leads to one may be gone once that is made."""


@dataclass(frozen=True)
class Flaw:
    """A file that is to be made again."""

    file: Path
    what: str
    modified: float | None
    """When the file was made, in seconds, or one beside it where it is missing; None where there is none.

    Once it is made again with equal bits it can be given that time: then nothing that follows from it runs again.
    """


@dataclass(frozen=True)
class State:
    """What was found of a product."""

    path: Path
    files: int
    size: int
    """Bytes."""
    flaws: tuple[Flaw, ...]
    made: bool = True
    """Whether anything of it is there."""

    @property
    def words(self) -> str:
        """State for people to read."""
        if self.flaws:
            return f"{len(self.flaws)} to be made again"
        return "whole" if self.made else "none"


def survey(
    results: Path, arrays: Sequence[Expected], scans: Sequence[str], models: Sequence[str], threads: int
) -> list[State]:
    """Look at all products, in the order in which they are made."""
    folders = [results / scan for scan in scans]
    states = [of_files(folder, pattern) for folder in folders for pattern in HEADERS]
    states += [of_array(array, threads) for array in arrays if not array.lasting]
    states += [of_files(results / "models" / model, pattern) for model in models for pattern in TRAINED]
    states += [of_array(array, threads) for array in arrays if array.lasting]
    states += [of_files(folder, pattern) for folder in folders for pattern in MADE_OF_VOLUMES]
    return states + [of_stack(stack) for folder in folders for stack in sorted(folder.glob("*_tiff*"))]


def finished(folder: Path, arrays: Sequence[Expected], threads: int) -> bool:
    """Tell whether the volumes of a scan are whole and judged, so that what led to them may go."""
    states = [of_array(array, threads) for array in arrays if array.lasting]
    return (folder / "quality.json").exists() and all(state.made and not state.flaws for state in states)


def of_array(expected: Expected, threads: int) -> State:
    """Read all shards of an array, some at a time."""
    path, metadata = expected.path, expected.path / "zarr.json"
    times = {file: file.stat().st_mtime for file in (metadata, *path.glob("c/**/*")) if file.is_file()}
    shards = times.keys() - {metadata}
    if not shards and not (expected.lasting and times):
        return State(path, 0, 0, (), made=False)
    try:
        array = zarr_arrays.open_array(path)
        if array.shape != expected.shape:
            raise UserError(f"{metadata} declares the shape {array.shape} in the place of {expected.shape}")
    except (FileNotFoundError, UserError):
        what = ("is damaged" if metadata in times else "is missing") + ", so that its shards were not read"
        flaws = [Flaw(metadata, what, times.get(metadata, min(times.values())))]
    else:
        with ThreadPoolExecutor(threads) as pool:
            indices = zarr_arrays.shards(path)
            found = zip(indices, pool.map(lambda index: zarr_arrays.flaw(path, index), indices), strict=True)
            files = [(zarr_arrays.shard_file(path, index), what) for index, what in found if what]
        latest = max((times[file] for file in shards), default=None)
        flaws = [Flaw(file, what, times.get(file, latest)) for file, what in files]
    return State(path, len(shards), sum(file.stat().st_size for file in shards), tuple(flaws))


def of_files(folder: Path, pattern: str) -> State:
    """Read small files, and those of other formats, as far as they can tell whether they are whole."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    flaws = [flaw for file in files for flaw in _flaws(file)]
    return State(folder / pattern, len(files), sum(file.stat().st_size for file in files), tuple(flaws), bool(files))


def of_stack(folder: Path) -> State:
    """Compare the slices of a stack of TIFF files with the records of the slabs that wrote them."""
    flaws = []
    for record in sorted(folder.glob("slabs/*.json")):
        found = [f"{file.name} {what}" for file, what in tiff.flaws(folder, json.loads(record.read_text()))]
        flaws += (
            [Flaw(record, f"tells of slices, of which {', '.join(found)}", record.stat().st_mtime)] if found else []
        )
    files = list(folder.glob("*.tif"))
    return State(folder, len(files), sum(file.stat().st_size for file in files), tuple(flaws), bool(files))


def remedy(states: Sequence[State], options: str) -> str:
    """Give the one line of shell that makes files again, and nothing that follows from them.

    Where an array could not be opened it looks again in the end, at the shards that could not be read before.

    Parameters
    ----------
    states : of products in the order in which they are made: what was mended must look old before what needs it is.
    options : of the `snakemake` that found them.
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
    """Lay out what was found as lines of text."""
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
        if spoiled := archive.testzip():
            raise zipfile.BadZipFile(spoiled)
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
