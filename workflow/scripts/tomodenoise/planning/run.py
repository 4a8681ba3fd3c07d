"""A run: its configuration, its scans and its models, and what rules ask about them. It knows nothing of Snakemake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tomodenoise.config import settings
from tomodenoise.networks.model_file import Description
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import paths, scan_table
from tomodenoise.planning.scan_table import Entry
from tomodenoise.reconstruction.engines import registry
from tomodenoise.storage.layout import Layout

SCANS_ON_A_PAGE = 4
"""Scans that one page shows, whose pictures take 12 MB; of more scans each has its own page."""


@dataclass(frozen=True)
class Wildcards:
    """The wildcards of a job, as text; of Snakemake's own object only those that the rule has."""

    scan: str = ""
    model: str = ""
    volume: str = paths.DENOISED
    tiff: str = "tiff"
    level: str = "0"
    block: str = "0"
    slab: str = "0"


def _nothing_to_wait_for(_scan: str) -> None:
    """Take for granted that a center is found."""


@dataclass(frozen=True)
class Run:
    """What is known before any job runs."""

    config: Mapping[str, Any] = field(repr=False)
    """Resolved configuration."""
    entries: Mapping[str, Entry] = field(repr=False)
    """Scan to what its header and its settings say."""
    model_files: Mapping[str, Description] = field(repr=False)
    """Model to the file that it is taken from or trained on from, of those models that name one."""
    wait_for_center: Callable[[str], object] = _nothing_to_wait_for
    """Called with a scan whose layout needs a center that is still to be found; may raise, to be asked again later."""

    @cached_property
    def scans(self) -> list[str]:
        """Names of the scans, in alphabetical order."""
        return sorted(self.entries)

    @cached_property
    def trained_models(self) -> list[str]:
        """Models that are trained here; one that is used as its file holds it needs no rule."""
        return [model for model in settings.models(self.config) if self.trained_on(model)]

    @property
    def volumes(self) -> list[str]:
        """Volumes that are made of each scan."""
        return [paths.DENOISED, *[paths.RECONSTRUCTION] * (paths.RECONSTRUCTION in self.exports)]

    @property
    def is_paged(self) -> bool:
        """Whether each scan has a page of its own, and the report lists them."""
        return len(self.entries) > SCANS_ON_A_PAGE

    # The configuration: read here and nowhere else in the planning of jobs.

    @property
    def exports(self) -> Sequence[str]:
        """Formats in which volumes are wanted."""
        return list(self.config["export"])

    @property
    def deletes_intermediates(self) -> bool:
        """Whether projections and sections go as soon as nothing needs them."""
        return bool(self.config["intermediates"] == "delete")

    @property
    def denoise(self) -> Mapping[str, Any]:
        """Settings of denoising."""
        section: Mapping[str, Any] = self.config["denoise"]
        return section

    @property
    def train(self) -> Mapping[str, Any]:
        """Settings of training."""
        section: Mapping[str, Any] = self.config["train"]
        return section

    @property
    def filters(self) -> list[str]:
        """Classical filters that are compared with."""
        return [name for name in self.config["compare"] if name in settings.FILTERS]

    @property
    def rival_count(self) -> int:
        """How many filters and models are compared with."""
        return len(self.config["compare"])

    def settings_of(self, scan: str) -> Mapping[str, Any]:
        """Give the settings of a scan, with the sections that it may have keys of its own in."""
        entry: Mapping[str, Any] = self.config["scans"][scan]
        return entry

    def only(self, scans: Sequence[str]) -> dict[str, Any]:
        """Give the configuration of some scans, with the models that they need."""
        return settings.only(self.config, scans)

    def model_of(self, scan: str) -> str:
        """Name the model that denoises a scan."""
        return settings.model_of(self.config, scan)

    def models(self, scans: Sequence[str]) -> list[str]:
        """Name the models that some scans need."""
        return settings.models(settings.only(self.config, scans))

    def trained_on(self, model: str) -> list[str]:
        """Name the scans that a model is trained on."""
        return settings.trained_on(self.config, model)

    def users(self) -> Mapping[str, Sequence[str]]:
        """Name with each model the scans that need it."""
        return settings.users(self.config)

    def is_additive(self, scan: str) -> bool:
        """Whether reconstructions of a scan's sections add up to that of all projections."""
        return registry.capabilities(*scan_table.algorithm(self.config, scan)).additive

    # Models

    def rivals(self, scan: str) -> list[str]:
        """Name the models that a scan's own is compared with."""
        return [name for name in settings.rivals(self.config) if name != self.model_of(scan)]

    def judged_models(self, scan: str) -> list[str]:
        """Name a scan's model and those that it is compared with."""
        return [self.model_of(scan), *self.rivals(scan)]

    def spec(self, model: str) -> Spec:
        """Network of a model."""
        return scan_table.spec_of(self.config, self.entries, self.model_files, model)

    # Layouts

    def projected(self, scan: str) -> Layout:
        """Layout of a scan as far as its projections, which the header gives."""
        return self.entries[scan].layout

    def layout(self, scan: str) -> Layout:
        """Layout of a scan; where its field of view may be extended, it waits for the center."""
        if self.entries[scan].size_open:
            self.wait_for_center(scan)
            return scan_table.widened(self.entries[scan], _center(scan))
        return self.entries[scan].layout

    def is_size_known(self, scan: str) -> bool:
        """Whether the size of a scan's slices is known now."""
        return not self.entries[scan].size_open or _center(scan).exists()

    def current_layout(self, scan: str) -> Layout:
        """Layout of a scan, with slices as wide as the detector until the center is found."""
        entry = self.entries[scan]
        return scan_table.widened(entry, _center(scan)) if entry.size_open and _center(scan).exists() else entry.layout


def _center(scan: str) -> Path:
    return Path(paths.CENTER.format(scan=scan))


def open_run(
    config: Mapping[str, Any],
    files: Sequence[str | Path],
    wait_for_center: Callable[[str], object],
    *,
    try_headers: bool,
    installed_elsewhere: bool,
) -> Run:
    """Check a configuration, and open every scan and model file that it names.

    Parameters
    ----------
    config : as the user wrote it.
    files : YAML files that it was read from.
    wait_for_center : see `Run`.
    try_headers : read headers in a process that can be given up first. Jobs need not: it was done before they began.
    installed_elsewhere : whether jobs bring an environment of their own, with engines that may be missing here.

    Raises
    ------
    UserError
        For an error in the configuration, a scan or a model file.
    """
    for file in files:
        settings.check_unique(Path(file))
    resolved = settings.resolve(config)
    if try_headers:
        scan_table.try_headers(resolved)
    entries = scan_table.open_all(resolved, installed_elsewhere=installed_elsewhere)
    return Run(resolved, entries, scan_table.open_models(resolved, entries), wait_for_center)


def without_scans() -> Run:
    """Give a run of nothing, whose rules can be looked at but not run: for `snakemake --lint`."""
    resolved = settings.resolve({"scans": {"none": {"file": "none"}}})
    return Run({**resolved, "scans": {}, "models": {}}, {}, {})
