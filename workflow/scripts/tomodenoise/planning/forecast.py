"""A forecast of a run: jobs, memory, time and disk space of each stage of a scan, and problems."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from tomodenoise.common import disk_usage, formatting
from tomodenoise.common.errors import UserError
from tomodenoise.config import effort
from tomodenoise.config.model import Config
from tomodenoise.exports.registry import EXPORTS
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources
from tomodenoise.planning.resources import COPY, NETWORK, Needs
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.planning.scan_table import Entry
from tomodenoise.reconstruction.engines.registry import ITERATIONS
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import reading
from tomodenoise.scans.description import Frames, Scan
from tomodenoise.storage import zarr_arrays
from tomodenoise.storage.layout import Extent, Layout
from tomodenoise.training.options import Train

START = (1.0, 12.0)
"""Seconds to start a job: on one machine, and under SLURM."""

CORRECT = (10e-9, 30e-9)
"""Seconds for a pixel of the projections, on one core; measured at 20e-9 with the job's start."""

CENTER = (30e-9, 80e-9)
"""Seconds for a pixel of the 32 rows that are used."""

RECONSTRUCT = (20e-9, 80e-9)
"""Seconds for a pixel of a section by filtered backprojection; measured at 22e-9, with the job's start at 65e-9."""

ROUNDED = 0.6
"""Bytes of a section with `bits: 16` per byte without; measured at 0.43 to 0.48."""

OF_PARTS = ("correct", "reconstruct")
"""Stages of a part of the dose of a scan, besides a training."""

ITERATIVE = 160
"""Factor by which 100 iterations of an iterative algorithm take longer than filtered backprojection."""


@dataclass(frozen=True)
class Stage:
    """The jobs of a stage."""

    name: str
    rule: str
    """The rule that does the work."""
    jobs: int
    seconds: tuple[float, float]
    """Of all jobs together on one core, at best and at worst."""
    size: int
    """Bytes on disk, before compression."""
    megabytes: int = 0
    """Memory of a job; 0 if it is not known yet."""


@dataclass(frozen=True)
class Plan:
    """The stages of each scan, and the trainings of the models."""

    scans: Mapping[str, list[Stage]]
    trainings: Mapping[str, Stage]

    @property
    def stages(self) -> list[Stage]:
        """Stages of all scans and models."""
        return [*chain.from_iterable(self.scans.values()), *self.trainings.values()]


def plan(run: Run) -> Plan:
    """Plan the stages of each scan and the trainings of a run, with the memory of their largest jobs."""
    needs = Needs(run)
    scans = {}
    for name in (*run.scans, *run.virtual):
        spec = run.spec(run.config.model_of(name))
        stages = of_scan(run.current_layout(name), spec, run.config, run.config.scans[name].reconstruct)
        if name in run.virtual:
            stages = [stage for stage in stages if stage.name in OF_PARTS]
        if name in run.studied:
            stages.append(_of_study(run, name))
        suffixes = {kind: export.suffix for kind, export in EXPORTS.items()}
        jobs = [Wildcards(scan=name, level="1", suffix=suffixes.get(stage.name, "")) for stage in stages]
        memory = [needs.known_megabytes(stage.rule, job) for stage, job in zip(stages, jobs, strict=True)]
        scans[name] = [replace(stage, megabytes=part) for stage, part in zip(stages, memory, strict=True)]
    trainings = {}
    for model in (*run.trained_models, *run.virtual):
        stage = of_training(run.spec(model), run.config.train)
        trainings[model] = replace(stage, megabytes=needs.megabytes(stage.rule, Wildcards(model=model)))
    return Plan(scans, trainings)


def of_scan(layout: Layout, spec: Spec, config: Config, reconstruct: Reconstruct) -> list[Stage]:
    """Plan a scan, without the training.

    Notes
    -----
    Times were measured on one machine without a GPU and are widened to a range. A GPU shortens denoising and
    reconstruction by a factor that has not been measured yet.
    """
    projections = _bytes(layout.projections)
    volumes = _bytes(layout.volumes)
    stored = int(ROUNDED * volumes) if reconstruct.bits == 16 else _padded_bytes(layout.volumes)
    image = _bytes(layout.levels[0])
    coarser = sum(map(_bytes, layout.levels[1:]))
    slabs = _shards(layout.levels[0])
    halving = sum(map(_shards, layout.levels[1:]))
    iterations = 0 if reconstruct.capabilities.filtered else reconstruct.iterations or ITERATIONS
    effort = ITERATIVE * iterations / 100 or 1.0
    rows = min(layout.depth, 32)
    slices = math.prod(layout.levels[0].shape[:3])
    denoising = resources.denoising_work(spec, layout, config.denoise, slices)
    sure = config.denoise.uncertainty * layout.per_step
    filters = len(config.filters)
    judging = 60 * resources.judging_minutes([spec], layout, config.denoise, filters)
    return [
        _stage("correct", "correct_slab", _shards(layout.projections), CORRECT, projections / 4, projections),
        _stage("center", "find_center", 1, CENTER, rows * layout.angles * layout.columns, 0),
        _stage("reconstruct", "reconstruct_slab", _shards(layout.volumes), RECONSTRUCT, effort * volumes / 4, stored),
        _stage("denoise", "denoise_slab", slabs, NETWORK, denoising, image),
        *[_stage("uncertainty", "uncertain_slab", slabs, NETWORK, sure * denoising, image)] * bool(sure),
        Stage("judge", "judge_scan", 1, (judging * NETWORK[0] / NETWORK[1], judging), 0),
        _stage("pyramid", "halve_slab", halving, COPY, coarser * 8, coarser),
        *_exports(config.export, layout.levels, slabs, halving),
    ]


def _of_study(run: Run, scan: str) -> Stage:
    """Plan the judgement of the parts of a scan's dose."""
    slowest = 60 * resources.NEEDS["judge_dose"].minutes(run, Wildcards(scan=scan))
    return Stage("dose", "judge_dose", 1, (slowest * NETWORK[0] / NETWORK[1], slowest), 0)


def of_training(spec: Spec, train: Train) -> Stage:
    """Plan the training of a model; the limits of its section may end it earlier."""
    stage = _stage("train", "train_model", 1, NETWORK, resources.training_work(spec, train), 0)
    if train.minutes is None:
        return stage
    best, worst = (min(seconds, 60 * train.minutes) for seconds in stage.seconds)
    return replace(stage, seconds=(best, worst))


def efforts(network: str, channels: int) -> str:
    """Format the time that a training takes on one core for each word of `effort`, with nothing else set."""
    times = []
    for word in effort.KEYS:
        keys = effort.apply({"effort": word, "network": {"name": network}})
        spec = specs.complete(Network.model_validate(keys["network"]), channels)
        stage = of_training(spec, Train.model_validate(keys.get("train", {})))
        times.append(f"{word} {formatting.duration(stage.seconds)}")
    return f"effort: {', '.join(times)} for a training on one core, with nothing else set"


def copies(rounds: int) -> Iterator[str]:
    """Format that a training takes rounds on projected copies; nothing if it takes none."""
    if rounds:
        yield f"  including {rounds} rounds on projected copies, for few angles (train.reproject)"


def lines(stages: Sequence[Stage]) -> Iterator[str]:
    """Format stages as lines of text."""
    yield f"  {'stage':14}{'jobs':>6}{'memory of a job':>18}{'time on one core':>22}{'writes':>12}"
    for stage in stages:
        memory = f"{stage.megabytes / 1000:.1f} GB" if stage.megabytes else "once centered"
        time = formatting.duration(stage.seconds)
        size = formatting.size(stage.size)
        yield f"  {stage.name:14}{stage.jobs:6}{memory:>18}{time:>22}{size:>12}"


def together(stages: Sequence[Stage], cores: int) -> tuple[float, float]:
    """Return the time of a run, at best and at worst: the jobs of a stage share the cores, a training uses one."""
    low = high = 0.0
    for name in {stage.name for stage in stages}:
        alike = [stage for stage in stages if stage.name == name]
        sharing = min(cores, max(sum(stage.jobs for stage in alike), 1))
        low += sum(stage.seconds[0] for stage in alike) / sharing
        high += sum(stage.seconds[1] for stage in alike) / sharing
    return low, high


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


def _exports(wanted: Sequence[str], levels: Sequence[Extent], slabs: int, halving: int) -> Iterator[Stage]:
    image = _bytes(levels[0])
    if "reconstruction" in wanted:
        yield _stage("reconstruction", "mix_slab", slabs + halving, COPY, 4 * image, sum(map(_padded_bytes, levels)))
    volumes = 2 if "reconstruction" in wanted else 1
    for kind, export in EXPORTS.items():
        if kind in wanted and kind != "reconstruction":
            rule = "export_tiff_slab" if export.by_slab else "export_file"
            jobs = volumes * (slabs if export.by_slab else 1)
            yield _stage(kind, rule, jobs, COPY, 2 * volumes * image, int(export.share * volumes * image))


def _stage(name: str, rule: str, jobs: int, costs: tuple[float, float], amount: float, size: int) -> Stage:
    best, worst = (start * jobs + cost * amount for start, cost in zip(START, costs, strict=True))
    return Stage(name, rule, jobs, (best, worst), size)


def _bytes(extent: Extent) -> int:
    return 4 * math.prod(extent.shape)


def _padded_bytes(extent: Extent) -> int:
    """Count what an uncompressed array of slices takes, whose chunks at the far edges are stored whole."""
    chunk = zarr_arrays.chunk(extent.shard)
    return 4 * math.prod(-(-length // edge) * edge for length, edge in zip(extent.shape, chunk, strict=True))


def _shards(extent: Extent) -> int:
    return math.prod(-(-length // shard) for length, shard in zip(extent.shape, extent.shard, strict=True))
