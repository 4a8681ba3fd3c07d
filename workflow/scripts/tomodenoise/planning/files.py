"""The files that jobs read and targets gather."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tomodenoise.common.errors import UserError
from tomodenoise.denoising import tile_plan
from tomodenoise.exports.registry import EXPORTS
from tomodenoise.planning import paths, resources, shards
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.storage import grid


@dataclass(frozen=True)
class Files:
    """The files of a run; `job` stands for the wildcards of a job."""

    run: Run
    by_content: Callable[[str], str] = str
    """Marks a file whose date does not count, as parameters hold a fingerprint of its content."""
    may_split: Callable[[str], bool] = lambda _scan: True
    """Called with a scan; returns whether its counts can be split for a dose study; may raise to be called again."""

    def raw(self, job: Wildcards) -> list[str]:
        """Return the raw files of a scan."""
        return [self.by_content(str(file)) for file in self.run.entries[job.scan].files]

    def model(self, name: str) -> str:
        """Return the file of a model: one that is trained here, or the file that it is taken from."""
        trained = self.run.config.trained_on(name)
        return paths.MODEL.format(model=name) if trained else self.by_content(str(self.run.model_files[name].file))

    def start(self, job: Wildcards) -> list[str]:
        """Return the file that a training starts from, if there is one."""
        model = self.run.model_files.get(job.model)
        return [self.by_content(str(model.file))] if model else []

    def center_if_needed(self, job: Wildcards) -> str | list[str]:
        """Return the file that fixes the size of slices, for rules whose parameters follow from it; none if known."""
        return paths.CENTER.format(scan=job.scan) if self.run.entries[job.scan].size_open else []

    def projections_around(self, job: Wildcards) -> list[str]:
        """Return the shards of projections from which a slab of a block of sections is reconstructed."""
        layout = self.run.layout(job.scan)
        angles = layout.angles_of(int(job.block))
        return shards.projections(job.scan, layout, angles, layout.slabs[int(job.slab)])

    def sections(self, job: Wildcards) -> list[str]:
        """Return the shards of all sections of a scan."""
        return shards.sections(job.scan, self.run.layout(job.scan))

    def sections_around(self, job: Wildcards) -> list[str]:
        """Return the shards of sections that a network reads to denoise a slab of a block of time steps."""
        layout = self.run.layout(job.scan)
        spec = self.run.spec(self.run.config.model_of(job.scan))
        rows = tile_plan.rows_read(spec, *layout.image_slabs(0)[int(job.slab)], layout.depth)
        times = grid.with_halo(*layout.blocks[int(job.block)], spec.steps // 2, layout.times)
        return shards.sections(job.scan, layout, times, rows)

    def sections_within(self, job: Wildcards) -> list[str]:
        """Return the shards of sections with the rows of a slab of the volume."""
        layout = self.run.layout(job.scan)
        return shards.sections(job.scan, layout, layout.blocks[int(job.block)], layout.image_slabs(0)[int(job.slab)])

    def middle_sections(self, job: Wildcards) -> list[str]:
        """Return the shards of sections with the rows that the report of a series shows, at all time steps."""
        layout = self.run.layout(job.scan)
        return shards.sections(job.scan, layout, rows=resources.watched(layout.depth))

    def middle_image(self, job: Wildcards) -> list[str]:
        """Return the shards of the denoised volume with the same rows."""
        layout = self.run.layout(job.scan)
        pattern = paths.fill(paths.IMAGE_SHARD, volume=paths.DENOISED)
        return shards.level(pattern, job.scan, layout, rows=resources.watched(layout.depth))

    def training_sections(self, job: Wildcards) -> list[str]:
        """Return the shards of the sections that a model is trained on: of a dynamic scan those of some time steps."""
        run = self.run
        scans = run.config.trained_on(job.model)
        return [name for scan in scans for name in shards.sections(scan, run.layout(scan), run.entries[scan].window)]

    def finer(self, job: Wildcards) -> list[str]:
        """Return the shards of the next finer resolution that a slab of a volume averages."""
        level = int(job.level)
        pattern = paths.fill(paths.IMAGE_SHARD, scan=job.scan, volume=job.volume, level=level - 1, block=job.block)
        return paths.fill_all(pattern, slab=self.run.layout(job.scan).finer_slabs(level, int(job.slab)))

    def coarsest(self, job: Wildcards) -> str:
        """Return the metadata of the coarsest resolution of a volume."""
        level = len(self.run.layout(job.scan).levels) - 1
        return paths.LEVEL_JSON.format(scan=job.scan, volume=job.volume, level=level)

    def image(self, job: Wildcards) -> list[str]:
        """Return the shards of a volume, of all resolutions."""
        return shards.volume(job.scan, self.run.layout(job.scan), job.volume)

    # What targets gather; Snakemake calls those without wildcards of their own with empty ones

    def all_sections(self, _job: Wildcards | None = None) -> list[str]:
        """Return the shards of the sections of all scans."""
        return [name for scan in self.run.scans for name in shards.sections(scan, self.run.layout(scan))]

    def denoised(self, _job: Wildcards | None = None) -> list[str]:
        """Return the shards of the denoised volumes of all scans and their uncertainties, of all resolutions."""
        run = self.run
        every = [(scan, volume) for scan in run.scans for volume in run.results]
        return [name for scan, volume in every for name in shards.volume(scan, run.layout(scan), volume)]

    def exported(self, _job: Wildcards | None = None) -> list[str]:
        """Return all files that the key `export` names."""
        run = self.run
        return sorted({paths.exports(k, s, v) for k in run.config.export for s in run.scans for v in run.volumes})

    def wanted_exports(self, _job: Wildcards | None = None) -> list[str]:
        """Return the same for the target `export`; UserError if the key names none."""
        if not self.run.config.export:
            *kinds, last = EXPORTS
            raise UserError(f"export is empty: name {', '.join(kinds)} or {last} there")
        return self.exported()

    def studies(self, _job: Wildcards | None = None) -> list[str]:
        """Return all dose studies and the report that shows them; UserError if no scan has one."""
        if not self.run.studied:
            raise UserError("no scan has the key dose: add it, as in `sample: {file: raw/sample.h5, dose: {}}`")
        return [*paths.fill_all(paths.DOSE, scan=self.run.studied), paths.REPORT]

    def shelved(self, _job: Wildcards | None = None) -> list[str]:
        """Return the records of all models that are filed on a shelf; UserError if the configuration names none."""
        if not self.run.config.shelf.to:
            raise UserError("shelf.to is missing: name the folder of a shelf there, as in `shelf: {to: /data/shelf}`")
        return paths.fill_all(paths.SHELVED, model=self.run.trained_models)

    def shown(self, job: Wildcards) -> dict[str, list[str]]:
        """Return the files that a model's card shows, of the first scan that it was trained on and denoises, if any."""
        run = self.run
        scan = next((name for name in run.config.trained_on(job.model) if run.config.model_of(name) == job.model), None)
        if scan is None:
            return {}
        planes = shards.level(paths.PLANES, scan, run.layout(scan))
        return {"quality": paths.fill_all(paths.QUALITY, scan=[scan]), "planes": planes}

    def parts(self, job: Wildcards) -> dict[str, list[str]]:
        """Return the sections and models of a scan's parts that its dose study reads; nothing without a study."""
        run = self.run
        if not self.may_split(job.scan):
            return {}
        names = run.parts(job.scan)
        described = [paths.MEASURED, paths.SPLIT, paths.CENTER, paths.SECTIONS_JSON]
        sections = [file for name in names for file in shards.sections(name, run.layout(name))]
        return {
            "described": paths.fill_all(described, scan=names),
            "parts": sections,
            "models": paths.fill_all(paths.MODEL, model=names),
        }

    def page(self, scans: Sequence[str]) -> dict[str, list[str]]:
        """Return all files that a page of some scans shows."""
        run = self.run
        studied = [scan for scan in scans if scan in run.studied]
        calibrated = scans if run.config.denoise.uncertainty else []
        uncertain = paths.fill_all([paths.UNCERTAINTY_JSON, paths.UNCERTAINTY_PICTURES], scan=calibrated)
        trained = [name for name in run.config.only(scans).used_models if run.config.trained_on(name)]
        return {
            "scans": paths.fill_all([paths.SCAN, paths.MEASURED, paths.SPLIT, paths.CENTER], scan=scans),
            "centers": paths.fill_all(paths.CENTER_FIGURE, scan=scans),
            "corrections": [name for scan in scans for name in shards.corrections(scan, run.projected(scan))],
            "planes": [name for scan in scans for name in shards.level(paths.PLANES, scan, run.layout(scan))],
            "quality": paths.fill_all(paths.QUALITY, scan=scans),
            "curves": paths.fill_all(paths.QUALITY_CURVES, scan=scans),
            "images": paths.fill_all(paths.IMAGE_JSON, scan=scans, volume=[paths.DENOISED]),
            "series": paths.fill_all(paths.SERIES, scan=[scan for scan in scans if run.entries[scan].window]),
            **({"dose": paths.fill_all([paths.DOSE, paths.DOSE_PICTURES], scan=studied)} if studied else {}),
            **({"uncertainty": uncertain} if uncertain else {}),
            "histories": paths.fill_all(paths.HISTORY, model=trained),
        }

    def report(self, _job: Wildcards | None = None) -> dict[str, list[str]]:
        """Return all that the report shows: one page of all scans, or a list of the scans' own pages."""
        if not self.run.is_paged:
            return self.page(self.run.scans)
        return {
            "rows": paths.fill_all(paths.ROW, scan=self.run.scans),
            "pages": paths.fill_all(paths.PAGE, scan=self.run.scans),
        }

    def described(self, _job: Wildcards | None = None) -> dict[str, list[str]]:
        """Return the files that the crate describes."""
        scans = self.run.scans
        more = [volume for volume in self.run.results if volume != paths.DENOISED]
        return {
            "scans": paths.fill_all([paths.SCAN, paths.CENTER, paths.QUALITY], scan=scans),
            "images": paths.fill_all(paths.IMAGE_JSON, scan=scans, volume=[paths.DENOISED]),
            "models": [self.model(name) for name in self.run.config.used_models],
            "report": [paths.REPORT],
            "exported": [*paths.fill_all(paths.IMAGE_JSON, scan=scans, volume=more), *self.exported()],
        }

    def crate(self, _job: Wildcards | None = None) -> list[str]:
        """Return the file of the crate, if there is to be one."""
        return [] if self.run.config.crate is None else [paths.CRATE]
