"""Parameters of rules that need more than a line, as plain values: a job is rerun when one of them changes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tomodenoise.config.model import PER_SCAN
from tomodenoise.networks import model_file
from tomodenoise.planning import conditions, paths
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.scans import description
from tomodenoise.storage.layout import Extent

PIXELS = (
    "file",
    "mode",
    "rows",
    "steps",
    "dataset",
    "axes",
    "angles",
    "angle_unit",
    "entry",
    "exclude",
    "flats",
    "darks",
    "thinning",
)
"""Keys of a scan's entry that shape its projections."""

SLICES = (*PIXELS, "center", "tilt", "field")
"""Keys that shape its sections."""

NOISY = (*SLICES, "pixel_size")
"""Keys that shape its reconstruction as an image."""

DENOISED = (*NOISY, "model", "channels")
"""Keys that shape its denoised volume."""


@dataclass(frozen=True)
class Params:
    """The parameters of a run's rules; `job` stands for the wildcards of a job. Ranges are lists [start, stop]."""

    run: Run

    def image_rows(self, job: Wildcards) -> list[int]:
        """Return the rows of a slab of a volume, at full resolution unless the job has another level."""
        level = int(getattr(job, "level", 0))
        return list(self.run.layout(job.scan).image_slabs(level)[int(job.slab)])

    def times_of_block(self, job: Wildcards) -> list[int]:
        """Return the time steps of a block."""
        return list(self.run.layout(job.scan).blocks[int(job.block)])

    def sections_of_block(self, job: Wildcards) -> list[int]:
        """Return the sections of a block of time steps."""
        return [time * self.run.layout(job.scan).per_step for time in self.times_of_block(job)]

    def trained_window(self, job: Wildcards) -> list[int]:
        """Return the time steps of a scan that its model was trained on; [0, 0] if other scans trained it."""
        trained = job.scan in self.run.config.trained_on(self.run.config.model_of(job.scan))
        window = self.run.entries[job.scan].window
        return list(window) if trained and window else [0, 0]

    def judged_step(self, job: Wildcards) -> int:
        """Return the time step to judge alone: the middle one of training, else the first; 0 if static."""
        return sum(self.trained_window(job)) // 2

    def contents(self, models: Sequence[str]) -> list[str | None]:
        """Return the fingerprints of the files that models are taken from; None for models without a file."""
        files = self.run.model_files
        return [files[model].fingerprint if model in files else None for model in models]

    def shaping(self, scan: str, keys: Sequence[str], *sections: str) -> dict[str, Any]:
        """Return what shapes a product of a scan, as `Config.shaping`, with numbers for `auto` in `split`."""
        entry = self.run.config.scans[scan]
        picked = self.run.config.shaping(scan, (*keys, "pixel_size") if entry.correct.phase else keys, sections)
        if "steps" in picked["scans"][scan]:
            # The window and the time of a step shape no pixel; `split` says how steps are split.
            projections = picked["scans"][scan]["steps"].get("projections")
            picked["scans"][scan] |= {"steps": {"projections": projections}}
        if "split" in sections:
            choice = self.run.entries[scan].choice
            by = {"by": choice.by} if choice.by else {}
            picked["split"] = {"sections": choice.sections, "input": choice.inputs, **by}
        return picked

    def raw_entry(self, job: Wildcards) -> dict[str, Any]:
        """Return the keys of a scan that shape its projections, without those that have no value."""
        entry: dict[str, Any] = self.shaping(job.scan, PIXELS)["scans"][job.scan]
        steps = {key: value for key, value in entry.get("steps", {}).items() if value is not None}
        return entry | ({"steps": steps} if "steps" in entry else {})

    def image_facts(self, job: Wildcards) -> dict[str, Any]:
        """Return the provenance of a volume.

        Returns
        -------
        `config`, what shapes it, without network and training if a file holds them; `model`, its name; `origin`, see
        `model_file.origin`; `channels`, if there are any: their name, unit, values and labels.
        """
        channels = self.run.entries[job.scan].scan.channels
        described = description.channels_to_json(channels) | {"labels": channels.labels} if channels else None
        facts = {"channels": described} if described else {}
        if job.volume == paths.RECONSTRUCTION:
            shaping = self.shaping(job.scan, NOISY, *PER_SCAN)
            return {"config": shaping, "model": None, "origin": None, **facts}
        model = self.run.config.model_of(job.scan)
        sections = [*PER_SCAN, "denoise"]
        sections += [] if model in self.run.model_files else ["network"]
        sections += ["train"] if self.run.config.trained_on(model) else []
        shaping = self.shaping(job.scan, DENOISED, *sections)
        if job.volume == paths.DENOISED:
            shaping["denoise"] = self.run.config.denoise.applied
        if "network" in shaping:
            shaping["network"] = asdict(self.run.spec(model))
        if "train" in shaping:
            shaping["train"] |= {"reproject": self.run.rounds(model)}
        return {"config": shaping, "model": model, "origin": self._origin(model), **facts}

    def training_request(self, model: str) -> dict[str, Any]:
        """Return all that decides the result of a training.

        Returns
        -------
        `config`, as far as it counts, its network being that of the file that training starts from, if there is one;
        `sources`, the fingerprint of each scan; `start`, the path of the file, or None; `origin`, see
        `model_file.origin`, or None; for a model of a shelf `shelf`, its `folder` and the `options`. What lies on the
        shelf does not count: a change there trains nothing again.
        """
        run = self.run
        train = run.config.train.as_json() | {"reproject": run.rounds(model)}
        shaping: dict[str, Any] = {"train": train, "network": asdict(run.spec(model)), "scans": {}}
        scans = run.config.trained_on(model)
        for name in scans:
            sections = self.shaping(name, SLICES, *PER_SCAN)
            shaping["scans"][name] = sections.pop("scans")[name] | sections
            if window := run.entries[name].window:
                shaping["scans"][name]["steps"]["train"] = window
        return {
            "config": shaping,
            "sources": {name: run.entries[name].scan.identity["fingerprint"] for name in scans},
            "start": str(run.model_files[model].file) if model in run.model_files else None,
            "origin": self._origin(model),
            **self._shelf(model),
        }

    def conditions(self, model: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Return what is known of the training scans of a model, by scan and key: `value` and `source`.

        Keys are `facility`, `instrument`, `energy` in keV, `pixel_size` in micrometres, and `density`, the number of
        projections per column; unknown ones are missing. They shape no product.
        """
        return {name: conditions.of_scan(self.run, name) for name in self.run.config.trained_on(model)}

    def _shelf(self, model: str) -> dict[str, Any]:
        """Return the shelf that a model is looked for on, and the limits; nothing for other models."""
        folder = self.run.config.shelf_of(model)
        if folder is None:
            return {}
        limits = {key: value for key, value in self.run.config.shelf.as_json().items() if key not in {"to", "default"}}
        return {"shelf": {"folder": str(folder), "options": limits}}

    def _origin(self, model: str) -> dict[str, Any] | None:
        files = self.run.model_files
        return model_file.origin(files[model]) if model in files else None

    def arrays(self, scan: str) -> list[list[Any]]:
        """Return the arrays of a scan: path, shape, shard, and whether it is a result or an intermediate.

        A part of a scan has no volume.
        """
        layout = self.run.current_layout(scan)
        volumes = [] if scan in self.run.virtual else self.run.volumes
        levels = [
            (paths.LEVEL.format(scan=scan, volume=volume, level=level), extent, True)
            for volume in volumes
            for level, extent in enumerate(layout.levels)
        ]
        arrays: list[tuple[str, Extent, bool]] = [
            (paths.PROJECTIONS.format(scan=scan), layout.projections, False),
            (paths.SECTIONS.format(scan=scan), layout.volumes, False),
            *levels,
        ]
        return [[path, extent.shape, extent.shard, is_result] for path, extent, is_result in arrays]

    def judgements(self, scan: str) -> list[str]:
        """Return the judgements of a scan, or of the part of one, that read its intermediate arrays."""
        run = self.run
        if scan in run.virtual:
            return [paths.DOSE.format(scan=run.virtual[scan])]
        return paths.fill_all([paths.QUALITY, *[paths.DOSE] * (scan in run.studied)], scan=[scan])


def training_program(python: str, scripts: Path, threads: int, resources: dict[str, Any]) -> list[str]:
    """Return the words of the command that starts a training, without its arguments.

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
