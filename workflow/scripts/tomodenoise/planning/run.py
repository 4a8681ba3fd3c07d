"""A run: its configuration, its scans and its models, and the layouts that rules need. Independent of Snakemake."""

import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings, thinned
from tomodenoise.config.model import Config
from tomodenoise.networks import model_file, specs
from tomodenoise.networks.model_file import Description
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import paths, scan_table
from tomodenoise.planning.scan_table import Entry
from tomodenoise.storage.layout import Layout
from tomodenoise.training import schedule

SCANS_ON_A_PAGE = 4
"""Scans that one page shows, whose pictures take 12 MB; with more scans each has its own page."""


@dataclass(frozen=True)
class Wildcards:
    """The wildcards of a job, as text; Snakemake's own object has only those of its rule."""

    scan: str = ""
    model: str = ""
    volume: str = paths.DENOISED
    tiff: str = "tiff"
    suffix: str = "h5"
    level: str = "0"
    block: str = "0"
    slab: str = "0"


@dataclass(frozen=True)
class Run:
    """Configuration, scans and model files, as known before any job runs."""

    config: Config = field(repr=False)
    entries: Mapping[str, Entry] = field(repr=False)
    """Scan to what its header and its settings say."""
    model_files: Mapping[str, Description] = field(repr=False, default_factory=dict)
    """Model to the file that it is taken from or that its training starts from, for models that name one."""
    wait_for_center: Callable[[str], object] = lambda _scan: None
    """Called with a scan whose layout depends on a center that is not known yet; may raise to be called again."""

    @cached_property
    def scans(self) -> list[str]:
        """Names of the scans, in alphabetical order."""
        return sorted(set(self.entries) - set(self.virtual))

    @cached_property
    def asked(self) -> Config:
        """The configuration without the virtual scans of dose studies."""
        return thinned.remove(self.config)

    @cached_property
    def trained_models(self) -> list[str]:
        """Models that are trained here, not only read from a file."""
        return [model for model in self.asked.used_models if self.asked.trained_on(model)]

    @property
    def studied(self) -> list[str]:
        """Scans with a dose study."""
        return [scan for scan in self.scans if self.config.scans[scan].dose]

    @cached_property
    def virtual(self) -> dict[str, str]:
        """Each virtual scan, which has a model of its own name, to the scan that it is a part of."""
        entries = self.config.scans.items()
        return {name: entry.origin for name, entry in entries if isinstance(entry, thinned.ThinnedEntry)}

    def parts(self, scan: str) -> list[str]:
        """Return the virtual scans of a scan, the largest part of the dose first."""
        return [name for name, origin in self.virtual.items() if origin == scan]

    @property
    def volumes(self) -> list[str]:
        """Volumes that are made of each scan."""
        return [*self.results, *[paths.RECONSTRUCTION] * (paths.RECONSTRUCTION in self.config.export)]

    @property
    def results(self) -> list[str]:
        """Volumes that a network makes of each scan."""
        return [paths.DENOISED, *[paths.UNCERTAINTY] * self.config.denoise.uncertainty]

    @property
    def is_paged(self) -> bool:
        """True if each scan has its own page, and the report lists them."""
        return len(self.scans) > SCANS_ON_A_PAGE

    # Models

    def rivals(self, scan: str) -> list[str]:
        """Return the models that a scan's own is compared with."""
        return [name for name in self.config.rivals if name != self.config.model_of(scan)]

    def judged_models(self, scan: str) -> list[str]:
        """Return a scan's model and those that it is compared with."""
        return [self.config.model_of(scan), *self.rivals(scan)]

    def channels(self, model: str) -> int:
        """Return the number of channels of a model's scans; a model only for comparison has that of any scan."""
        trained = self.config.trained_on(model)
        denoised = (name for name in self.config.scans if self.config.model_of(name) == model)
        return self.entries[trained[0] if trained else next(denoised, next(iter(self.entries)))].layout.channels

    def spec(self, model: str) -> Spec:
        """Return the network of a model: its file's, else that of the configuration for the channels of its scans."""
        if model in self.model_files:
            return self.model_files[model].spec
        return specs.complete(self.config.network, self.channels(model))

    def rounds(self, model: str) -> int:
        """Return the number of rounds on projected copies that a training takes; see `train.reproject`."""
        wanted = self.config.train.reproject
        if wanted != "auto":
            return wanted
        spec = self.spec(model)
        fresh = model not in self.model_files and self.config.shelf_of(model) is None
        simple = spec.channels == 1 and not spec.volumetric
        return schedule.ROUNDS if fresh and simple and all(map(self._is_sparse, self.config.trained_on(model))) else 0

    def _is_sparse(self, scan: str) -> bool:
        """Return whether a scan has few angles, and slices that can be projected as it was."""
        entry = self.entries[scan]
        layout = entry.layout
        plain = layout.times == 1 and not entry.size_open and layout.size == layout.columns
        few = len(entry.scan.lit) < schedule.FEW_ANGLES * layout.columns
        return few and plain and self.config.scans[scan].reconstruct.capabilities.additive

    # Layouts

    def projected(self, scan: str) -> Layout:
        """Return the layout of a scan's projections, which the header determines."""
        return self.entries[scan].layout

    def layout(self, scan: str) -> Layout:
        """Return the layout of a scan; if the size of its slices follows from the center, wait for that."""
        if self.entries[scan].size_open:
            self.wait_for_center(self.virtual.get(scan, scan))
        return self.current_layout(scan)

    def is_size_known(self, scan: str) -> bool:
        """Return whether the size of a scan's slices is known now."""
        return not self.entries[scan].size_open or self._center(scan).exists()

    def current_layout(self, scan: str) -> Layout:
        """Return the layout of a scan, with slices as wide as the detector until the center is found."""
        if not self.entries[scan].size_open or not self.is_size_known(scan):
            return self.projected(scan)
        return _resized(self.projected(scan), json.loads(self._center(scan).read_text())["size"])

    def _center(self, scan: str) -> Path:
        return Path(paths.CENTER.format(scan=self.virtual.get(scan, scan)))


@cache
def _resized(layout: Layout, size: int) -> Layout:
    """Return the same object for every job, as a layout caches its results."""
    return replace(layout, size=size)


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
    try_headers : read headers in a process that can be killed first. Jobs need not: it was done before they began.
    installed_elsewhere : whether jobs bring an environment of their own, with engines that may be missing here.

    Raises
    ------
    UserError
        For an error in the configuration, a scan or a model file.
    """
    for file in files:
        settings.check_unique(Path(file))
    loaded = settings.load(config)
    if try_headers:
        scan_table.try_headers(loaded)
    return replace(open_loaded(loaded, installed_elsewhere=installed_elsewhere), wait_for_center=wait_for_center)


def open_loaded(config: Config, *, installed_elsewhere: bool) -> Run:
    """Open every scan and model file of a loaded configuration, as `open_run`."""
    if config.crate is not None and not installed_elsewhere and importlib.util.find_spec("rocrate") is None:
        raise UserError("crate: the package rocrate is missing: pip install rocrate, or leave out the key crate")
    complete = thinned.add(config)
    return with_models(Run(complete, scan_table.open_all(complete, installed_elsewhere=installed_elsewhere)))


def without_scans() -> Run:
    """Return an empty run, whose rules can be parsed but not run: for `snakemake --lint`."""
    config = settings.load({"scans": {"none": {"file": "none"}}})
    return Run(config.model_copy(update={"scans": {}, "models": {}}), {})


def with_models(run: Run) -> Run:
    """Read the header of every model file that is used or that a training starts from.

    Raises
    ------
    UserError
        With the model's name if its file cannot be used or does not fit its scans; for any model that sees several time
        steps, with the scan's name if that has none.
    """
    for name in run.config.used_models:
        shelf = run.config.shelf_of(name)
        if shelf is not None and shelf.is_file():
            raise UserError(f"models.{name}.shelf: {shelf} is a file: name its folder, or use the key file")
    files = {name: file for name in run.config.used_models if (file := run.config.file_of(name)) is not None}
    complete = replace(
        run, model_files={name: _describe(name, file, run.channels(name)) for name, file in files.items()}
    )
    users = run.config.users()
    for name in run.config.used_models:
        _check_steps(complete, name, run.scans if name in run.config.rivals else users[name])
    for name in run.trained_models:
        if complete.rounds(name):
            _check_reproject(complete, name)
    return complete


def _describe(name: str, file: Path, channels: int) -> Description:
    try:
        scan_table.check_braces(str(file))
        described = model_file.describe(file)
        model_file.check_channels(described, channels)
    except UserError as error:
        raise UserError(f"models.{name}.file: {error}") from None
    return described


def _check_reproject(run: Run, model: str) -> None:
    """Refuse training on projected copies where the slices cannot be projected as the scan was."""
    if run.spec(model).volumetric:
        raise UserError("train.reproject: needs a network of slices, such as unet: name one, or leave it out")
    for name in run.config.trained_on(model):
        if run.entries[name].layout.times > 1:
            raise UserError(
                f"train.reproject: scan '{name}' is dynamic; only static scans can be projected: leave it out"
            )
        engine = run.config.scans[name].reconstruct
        if not engine.capabilities.additive:
            raise UserError(
                f"train.reproject: needs filtered backprojection, but scan '{name}' has reconstruct.algorithm:"
                f" {engine.algorithm}: leave one of them out"
            )


def _check_steps(run: Run, model: str, scans: Iterable[str]) -> None:
    """Refuse a network of several time steps for a scan without steps, or with too few steps in a group."""
    steps = run.spec(model).steps
    for name in scans if steps > 1 else ():
        choice = run.entries[name].choice
        problem = f"scans.{name}: the network of model '{model}' sees {steps} time steps"
        if choice.by != "time":
            advice = "leave out network.steps, or name another model"
            raise UserError(f"{problem}, but this scan is not split by time: {advice}")
        if name in run.config.trained_on(model) and choice.sections <= steps:
            advice = f"set steps.group to {steps + 1} or more"
            raise UserError(f"{problem}, which leaves none of a group of {choice.sections} to predict: {advice}")
