"""The files that jobs read and targets gather."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tomodenoise.common.errors import UserError
from tomodenoise.exports.registry import EXPORTS
from tomodenoise.planning import paths, scan_table, shards
from tomodenoise.planning.run import Run, Wildcards


@dataclass(frozen=True)
class Files:
    """The files of a run, by what a rule calls them; methods take the wildcards of a job."""

    run: Run
    by_content: Callable[[str], str] = str
    """Marks a file whose content counts, which parameters follow, and not when it was touched."""

    # Raw files and models

    def raw(self, job: Wildcards) -> list[str]:
        """Raw files of a scan."""
        return [self.by_content(str(file)) for file in self.run.entries[job.scan].files]

    def truth(self, job: Wildcards) -> str | list[str]:
        """Give the file of a scan's truth; none where nobody knows it."""
        return self.run.config.scans[job.scan].truth or []

    def model(self, job: Wildcards) -> str:
        """Give the file of the model that denoises a scan."""
        return self._of_model(self.run.config.model_of(job.scan))

    def rivals(self, job: Wildcards) -> list[str]:
        """Files of the models that a scan's own is compared with."""
        return [self._of_model(name) for name in self.run.rivals(job.scan)]

    def start(self, job: Wildcards) -> list[str]:
        """Give the file that training goes on from, if there is one."""
        model = self.run.model_files.get(job.model)
        return [] if model is None else [self.by_content(str(model.file))]

    def _of_model(self, name: str) -> str:
        if self.run.config.trained_on(name):
            return paths.MODEL.format(model=name)
        return self.by_content(str(self.run.model_files[name].file))

    # Projections and sections

    def center_if_needed(self, job: Wildcards) -> str | list[str]:
        """Give the file that the layout waits for, an input of each rule with a parameter from it; none if known."""
        return paths.CENTER.format(scan=job.scan) if self.run.entries[job.scan].size_open else []

    def projections(self, scans: Sequence[str]) -> list[str]:
        """Shards of all projections of some scans."""
        return [shard for scan in scans for shard in shards.of_projections(scan, self.run.projected(scan))]

    def projections_of_center(self, job: Wildcards) -> list[str]:
        """Shards of the projections that the center is found on."""
        rested = scan_table.rested(self.run.entries[job.scan])
        return shards.of_projections(job.scan, self.run.projected(job.scan), rested)

    def projections_around(self, job: Wildcards) -> list[str]:
        """Shards that a slab of a block of sections is reconstructed from."""
        return shards.of_projections_around(job.scan, self.run.layout(job.scan), int(job.block), int(job.slab))

    def corrections(self, job: Wildcards) -> list[str]:
        """Name the records of the correction of a scan."""
        return shards.of_corrections(job.scan, self.run.projected(job.scan))

    def all_sections(self, _job: Wildcards | None = None) -> list[str]:
        """Shards of the sections of all scans."""
        return [shard for scan in self.run.scans for shard in shards.of_sections(scan, self.run.layout(scan))]

    def sections(self, job: Wildcards) -> list[str]:
        """Shards of all sections of a scan."""
        return shards.of_sections(job.scan, self.run.layout(job.scan))

    def sections_around(self, job: Wildcards) -> list[str]:
        """Shards that denoising a slab of a block of time steps reads."""
        spec = self.run.spec(self.run.config.model_of(job.scan))
        return shards.of_sections_around(job.scan, self.run.layout(job.scan), spec, int(job.block), int(job.slab))

    def sections_within(self, job: Wildcards) -> list[str]:
        """Shards that hold the rows of a slab of the volume."""
        return shards.of_sections_within(job.scan, self.run.layout(job.scan), int(job.block), int(job.slab))

    def middle_sections(self, job: Wildcards) -> list[str]:
        """Shards of sections that hold the rows which the report of a series shows."""
        return shards.of_sections_in_the_middle(job.scan, self.run.layout(job.scan))

    def training_sections(self, job: Wildcards) -> list[str]:
        """Shards of the sections that a model is trained on: of a dynamic scan those of some time steps."""
        run = self.run
        scans = run.config.trained_on(job.model)
        return [name for scan in scans for name in shards.of_sections(scan, run.layout(scan), run.entries[scan].window)]

    def training_arrays(self, job: Wildcards) -> list[str]:
        """Metadata of the sections that a model is trained on."""
        return paths.fill_all(paths.SECTIONS_JSON, scan=self.run.config.trained_on(job.model))

    def training_geometry(self, job: Wildcards) -> list[str]:
        """Name the splits and centers of the scans that a model is trained on."""
        return paths.fill_all([paths.SPLIT, paths.CENTER], scan=self.run.config.trained_on(job.model))

    # Volumes

    def denoised(self, _job: Wildcards | None = None) -> list[str]:
        """Shards of the denoised volumes of all scans, of every resolution."""
        run = self.run
        return [name for scan in run.scans for name in shards.of_image(scan, run.layout(scan), paths.DENOISED)]

    def image(self, job: Wildcards) -> list[str]:
        """Shards of a volume, of every resolution."""
        return shards.of_image(job.scan, self.run.layout(job.scan), job.volume)

    def middle_image(self, job: Wildcards) -> list[str]:
        """Shards of the denoised volume that hold the rows which the report of a series shows."""
        return shards.of_image_in_the_middle(job.scan, self.run.layout(job.scan))

    def tiff_slabs(self, job: Wildcards) -> list[str]:
        """Name the records of the slabs of a stack of TIFF files."""
        pattern = paths.fill(paths.TIFF_SLAB, volume=job.volume, tiff=job.tiff)
        return shards.of_level(pattern, job.scan, self.run.layout(job.scan))

    def coarsest(self, job: Wildcards) -> str:
        """Metadata of the coarsest resolution of a volume."""
        level = len(self.run.layout(job.scan).levels) - 1
        return paths.LEVEL_JSON.format(scan=job.scan, volume=job.volume, level=level)

    def finer(self, job: Wildcards) -> list[str]:
        """Shards of the next finer resolution that a slab of a volume averages."""
        place = int(job.level), int(job.block), int(job.slab)
        return shards.of_finer_level(job.scan, self.run.layout(job.scan), job.volume, *place)

    def finer_array(self, job: Wildcards) -> str:
        """Metadata of the next finer resolution."""
        return paths.LEVEL_JSON.format(scan=job.scan, volume=job.volume, level=int(job.level) - 1)

    # Exports and the report

    def exported(self, _job: Wildcards | None = None) -> list[str]:
        """All that the key `export` asks for."""
        run = self.run
        return sorted({paths.exports(k, s, v) for k in run.config.export for s in run.scans for v in run.volumes})

    def wanted_exports(self, _job: Wildcards | None = None) -> list[str]:
        """All that the key `export` asks for, for a target that gathers nothing else.

        Raises
        ------
        UserError
            If it asks for nothing.
        """
        if not self.run.config.export:
            *kinds, last = EXPORTS
            raise UserError(f"export is empty: name {', '.join(kinds)} or {last} there")
        return self.exported()

    def page(self, scans: Sequence[str]) -> dict[str, list[str]]:
        """Name all that a page of some scans shows."""
        run = self.run
        trained = [name for name in run.config.only(scans).used_models if run.config.trained_on(name)]
        return {
            "scans": paths.fill_all([paths.SCAN, paths.MEASURED, paths.SPLIT, paths.CENTER], scan=scans),
            "centers": paths.fill_all(paths.CENTER_FIGURE, scan=scans),
            "corrections": [name for scan in scans for name in shards.of_corrections(scan, run.projected(scan))],
            "planes": [name for scan in scans for name in shards.of_level(paths.PLANES, scan, run.layout(scan))],
            "quality": paths.fill_all(paths.QUALITY, scan=scans),
            "curves": paths.fill_all(paths.QUALITY_CURVES, scan=scans),
            "images": paths.fill_all(paths.IMAGE_JSON, scan=scans, volume=[paths.DENOISED]),
            "series": paths.fill_all(paths.SERIES, scan=[scan for scan in scans if run.entries[scan].window]),
            "histories": paths.fill_all(paths.HISTORY, model=trained),
        }

    def scan_page(self, job: Wildcards) -> dict[str, list[str]]:
        """Name all that the page of a scan shows."""
        return self.page([job.scan])

    def report(self, _job: Wildcards | None = None) -> dict[str, list[str]]:
        """Name all that the report shows: what is known of all scans, or the pages that each has."""
        if not self.run.is_paged:
            return self.page(self.run.scans)
        return {
            "rows": paths.fill_all(paths.ROW, scan=self.run.scans),
            "pages": paths.fill_all(paths.PAGE, scan=self.run.scans),
        }
