"""The memory and the run time that jobs request, by rule, and the amount of their work, with measured speeds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tomodenoise.correction import frames
from tomodenoise.denoising import previews
from tomodenoise.denoising.options import Denoise
from tomodenoise.denoising.tile_plan import READ_AT_ONCE, cube, step_bytes, window_bytes
from tomodenoise.exports.registry import single_files
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.storage.layout import Layout
from tomodenoise.training import schedule
from tomodenoise.training.options import Train

WITH_TORCH = 1000
"""Megabytes of a job with torch and a network besides its arrays; two Snakemakes are a part of them."""

IMAGES_ONLY = 450
"""Megabytes of a job without torch, besides its arrays."""

FEWEST_MINUTES = 30
"""Minutes that a job may take beyond those of its work."""

JUDGED_PIXELS = 2**25
"""Maximum of pixels in the slices that quality is judged on: a few dozen images of them must fit into memory."""

FEWEST_JUDGED, MOST_JUDGED = 2, 32
"""Slices that quality is judged on."""

FILTERING = 3e-6
"""Seconds of the slowest classical filter for a pixel, twice the time measured on one core."""

WATCHED = 4
"""Slices in the middle of a series that the report measures at every time step."""

NETWORK = (1 / 1.4e11, 1 / 2e10)
"""Seconds for an operation on one core, at best and at worst: measured from 2.7e10 to 1.6e11 operations a second."""

COPY = (3e-9, 20e-9)
"""Seconds for a byte that is read or written: measured at 3e-9; that of a slow disk is assumed."""


def reconstructing(layout: Layout, *, additive: bool) -> float:
    """Count the float32 in memory of a job that reconstructs a slab of a block of sections on a CPU.

    Notes
    -----
    The slab and its copy, more than the chunks that wait to be written take; its sinograms, and those of one union of
    sections; the gridding matrices of the union with the most projections, at most a gigabyte, and as much again while
    they are built, two kinds of them for iterative algorithms; a few slices in progress.
    """
    angles = layout.step_angles / layout.per_step if additive else layout.step_angles
    kinds = 1 if additive else 2
    a_step = 2.5 * layout.per_step * layout.size**2 + 1.5 * layout.step_angles * layout.columns
    slab = layout.rows * layout.blocks[0].stop * layout.channels * a_step
    matrices = min(32 * angles * layout.size, 2**28)
    return slab + 2 * kinds * matrices + 24 * layout.size**2


def denoising(spec: Spec, layout: Layout, denoise: Denoise) -> float:
    """Count the float32 in memory of a job that denoises a slab of a block of time steps on a CPU.

    Notes
    -----
    The slab and its compressed copy, more than the chunks that wait to be written take; slices for the report;
    sections and their means, read ahead; the block in progress, its results and those waiting to be collected; one pass
    of the network. The memory of each further time step was measured.
    """
    inputs = {"full": 0, "sections": layout.per_step, "section": 1}[denoise.input] + 1
    block = cube(spec)[0] if spec.volumetric else READ_AT_ONCE + spec.slices - 1
    read = READ_AT_ONCE * (2 * layout.per_step + 3 * inputs * spec.steps)
    work = (2 * inputs + 3 + 6 * inputs * (spec.steps - 1)) * block
    rows = 2 * layout.image_rows * layout.blocks[0].stop + read + work
    shown = 2 * min(previews.SLICES, layout.image_rows) * min(layout.size, previews.EDGE) ** 2
    return rows * layout.channels * layout.size**2 + shown + window_bytes(spec, (layout.size, layout.size)) / 4


def judged(size: int, many: int = 1) -> int:
    """Return the number of slices of ``size`` pixels a side and ``many`` channels or time steps to judge quality on."""
    return min(max(JUDGED_PIXELS // (size**2 * many), FEWEST_JUDGED), MOST_JUDGED)


def judging(networks: Sequence[Spec], layout: Layout, denoise: Denoise, rivals: int = 0) -> float:
    """Count the float32 in memory of a job that judges a scan: a few dozen images of its slices, and denoising.

    With several channels there are also the sections and four images of each; with time steps those of three.

    Parameters
    ----------
    networks : of the models that are applied, one after the other.
    rivals : number of filters and models that it is compared with.
    """
    images = 20 + 3 * rivals
    channels = layout.channels
    stored = max(layout.per_step, min(layout.times, 3)) * channels + (4 * channels if channels > 1 else 0)
    pixels = min(judged(layout.size, channels), layout.depth) * layout.size**2
    return max(denoising(spec, layout, denoise) for spec in networks) + (images + stored) * pixels


def judging_minutes(networks: Sequence[Spec], layout: Layout, denoise: Denoise, filters: int = 0) -> float:
    """Return the minutes of judging a scan on one slow core: passes of each model, six of the first, and filters.

    Each time step takes two more passes and those of the product, and so does each channel.
    """
    pixels = min(judged(layout.size, layout.channels), layout.depth) * layout.size**2
    inputs = layout.per_step if denoise.input == "sections" else 1
    passes = [inputs + (6 if number == 0 else 2) for number in range(len(networks))]
    work = sum(count * _operations(spec) for count, spec in zip(passes, networks, strict=True))
    if layout.times > 1 or layout.channels > 1:
        few = min(judged(layout.size, max(layout.times, layout.channels)), layout.depth) * layout.size**2
        work += layout.times * (inputs + 2) * _operations(networks[0]) * few / pixels
    return pixels * (work * denoise.ensemble * NETWORK[1] + 2 * filters * FILTERING) / 60


def denoising_work(spec: Spec, layout: Layout, denoise: Denoise, slices: int) -> float:
    """Return the operations of denoising some slices."""
    inputs = layout.per_step if denoise.input == "sections" else 1
    return _operations(spec) * slices * layout.size**2 * inputs * denoise.ensemble


def denoising_minutes(spec: Spec, layout: Layout, denoise: Denoise) -> float:
    """Return the minutes of denoising a slab on one slow core."""
    slices = layout.image_rows * layout.blocks[0].stop
    return denoising_work(spec, layout, denoise, slices) * NETWORK[1] / 60


def training_work(spec: Spec, train: Train) -> float:
    """Return the operations of a training, without making copies for its rounds."""
    by_iterations = (train.iterations or math.inf) * train.batch * train.patch**spec.dimensions
    return float(3 * _operations(spec) * min(train.pixels, by_iterations))


def watched(depth: int) -> tuple[int, int]:
    """Return the rows [start, stop) in the middle of a volume that the report measures."""
    middle = depth // 2
    return max(0, middle - WATCHED // 2), min(depth, middle + WATCHED // 2)


def watching(spec: Spec, layout: Layout) -> float:
    """Count the float32 of measuring a series: some slices of a few time steps, and reduced ones of all of them."""
    return (16 * (1 + layout.per_step) + spec.steps - 1) * WATCHED * layout.size**2 + 4 * layout.times * 256**2


def training(spec: Spec, scans: Sequence[Layout], train: Train) -> float:
    """Count the float32 in memory of a process that trains a model on a CPU.

    Parameters
    ----------
    scans : layouts of the scans that it trains on.

    Notes
    -----
    The sections in 16 bits, all of them or as many as `memory` allows, but at least two times eight rows; rows while
    they are read, normalised and rounded; a training step.
    """
    row = max(scan.runs[1] * scan.channels * scan.size**2 for scan in scans)
    everything = sum(math.prod(scan.runs) * scan.channels * scan.size**2 * scan.depth for scan in scans) / 2
    held = min(everything, max(float(train.memory) * 2**28, (READ_AT_ONCE + spec.slices) * row))
    return 1.1 * held + 4 * READ_AT_ONCE * row + step_bytes(spec, train.batch, train.patch) / 4


def projecting(layout: Layout) -> float:
    """Count the float32 of a training while it makes copies of a block of rows: these, and the gridding matrices.

    Sections, their residuals and those of a copy, and some volumes more, as measured; for projection and for
    reconstruction the matrices of a section, and as much again while they are built.
    """
    block = schedule.COPIED * layout.channels * layout.size**2
    matrices = min(32 * layout.angles / layout.per_step * layout.size, 2**28)
    return (4 * layout.per_step + 12) * block + 4 * matrices


def copying_minutes(layout: Layout) -> int:
    """Return the minutes of writing a volume in another format on a slow disk."""
    return math.ceil(4 * math.prod(layout.levels[0].shape) * COPY[1] / 60)


def _operations(spec: Spec) -> float:
    return NETWORKS[spec.name].operations(spec)


@dataclass(frozen=True)
class Need:
    """Memory and run time of the jobs of a rule."""

    floats: Callable[[Run, Wildcards], float]
    """Number of float32 that a job holds."""
    alone: int = WITH_TORCH
    """Megabytes besides these: two Snakemakes, Python and its libraries."""
    minutes: Callable[[Run, Wildcards], float] = lambda _run, _job: 0.0
    """Of its work on one slow core."""
    is_sized: bool = False
    """True if the memory depends on the size of slices, which may follow from the center."""


def _denoised(run: Run, job: Wildcards) -> tuple[Spec, Layout, Denoise]:
    return run.spec(run.config.model_of(job.scan)), run.current_layout(job.scan), run.config.denoise


def _judged(run: Run, job: Wildcards) -> tuple[list[Spec], Layout, Denoise, int]:
    networks = [run.spec(name) for name in run.judged_models(job.scan)]
    return networks, run.current_layout(job.scan), run.config.denoise, len(run.config.compare)


def _dosing(run: Run, job: Wildcards) -> float:
    """Count the float32 of judging, and of correcting and reconstructing some rows."""
    layout = run.projected(job.scan)
    options = run.config.scans[job.scan].correct
    rows = min(judged(layout.size, layout.channels), layout.depth)
    correcting = frames.held(run.entries[job.scan].scan, layout.angles, rows, options)
    return judging(*_judged(run, job)) + correcting + _reconstructing(run, job)


def _describing(run: Run, job: Wildcards) -> float:
    projections = run.projected(job.scan).angle_blocks[0].stop
    return frames.describing(run.entries[job.scan].scan, projections, run.config.scans[job.scan].correct)


def _correcting(run: Run, job: Wildcards) -> float:
    layout = run.projected(job.scan)
    options = run.config.scans[job.scan].correct
    return frames.held(run.entries[job.scan].scan, layout.projections.shard[0], layout.projection_rows, options)


def _centering(run: Run, job: Wildcards) -> float:
    layout = run.projected(job.scan)
    return (200 + 2 * layout.channels) * run.entries[job.scan].resting[1] * layout.columns


def _reconstructing(run: Run, job: Wildcards) -> float:
    return reconstructing(
        run.current_layout(job.scan), additive=run.config.scans[job.scan].reconstruct.capabilities.additive
    )


def _halving(run: Run, job: Wildcards) -> float:
    layout = run.current_layout(job.scan)
    rows = 3 * layout.channels * layout.image_rows * layout.levels[0].shard[0] + 16 * READ_AT_ONCE
    return float(rows * (layout.size / 2 ** int(job.level)) ** 2)


def _mixing(run: Run, job: Wildcards) -> float:
    layout = run.current_layout(job.scan)
    rows = 2 * layout.image_rows * layout.levels[0].shard[0] + READ_AT_ONCE * (layout.per_step + 2)
    return rows * layout.channels * layout.size**2


def _repeats(run: Run, job: Wildcards) -> int:
    """Return how often a volume is denoised for its uncertainty."""
    return run.entries[job.scan].choice.sections


def _slab(run: Run, job: Wildcards) -> float:
    """Count the voxels of one time step in a slab of a volume."""
    layout = run.current_layout(job.scan)
    return float(layout.channels * layout.image_rows * layout.size**2)


def _pixels_judged(run: Run, job: Wildcards) -> float:
    """Count the pixels of the judged slices, for each section and a few images more."""
    layout = run.current_layout(job.scan)
    rows = min(judged(layout.size, layout.channels), layout.depth)
    return float(layout.channels * rows * layout.size**2 * (1 + _repeats(run, job) / 4))


def _training(run: Run, job: Wildcards) -> float:
    layouts = [run.current_layout(scan) for scan in run.config.trained_on(job.model)]
    proper = training(run.spec(job.model), layouts, run.config.train)
    return max([proper, *map(projecting, layouts)]) if run.rounds(job.model) else proper


NEEDS: Mapping[str, Need] = {
    "describe_scan": Need(_describing, 600),
    "correct_slab": Need(_correcting, 550),
    "find_center": Need(_centering, 800),
    "reconstruct_slab": Need(_reconstructing, 950, is_sized=True),
    "train_model": Need(_training),
    "denoise_slab": Need(
        lambda run, job: denoising(*_denoised(run, job)),
        minutes=lambda run, job: denoising_minutes(*_denoised(run, job)),
        is_sized=True,
    ),
    "calibrate_uncertainty": Need(
        lambda run, job: judging(*_judged(run, job)) + 8 * _pixels_judged(run, job),
        minutes=lambda run, job: 4 * _repeats(run, job) * judging_minutes(*_judged(run, job)),
    ),
    "uncertain_slab": Need(
        lambda run, job: denoising(*_denoised(run, job)) + 4 * _slab(run, job),
        minutes=lambda run, job: _repeats(run, job) * denoising_minutes(*_denoised(run, job)),
        is_sized=True,
    ),
    "halve_slab": Need(_halving, IMAGES_ONLY, is_sized=True),
    "mix_slab": Need(_mixing, IMAGES_ONLY, is_sized=True),
    "judge_scan": Need(
        lambda run, job: judging(*_judged(run, job)),
        minutes=lambda run, job: judging_minutes(*_judged(run, job)),
    ),
    "judge_dose": Need(
        _dosing, minutes=lambda run, job: 4 * len(run.parts(job.scan)) * judging_minutes(*_judged(run, job))
    ),
    "watch_series": Need(lambda run, job: watching(*_denoised(run, job)[:2]), IMAGES_ONLY),
    "export_tiff_slab": Need(
        lambda run, job: 3 * READ_AT_ONCE * run.current_layout(job.scan).size ** 2, IMAGES_ONLY, is_sized=True
    ),
    "export_file": Need(
        lambda run, job: single_files()[job.suffix].slices * run.current_layout(job.scan).size ** 2,
        IMAGES_ONLY,
        lambda run, job: copying_minutes(run.current_layout(job.scan)),
    ),
}
"""By rule."""


@dataclass(frozen=True)
class Needs:
    """Memory and run time of the jobs of a run."""

    run: Run

    def memory(self, rule: str) -> Callable[..., int]:
        """Return the function of wildcards, threads and attempt that Snakemake calls for the megabytes of a job."""
        if rule == "train_model":  # each of its threads is a process
            return lambda wildcards, threads, attempt: threads * self.megabytes(rule, wildcards, attempt)
        return lambda wildcards, attempt: self.megabytes(rule, wildcards, attempt)

    def runtime(self, rule: str) -> Callable[..., int]:
        """Return the function of wildcards and attempt that Snakemake calls for the minutes of a job."""
        minutes = NEEDS[rule].minutes
        return lambda wildcards, attempt: attempt * (FEWEST_MINUTES + int(minutes(self.run, wildcards)))

    def megabytes(self, rule: str, job: Wildcards, attempt: int = 1) -> int:
        """Return the memory of a job, more with each attempt."""
        need = NEEDS[rule]
        return int(attempt * (need.alone + need.floats(self.run, job) * 4 / 2**20))

    def known_megabytes(self, rule: str, job: Wildcards) -> int:
        """Return the memory of a job; 0 if it depends on a center that is still to be found."""
        if NEEDS[rule].is_sized and not self.run.is_size_known(job.scan):
            return 0
        return self.megabytes(rule, job)
