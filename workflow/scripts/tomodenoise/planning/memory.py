"""The memory and the run time that jobs request, by rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tomodenoise.correction import frames
from tomodenoise.denoising.tile_plan import READ_AT_ONCE
from tomodenoise.exports.registry import single_files
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.storage.layout import Layout

WITH_TORCH = 1000
"""Megabytes of a job with torch and a network besides its arrays; two Snakemakes are a part of them."""

IMAGES_ONLY = 450
"""Megabytes of a job without torch, besides its arrays."""

FEWEST_MINUTES = 30
"""Minutes that a job may take beyond those of its work."""


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


def _network_and_layout(run: Run, job: Wildcards) -> tuple[Spec, Layout]:
    return run.spec(run.config.model_of(job.scan)), run.current_layout(job.scan)


def _networks_and_layout(run: Run, job: Wildcards) -> tuple[list[Spec], Layout]:
    return [run.spec(name) for name in run.judged_models(job.scan)], run.current_layout(job.scan)


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
    return resources.reconstructing(
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


def _training(run: Run, job: Wildcards) -> float:
    layouts = [run.current_layout(scan) for scan in run.config.trained_on(job.model)]
    return resources.training(run.spec(job.model), layouts, run.config.train)


NEEDS: Mapping[str, Need] = {
    "describe_scan": Need(_describing, 600),
    "correct_slab": Need(_correcting, 550),
    "find_center": Need(_centering, 800),
    "reconstruct_slab": Need(_reconstructing, 950, is_sized=True),
    "train_model": Need(_training),
    "denoise_slab": Need(
        lambda run, job: resources.denoising(*_network_and_layout(run, job), run.config.denoise.input),
        minutes=lambda run, job: resources.denoising_minutes(*_network_and_layout(run, job), run.config.denoise),
        is_sized=True,
    ),
    "halve_slab": Need(_halving, IMAGES_ONLY, is_sized=True),
    "mix_slab": Need(_mixing, IMAGES_ONLY, is_sized=True),
    "judge_scan": Need(
        lambda run, job: resources.judging(
            *_networks_and_layout(run, job), run.config.denoise.input, len(run.config.compare)
        ),
        minutes=lambda run, job: resources.judging_minutes(
            *_networks_and_layout(run, job), run.config.denoise, len(run.config.compare)
        ),
    ),
    "watch_series": Need(lambda run, job: resources.watching(*_network_and_layout(run, job)), IMAGES_ONLY),
    "export_tiff_slab": Need(
        lambda run, job: 3 * READ_AT_ONCE * run.current_layout(job.scan).size ** 2, IMAGES_ONLY, is_sized=True
    ),
    "export_file": Need(
        lambda run, job: single_files()[job.suffix].slices * run.current_layout(job.scan).size ** 2,
        IMAGES_ONLY,
        lambda run, job: resources.copying_minutes(run.current_layout(job.scan)),
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
