"""The parameters of rules, in plain values: Snakemake runs a job again when one of them changes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tomodenoise.planning import paths, rerun_keys, scan_table
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.scans import xrdct
from tomodenoise.storage.layout import Extent


@dataclass(frozen=True)
class Params:
    """The parameters of a run's rules; methods take the wildcards of a job. Spans are lists [start, stop]."""

    run: Run

    # What a job works on

    def slab_rows(self, job: Wildcards) -> list[int]:
        """Rows of a slab of sections."""
        return list(self.run.layout(job.scan).slabs[int(job.slab)].span)

    def projection_rows(self, job: Wildcards) -> list[int]:
        """Rows of a slab of projections."""
        return list(self.run.projected(job.scan).projection_slabs[int(job.slab)].span)

    def projection_angles(self, job: Wildcards) -> list[int]:
        """Projections of a block."""
        return list(self.run.projected(job.scan).angle_blocks[int(job.block)].span)

    def angles_of_block(self, job: Wildcards) -> list[int]:
        """Projections of a block of time steps."""
        return list(self.run.layout(job.scan).angles_of(int(job.block)))

    def times_of_block(self, job: Wildcards) -> list[int]:
        """Time steps of a block."""
        return list(self.run.layout(job.scan).blocks[int(job.block)].span)

    def sections_of_block(self, job: Wildcards) -> list[int]:
        """Sections of a block of time steps."""
        return [time * self.run.layout(job.scan).per_step for time in self.times_of_block(job)]

    def image_rows(self, job: Wildcards) -> list[int]:
        """Rows of a slab of a volume at its full resolution."""
        return list(self.run.layout(job.scan).image_slabs(0)[int(job.slab)].span)

    def level_rows(self, job: Wildcards) -> list[int]:
        """Rows of a slab of a volume at a coarser resolution."""
        return list(self.run.layout(job.scan).image_slabs(int(job.level))[int(job.slab)].span)

    def rested(self, job: Wildcards) -> tuple[int, int]:
        """Projections that the center is found on: of a dynamic scan the first time steps."""
        return scan_table.rested(self.run.entries[job.scan])

    def trained_window(self, job: Wildcards) -> list[int]:
        """Time steps of a scan that its model was trained on; [0, 0] where other scans trained it."""
        trained = job.scan in self.run.config.trained_on(self.run.config.model_of(job.scan))
        window = self.run.entries[job.scan].window
        return list(window) if trained and window else [0, 0]

    def projections_axes(self, job: Wildcards) -> tuple[str, ...]:
        """Names of the axes of the line integrals."""
        return ("angle", *["channel"] * (self.run.projected(job.scan).channels > 1), "y", "x")

    # Scans

    def fingerprint(self, job: Wildcards) -> str:
        """Identify the content of a scan's raw files."""
        return str(self.run.entries[job.scan].scan.identity["fingerprint"])

    def split(self, job: Wildcards) -> dict[str, Any]:
        """Give the sections of a scan, and why they are so many."""
        return asdict(self.run.entries[job.scan].choice)

    def unnamed_channels(self, job: Wildcards) -> dict[str, Any] | None:
        """Say how the channels are found, without their names, which shape no pixel."""
        return xrdct.unnamed(self.run.config.scans[job.scan])

    def pixel_size(self, job: Wildcards) -> float | None:
        """Micrometre."""
        return self.run.entries[job.scan].scan.pixel_size

    def channel_labels(self, job: Wildcards) -> list[str] | None:
        """Names of the channels, which verdicts show; None where there are none."""
        channels = self.run.entries[job.scan].scan.channels
        return list(channels.labels) if channels else None

    # Settings

    def correct(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings of the correction."""
        return self.run.config.scans[job.scan].correct.as_json()

    def pixel_size_of_phase(self, job: Wildcards) -> float | None:
        """Micrometre; None where no phase is retrieved, which alone depends on it."""
        return self.pixel_size(job) if self.run.config.scans[job.scan].correct.phase else None

    def center(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings of the search for the center."""
        entry = self.run.config.scans[job.scan]
        return {"center": entry.center, "tilt": entry.tilt, "field": self.run.entries[job.scan].field}

    def reconstruct(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings of the reconstruction."""
        return self.run.config.scans[job.scan].reconstruct.as_json()

    def engine(self, job: Wildcards) -> str:
        """Name the engine that reconstructs."""
        return self.run.config.scans[job.scan].reconstruct.engine

    def crop(self, job: Wildcards) -> list[int] | None:
        """Rows that the user crops a scan to; None for all."""
        rows = self.run.config.scans[job.scan].rows
        return list(rows) if rows else None

    def judge(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings of correction and reconstruction that a judgement depends on."""
        return {"flats": self.run.config.scans[job.scan].correct.flats, "reconstruct": self.reconstruct(job)}

    # Provenance: what shapes a product

    def entry_of_pixels(self, job: Wildcards) -> dict[str, Any]:
        """Give the keys of a scan that shape its projections, without those that have no value."""
        entry: dict[str, Any] = self._relevant(job, rerun_keys.PIXELS)["scans"][job.scan]
        steps = {key: value for key, value in entry.get("steps", {}).items() if value is not None}
        return entry | ({"steps": steps} if "steps" in entry else {})

    def of_projections(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings that shape a scan's projections."""
        return self._relevant(job, rerun_keys.PIXELS, "correct", "split")

    def of_sections(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings that shape a scan's sections."""
        return self._relevant(job, rerun_keys.SLICES, "correct", "split", "reconstruct")

    def of_image(self, job: Wildcards) -> dict[str, Any]:
        """Give the settings, the model and channels that shape a volume."""
        run = self.run
        if job.volume == paths.DENOISED:
            return rerun_keys.product_facts(run.config, run.entries, run.model_files, job.scan, rerun_keys.DENOISED)
        shaping = self._relevant(job, rerun_keys.NOISY, "correct", "split", "reconstruct")
        return {"config": shaping, "model": None, "origin": None, **rerun_keys.channel_facts(run.entries, job.scan)}

    def _relevant(self, job: Wildcards, keys: tuple[str, ...], *sections: str) -> dict[str, Any]:
        return rerun_keys.relevant(self.run.config, self.run.entries, job.scan, keys, sections)

    # Models

    def model_content(self, job: Wildcards) -> str | None:
        """Identify the content of the file that a scan's model is taken from."""
        return rerun_keys.content(self.run.config, self.run.model_files, job.scan)

    def judged_contents(self, job: Wildcards) -> list[str | None]:
        """Identify the content of the files that the judged models are taken from; None for those trained here."""
        files = self.run.model_files
        return [files[name].fingerprint if name in files else None for name in self.run.judged_models(job.scan)]

    def training_request(self, job: Wildcards) -> str:
        """Give all that decides what training makes of a model, as one JSON text."""
        run = self.run
        keys = rerun_keys.SLICES
        return json.dumps(rerun_keys.training_request(run.config, run.entries, run.model_files, job.model, keys))

    def pixel_sizes(self, job: Wildcards) -> str:
        """Pixel sizes of the scans that a model is trained on, as a JSON text."""
        scans = self.run.config.trained_on(job.model)
        return json.dumps({scan: self.run.entries[scan].scan.pixel_size for scan in scans})

    # Commands that look at what a run made

    def arrays(self, scan: str) -> list[list[Any]]:
        """Give the arrays of a scan: path, shape, shard, and whether it is a result or only leads to one."""
        layout = self.run.current_layout(scan)
        projections = [paths.PROJECTIONS.format(scan=scan), *_extent(layout.projections), False]
        sections = [paths.SECTIONS.format(scan=scan), *_extent(layout.volumes), False]
        levels = [
            [paths.LEVEL.format(scan=scan, volume=volume, level=level), *_extent(extent), True]
            for volume in self.run.volumes
            for level, extent in enumerate(layout.levels)
        ]
        return [projections, sections, *levels]


def _extent(extent: Extent) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return extent.shape, extent.shard


def training_program(python: str, scripts: Path, threads: int, resources: Mapping[str, Any]) -> list[str]:
    """Give the words of the command that starts a training, without its arguments.

    Parameters
    ----------
    threads : processes on each node.
    resources : of the job. With `mpi` the command runs outside of SLURM's steps, so that srun starts one on each node.
    """
    nodes = str(resources["nodes"])
    step = ["srun", "--ntasks-per-node=1", "--kill-on-bad-exit=1", "--label", f"--nodes={nodes}", f"--ntasks={nodes}"]
    step += [f"--cpus-per-task={resources.get('cpus_per_task', threads)}"]
    launcher = [python, str(scripts / "launch_training.py"), nodes, str(threads)]
    return [*(step if "mpi" in resources else []), *launcher]
