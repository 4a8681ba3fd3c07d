"""The memory and the minutes that jobs ask for, by rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tomodenoise.correction import frames
from tomodenoise.denoising import tile_plan
from tomodenoise.exports.registry import single_files
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources, scan_table
from tomodenoise.planning.run import Run, Wildcards

WITH_TORCH = 1000
"""Megabytes of a job with torch and a network besides its arrays, of which two Snakemakes are a part."""

IMAGES_ONLY = 450
"""Megabytes of a job without torch, besides its arrays."""

FEWEST_MINUTES = 30
"""Minutes that a job may take beyond what is planned for its work."""


@dataclass(frozen=True)
class Need:
    """What a job of one rule needs."""

    floats: Callable[[Run, Wildcards], float]
    """Number of float32 that it holds."""
    alone: int = WITH_TORCH
    """Megabytes besides these: two Snakemakes, Python and its libraries."""
    minutes: Callable[[Run, Wildcards], float] = lambda _run, _job: 0.0
    """That its work takes on one slow core."""
    is_sized: bool = False
    """Whether it depends on the size of slices, and is known once the center is."""


def _spec(run: Run, job: Wildcards) -> Spec:
    return run.spec(run.config.model_of(job.scan))


def _describing(run: Run, job: Wildcards) -> float:
    projections = run.projected(job.scan).angle_blocks[0].stop
    return frames.describing(run.entries[job.scan].scan, projections, run.config.scans[job.scan].correct)


def _correcting(run: Run, job: Wildcards) -> float:
    layout, correction = run.projected(job.scan), run.config.scans[job.scan].correct
    return frames.held(run.entries[job.scan].scan, layout.projections.shard[0], layout.projection_rows, correction)


def _centering(run: Run, job: Wildcards) -> float:
    layout = run.projected(job.scan)
    return (200 + 2 * layout.channels) * scan_table.rested(run.entries[job.scan])[1] * layout.columns


def _reconstructing(run: Run, job: Wildcards) -> float:
    return resources.reconstructing(
        run.current_layout(job.scan), additive=run.config.scans[job.scan].reconstruct.capabilities.additive
    )


def _denoising(run: Run, job: Wildcards) -> float:
    return resources.denoising(_spec(run, job), run.current_layout(job.scan), run.config.denoise.input)


def _denoising_minutes(run: Run, job: Wildcards) -> float:
    return resources.denoising_minutes(_spec(run, job), run.current_layout(job.scan), run.config.denoise)


def _halving(run: Run, job: Wildcards) -> float:
    layout = run.current_layout(job.scan)
    rows = 3 * layout.channels * layout.image_rows * layout.levels[0].shard[0] + 16 * tile_plan.READ_AT_ONCE
    return float(rows * (layout.size / 2 ** int(job.level)) ** 2)


def _mixing(run: Run, job: Wildcards) -> float:
    layout = run.current_layout(job.scan)
    rows = 2 * layout.image_rows * layout.levels[0].shard[0] + tile_plan.READ_AT_ONCE * (layout.per_step + 2)
    return rows * layout.channels * layout.size**2


def _exporting_slices(run: Run, job: Wildcards) -> float:
    return 3 * tile_plan.READ_AT_ONCE * run.current_layout(job.scan).size ** 2


def _exporting(run: Run, job: Wildcards) -> float:
    return single_files()[job.suffix].slices * run.current_layout(job.scan).size ** 2


def _copying_minutes(run: Run, job: Wildcards) -> float:
    return resources.copying_minutes(run.current_layout(job.scan))


def _judging(run: Run, job: Wildcards) -> float:
    specs = [run.spec(name) for name in run.judged_models(job.scan)]
    return resources.judging(specs, run.current_layout(job.scan), run.config.denoise.input, len(run.config.compare))


def _judging_minutes(run: Run, job: Wildcards) -> float:
    specs = [run.spec(name) for name in run.judged_models(job.scan)]
    return resources.judging_minutes(specs, run.current_layout(job.scan), run.config.denoise, len(run.config.compare))


def _watching(run: Run, job: Wildcards) -> float:
    return resources.watching(_spec(run, job), run.current_layout(job.scan))


def _training(run: Run, job: Wildcards) -> float:
    layouts = [run.current_layout(scan) for scan in run.config.trained_on(job.model)]
    return resources.training(run.spec(job.model), layouts, run.config.train)


NEEDS: Mapping[str, Need] = {
    "describe_scan": Need(_describing, 600),
    "correct_slab": Need(_correcting, 550),
    "find_center": Need(_centering, 800),
    "reconstruct_slab": Need(_reconstructing, 950, is_sized=True),
    "train_model": Need(_training),
    "denoise_slab": Need(_denoising, minutes=_denoising_minutes, is_sized=True),
    "halve_slab": Need(_halving, IMAGES_ONLY, is_sized=True),
    "mix_slab": Need(_mixing, IMAGES_ONLY, is_sized=True),
    "judge_scan": Need(_judging, minutes=_judging_minutes),
    "watch_series": Need(_watching, IMAGES_ONLY),
    "export_tiff_slab": Need(_exporting_slices, IMAGES_ONLY, is_sized=True),
    "export_file": Need(_exporting, IMAGES_ONLY, _copying_minutes),
}
"""Rule to what its jobs need."""


@dataclass(frozen=True)
class Needs:
    """What the jobs of a run need."""

    run: Run

    def memory(self, rule: str) -> Callable[..., int]:
        """Give the function of wildcards, threads and attempt that Snakemake calls for a rule's megabytes."""
        if rule == "train_model":  # each of its threads is a process
            return lambda wildcards, threads, attempt: threads * self.megabytes(rule, wildcards, attempt)
        return lambda wildcards, attempt: self.megabytes(rule, wildcards, attempt)

    def runtime(self, rule: str) -> Callable[..., int]:
        """Give the function of wildcards and attempt that Snakemake calls for a rule's minutes."""
        minutes = NEEDS[rule].minutes
        return lambda wildcards, attempt: attempt * (FEWEST_MINUTES + int(minutes(self.run, wildcards)))

    def megabytes(self, rule: str, job: Wildcards, attempt: int = 1) -> int:
        """Memory of a job, more with each attempt."""
        need = NEEDS[rule]
        return int(attempt * (need.alone + need.floats(self.run, job) * 4 / 2**20))

    def known_megabytes(self, rule: str, job: Wildcards) -> int:
        """Memory of a job; 0 where that is not known yet, as it depends on a center that is still to be found."""
        if NEEDS[rule].is_sized and not self.run.is_size_known(job.scan):
            return 0
        return self.megabytes(rule, job)
