"""The sections held in memory on the training device: normalised float16, in turns if not all of them fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common import prefetch
from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.networks.models import Normalisation
from tomodenoise.storage import grid
from tomodenoise.storage.sections import Sections
from tomodenoise.training.sampling import Part

RUN = 8
"""Rows to read at a time: a chunk of the array."""

LARGEST = 6e4
"""Largest normalised value; float16 ends at 65504."""


@dataclass(frozen=True)
class Source:
    """A scan to draw patches from, and the part of it that counts."""

    scan: Sections
    part: Part

    @property
    def row_bytes(self) -> int:
        """Memory of a row of all sections."""
        return len(self.scan.shares) * self.scan.channels * self.scan.size**2 * 2


@dataclass(frozen=True)
class Run:
    """Consecutive rows of a source."""

    source: int
    start: int
    stop: int


@dataclass(frozen=True)
class Store:
    """The sections in memory at a time: blocks of consecutive rows of all sections of a source, concatenated."""

    data: Tensor
    """Flat float16; in each block (section, channel, z, y, x)."""
    source: IntArray
    """(block,) number of its source."""
    first: IntArray
    """(block,) first row."""
    last: IntArray
    """(block,) row after the last one."""
    offset: IntArray
    """(block,) its start in the data."""
    row: IntArray
    """(line,) rows that patches may be centred on."""
    block: IntArray
    """(line,) number of the block that holds the row."""
    chance: FloatArray
    """(line,) cumulative probability of the rows, each proportional to the number of pixels that count."""


def stores(
    sources: Sequence[Source],
    halo: int,
    norm: Normalisation,
    memory: float,
    seeds: Sequence[Sequence[int]],
    device: torch.device,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Store]:
    """Yield a store for each seed: always everything if it fits, else a different choice of runs for each.

    Parameters
    ----------
    halo : rows that a patch may need on either side of its central one.
    memory : largest number of bytes to hold, but at least two runs are held. If not everything fits, one half is read
        in the background while the other is in use: release one store before requesting the next.
    seeds : one for each turn.
    share : number of this process and of all. If not everything fits, each turn deals the runs out to the processes.
    """
    everything = [Run(number, 0, source.scan.depth) for number, source in enumerate(sources)]
    if sum(_bytes(sources, run, 0) for run in everything) <= memory:
        yield from repeat(load(sources, everything, halo, norm, device), len(seeds))
        return

    choices = (choose(sources, halo, memory / 2, np.random.default_rng(seed), share) for seed in seeds)
    yield from prefetch.ahead(load(sources, runs, halo, norm, device) for runs in choices)


def choose(
    sources: Sequence[Source], halo: int, memory: float, rng: np.random.Generator, share: tuple[int, int] = (0, 1)
) -> list[Run]:
    """Pick random runs of rows until the memory is full, with probability by the pixels that count.

    Processes with equal generators and their own ``share``, number and count, pick different runs, if there are enough.
    """
    runs = [
        Run(number, start, min(start + RUN, source.scan.depth))
        for number, source in enumerate(sources)
        for start in np.unique(source.part.rows // RUN * RUN).tolist()
    ]
    area = np.array([sources[run.source].part.mask.sum() for run in runs], dtype=float)
    order = rng.choice(len(runs), len(runs), replace=False, p=area / area.sum())
    number, count = share
    order = order[number % len(order) :: count]
    needs = np.cumsum([_bytes(sources, runs[number], halo) for number in order])
    return [runs[number] for number in order[: max(1, int((needs <= memory).sum()))]]


def load(sources: Sequence[Source], runs: Sequence[Run], halo: int, norm: Normalisation, device: torch.device) -> Store:
    """Read runs with their halo, a few rows at a time."""
    scans = [sources[run.source].scan for run in runs]
    ends = [grid.with_halo(run.start, run.stop, halo, scan.depth) for run, scan in zip(runs, scans, strict=True)]
    shapes = [
        (len(scan.shares), scan.channels, last - first, scan.size, scan.size)
        for scan, (first, last) in zip(scans, ends, strict=True)
    ]
    offset = np.cumsum([0, *(np.prod(shape) for shape in shapes)])
    data = torch.empty(int(offset[-1]), dtype=torch.float16, device=device)
    for scan, rows, shape, start in zip(scans, ends, shapes, offset[:-1], strict=True):
        _fill(data[start : start + np.prod(shape)].view(shape), scan, rows, norm)
    lines = [_lines(sources[run.source].part, run) for run in runs]
    pixels = np.concatenate(
        [[sources[run.source].part.mask.sum()] * len(rows) for run, rows in zip(runs, lines, strict=True)]
    )
    return Store(
        data,
        np.array([run.source for run in runs]),
        np.array([first for first, _ in ends]),
        np.array([last for _, last in ends]),
        offset[:-1],
        np.concatenate(lines),
        np.repeat(np.arange(len(runs)), [len(rows) for rows in lines]),
        np.cumsum(pixels) / pixels.sum(),
    )


def _lines(part: Part, run: Run) -> IntArray:
    return part.rows[(part.rows >= run.start) & (part.rows < run.stop)]


def _bytes(sources: Sequence[Source], run: Run, halo: int) -> int:
    return sources[run.source].row_bytes * (run.stop - run.start + 2 * halo)


def _fill(block: Tensor, scan: Sections, rows: tuple[int, int], norm: Normalisation) -> None:
    first, last = rows
    for start in range(first, last, RUN):
        stop = min(start + RUN, last)
        values = norm.apply(torch.from_numpy(scan.read(start, stop)), axis=1)
        if not bool(torch.isfinite(values).all()):
            raise UserError(
                f"{scan.array}: rows {start} to {stop - 1} hold values that are not finite: check the projections, or"
                " exclude these rows with the scan's key rows"
            )
        # Rounded on the host: halves the transfer to a GPU.
        block[:, :, start - first : stop - first] = values.clamp_(-LARGEST, LARGEST).half()
