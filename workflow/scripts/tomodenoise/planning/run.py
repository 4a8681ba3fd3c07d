"""A run: its configuration, its scans and its models, and what rules ask about them. It knows nothing of Snakemake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tomodenoise.config import settings
from tomodenoise.config.model import Config
from tomodenoise.networks.model_file import Description
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import paths, scan_table
from tomodenoise.planning.scan_table import Entry
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
    suffix: str = "h5"
    level: str = "0"
    block: str = "0"
    slab: str = "0"


def _nothing_to_wait_for(_scan: str) -> None:
    """Take for granted that a center is found."""


@dataclass(frozen=True)
class Run:
    """What is known before any job runs."""

    config: Config = field(repr=False)
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
        return [model for model in self.config.used_models if self.config.trained_on(model)]

    @property
    def volumes(self) -> list[str]:
        """Volumes that are made of each scan."""
        return [paths.DENOISED, *[paths.RECONSTRUCTION] * (paths.RECONSTRUCTION in self.config.export)]

    @property
    def is_paged(self) -> bool:
        """Whether each scan has a page of its own, and the report lists them."""
        return len(self.entries) > SCANS_ON_A_PAGE

    # Models

    def rivals(self, scan: str) -> list[str]:
        """Name the models that a scan's own is compared with."""
        return [name for name in self.config.rivals if name != self.config.model_of(scan)]

    def judged_models(self, scan: str) -> list[str]:
        """Name a scan's model and those that it is compared with."""
        return [self.config.model_of(scan), *self.rivals(scan)]

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
    complete = settings.load(config)
    if try_headers:
        scan_table.try_headers(complete)
    return open_loaded(complete, wait_for_center, installed_elsewhere=installed_elsewhere)


def open_loaded(
    config: Config,
    wait_for_center: Callable[[str], object] = _nothing_to_wait_for,
    *,
    installed_elsewhere: bool,
) -> Run:
    """Open every scan and model file of a loaded configuration; arguments as in `open_run`."""
    entries = scan_table.open_all(config, installed_elsewhere=installed_elsewhere)
    return Run(config, entries, scan_table.open_models(config, entries), wait_for_center)


def without_scans() -> Run:
    """Give a run of nothing, whose rules can be looked at but not run: for `snakemake --lint`."""
    complete = settings.load({"scans": {"none": {"file": "none"}}})
    return Run(complete.model_copy(update={"scans": {}, "models": {}}), {}, {})
