"""Checks before a run: its plan, and whether raw files are readable and disk and memory suffice."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from tomodenoise.common import disk_usage, formatting
from tomodenoise.common.errors import UserError
from tomodenoise.exports.registry import EXPORTS
from tomodenoise.planning import forecast
from tomodenoise.planning.forecast import Stage
from tomodenoise.planning.memory import Needs
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.planning.scan_table import Entry
from tomodenoise.reconstruction.engines.registry import ITERATIONS
from tomodenoise.scans import reading
from tomodenoise.scans.description import Frames, Scan


@dataclass(frozen=True)
class Plan:
    """The stages of each scan, and the trainings of the models."""

    entries: Mapping[str, Entry]
    scans: Mapping[str, list[Stage]]
    trainings: Mapping[str, Stage]

    @property
    def stages(self) -> list[Stage]:
        """Stages of all scans and models."""
        return [*chain.from_iterable(self.scans.values()), *self.trainings.values()]


def plan(run: Run) -> Plan:
    """Plan the stages of each scan and the trainings of a run, with the memory of their jobs."""
    needs = Needs(run)
    scans = {}
    for name in run.scans:
        engine = run.config.scans[name].reconstruct
        iterations = 0 if engine.capabilities.filtered else engine.iterations or ITERATIONS
        spec = run.spec(run.config.model_of(name))
        stages = forecast.of_scan(run.current_layout(name), spec, run.config, iterations)
        scans[name] = [replace(s, megabytes=needs.known_megabytes(s.rule, _job(name, s))) for s in stages]
    trainings = {}
    for model in run.trained_models:
        stage = forecast.of_training(run.spec(model), run.config.train)
        trainings[model] = replace(stage, megabytes=needs.megabytes(stage.rule, Wildcards(model=model)))
    return Plan(run.entries, scans, trainings)


def _job(scan: str, stage: Stage) -> Wildcards:
    """Return one of the largest jobs of a stage."""
    suffix = EXPORTS[stage.name].suffix if stage.name in EXPORTS else ""
    return Wildcards(scan=scan, level="1", suffix=suffix)


def headline(name: str, entry: Entry) -> str:
    """Describe a scan in one line."""
    scan, angles = entry.scan, entry.scan.angles
    flats, darks = (sum(len(group.indices) for group in groups) for groups in (scan.flats, scan.darks))
    size = "pixel size unknown" if scan.pixel_size is None else f"{scan.pixel_size:g} um"
    span = math.degrees(float(angles.max() - angles.min()))
    return (
        f"{name}: {scan.file} ({scan.layout}, {scan.kind}), {len(angles)} projections of {scan.depth} x {scan.columns}"
        f" over {round(span, 1):g} degrees, {flats} flats, {darks} darks, {size}, {entry.choice.sections} sections"
    )


def unreadable(scan: Scan) -> Iterator[str]:
    """Read a row of the first and the last frame of each kind, as headers can be intact if data are not."""
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
    """Return about how many bytes a scan will add to the disk."""
    return max(sum(stage.size for stage in stages) - disk_usage.of(results / name).size, 0)


def of_disk(needed: int, folder: Path) -> Iterator[str]:
    """Compare the bytes to be written with the free disk space."""
    free = shutil.disk_usage(folder).free
    place = folder.resolve()
    if needed > free:
        message = f"{formatting.size(needed)} are to be written, but {place} has {formatting.size(free)} free"
        yield f"{message}: free some space, or run with --config intermediates=delete"
    if not os.access(folder, os.W_OK):
        yield f"{place} cannot be written to: correct its permissions, or run elsewhere with --directory"


def of_memory(plan: Plan) -> Iterator[str]:
    """Compare the memory of the jobs of each stage with this machine's."""
    models = {f"model {name}": [stage] for name, stage in plan.trainings.items()}
    for name, stages in {**plan.scans, **models}.items():
        for stage in stages:
            if stage.megabytes > memory():
                message = f"a job of {stage.rule} needs {stage.megabytes} MB, but this machine has {memory()}"
                yield f"{name}: {message}: lower slab_megabytes"


def hint(plan: Plan, cores: int) -> str | None:
    """Return advice if the jobs that run at the same time exceed this machine's memory, else None."""
    largest = max((stage.megabytes for stage in plan.stages), default=0)
    if largest * cores <= memory():
        return None
    return f"{cores} jobs of {largest} MB do not fit into {memory()} MB: add --resources mem_mb={memory() * 9 // 10}"


def memory() -> int:
    """Memory of this machine, megabytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
