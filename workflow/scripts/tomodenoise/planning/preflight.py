"""Checks before a run: its plan, and whether files, disk and memory are fit for it."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tomodenoise.common import disk_usage, formatting
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.planning import forecast, scan_table
from tomodenoise.planning.forecast import Stage
from tomodenoise.planning.scan_table import Entry
from tomodenoise.reconstruction.engines.registry import ITERATIONS
from tomodenoise.scans import reading
from tomodenoise.scans.description import Frames, Scan


@dataclass(frozen=True)
class Plan:
    """The scans of a configuration, the stages of each, and the trainings of the models."""

    entries: Mapping[str, Entry]
    scans: Mapping[str, list[Stage]]
    trainings: Mapping[str, Stage]

    @property
    def stages(self) -> list[Stage]:
        """All of them."""
        return [*chain.from_iterable(self.scans.values()), *self.trainings.values()]


def plan(config: Config) -> Plan:
    """Open the scans and models of a configuration, and plan the stages of each."""
    entries = scan_table.open_all(config, installed_elsewhere=True)
    files = scan_table.open_models(config, entries)
    specs = {model: scan_table.spec_of(config, entries, files, model) for model in config.used_models}
    scans = {}
    for name, entry in entries.items():
        engine = config.scans[name].reconstruct
        iterations = 0 if engine.capabilities.filtered else engine.iterations or ITERATIONS
        scans[name] = forecast.of_scan(entry.layout, specs[config.model_of(name)], config, iterations)
    trained = {model: spec for model, spec in specs.items() if config.trained_on(model)}
    trainings = {model: forecast.of_training(spec, config.train) for model, spec in trained.items()}
    return Plan(entries, scans, trainings)


def headline(name: str, entry: Entry) -> str:
    """Describe a scan in a line."""
    scan, angles = entry.scan, entry.scan.angles
    flats, darks = (sum(len(group.indices) for group in groups) for groups in (scan.flats, scan.darks))
    size = "pixel size unknown" if scan.pixel_size is None else f"{scan.pixel_size:g} um"
    span = math.degrees(float(angles.max() - angles.min()))
    return (
        f"{name}: {scan.file} ({scan.layout}, {scan.kind}), {len(angles)} projections of {scan.depth} x {scan.columns}"
        f" over {span:.4g} degrees, {flats} flats, {darks} darks, {size}, {entry.choice.sections} sections"
    )


def unreadable(scan: Scan) -> Iterator[str]:
    """Read a row of the first and the last frame of each kind: headers can be whole where the data are not."""
    if scan.channels is not None:
        try:
            reading.read_channels(scan, (0, 1))
        except UserError as error:
            yield str(error)
        return
    groups: Iterable[Frames] = (*scan.projections, *scan.flats, *scan.darks)
    row = (scan.rows[0], scan.rows[0] + 1)
    for group in groups:
        for frame in {0, len(group.indices) - 1}:
            try:
                reading.read(group, row, slice(frame, frame + 1))
            except UserError as error:
                yield f"{group.dataset}: frame {group.indices[frame]}: {error}"


def to_write(name: str, stages: Sequence[Stage], results: Path) -> int:
    """Count the bytes that a scan will add to the disk, about."""
    there = disk_usage.of(results / name).size
    return max(sum(stage.size for stage in stages) - there, 0)


def of_disk(needed: int, folder: Path) -> Iterator[str]:
    """Compare what is to be written with what is free."""
    free, place = shutil.disk_usage(folder).free, folder.resolve()
    if needed > free:
        message = f"{formatting.size(needed)} are to be written, but {place} has {formatting.size(free)} free"
        yield f"{message}: make room, or run with --config intermediates=delete"
    if not os.access(folder, os.W_OK):
        yield f"{place} cannot be written to: correct its permissions, or run elsewhere with --directory"


def of_memory(asked: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Compare what a job of each rule asks for, megabytes by scan and rule, with this machine's memory."""
    for scan, rules in asked.items():
        for rule, megabytes in rules.items():
            if megabytes > memory():
                message = f"a job of {rule} asks for {megabytes} MB, but this machine has {memory()}"
                yield f"{scan}: {message}: lower slab_megabytes"


def hint(asked: Mapping[str, Mapping[str, int]], cores: int) -> str | None:
    """Say how to keep the jobs that run at the same time within this machine's memory."""
    largest = max((megabytes for rules in asked.values() for megabytes in rules.values()), default=0)
    if largest * cores <= memory():
        return None
    return f"{cores} jobs of {largest} MB do not fit into {memory()} MB: add --resources mem_mb={memory() * 9 // 10}"


def memory() -> int:
    """Memory of this machine, megabytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
