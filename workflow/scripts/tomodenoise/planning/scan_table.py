"""The scans of a configuration, opened and checked before any job runs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tomodenoise.common import paths, provenance
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config, ScanEntry
from tomodenoise.config.thinned import ThinnedEntry
from tomodenoise.correction import options as correction_options
from tomodenoise.geometry import directions, rotation_axis
from tomodenoise.reconstruction.engines import registry
from tomodenoise.scans import file_names, header_timeout, images, separate, tiff, xrdct
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import of_scan, thinning
from tomodenoise.splitting.by_angle import Choice
from tomodenoise.storage import layout

FEWEST_SECTIONS = 3
"""Fewest sections for the uncertainty: two of them measure the error of the result for the others."""

MOST = 10
"""Largest number of errors listed, one for each scan."""


@dataclass(frozen=True)
class Entry:
    """A scan as its header and its settings describe it."""

    scan: Scan
    layout: layout.Layout
    """For slices as wide as the detector, if `size_open`."""
    size_open: bool
    """True if the size of slices depends on a center that is not known yet: a full turn with `field: auto`."""
    choice: Choice
    """Number of sections, with the reason."""
    field: str
    """Field of view to aim at: full, extended or auto."""
    files: tuple[Path, ...]
    """As named in the configuration, those of separate flats and darks last; of TIFF files the first of each kind."""
    window: tuple[int, int] | None = None
    """Time steps to train on, [start, stop); None for a static scan."""
    step_seconds: float | None = None
    """From one time step to the next, if known."""

    @property
    def channel_labels(self) -> list[str] | None:
        """Names of the channels; None if there is only one, without a name."""
        return list(self.scan.channels.labels) if self.scan.channels else None

    @property
    def resting(self) -> tuple[int, int]:
        """Projections [start, stop) that the center is found on: all, or those of the first time steps.

        These are as many steps as train together, whose angles cover the circle.
        """
        shape = self.layout
        if self.window is None:
            return 0, shape.angles
        return 0, (*shape.firsts, shape.angles)[shape.runs[1] // shape.per_step]


def try_headers(config: Config) -> None:
    """Read the headers of all existing raw files in a process that can be killed, see `header_timeout`."""
    files = []
    for entry in config.scans.values():
        with suppress(UserError):  # reported by `open_all` with the scan's name
            options = {"channels": xrdct.asked(entry), "entry": entry.entry, "flats": entry.flats, "darks": entry.darks}
            named = file_names.expand(entry.file)
            tiffs = images.asked(named, entry)
            files += [(file, options | {"images": tiffs}) for file in (named[:1] if tiffs else named)]
    header_timeout.try_headers(files)


def open_all(config: Config, *, installed_elsewhere: bool = False) -> dict[str, Entry]:
    """Open the header of every scan, and find what would make a job fail later.

    Parameters
    ----------
    installed_elsewhere : whether jobs bring an environment of their own, with engines that may be missing here.

    Raises
    ------
    UserError
        With a line for each scan that cannot be used, of ten at most.
    """
    entries: dict[str, Entry] = {}
    refused: list[str] = []
    for name, entry in config.scans.items():
        if isinstance(entry, ThinnedEntry) and entry.origin not in entries:
            continue
        try:
            entries[name] = _open(name, config, entries, installed_elsewhere=installed_elsewhere)
        except UserError as error:
            refused.append(str(error))
    if refused:
        more = [f"{len(refused) - MOST} more scans cannot be used"] if len(refused) > MOST else []
        raise UserError(*refused[:MOST], *more)
    _check_models(config, entries)
    return entries


def _check_models(config: Config, entries: Mapping[str, Entry]) -> None:
    """Refuse scans of one model that differ in sections, algorithm or channels."""
    for model, users in config.users().items():
        trained = config.trained_on(model)
        wrong = f"models.{model}: its scans"
        sections = {name: entries[name].choice.sections for name in trained}
        uneven = "must be split alike, but `auto` gives them different numbers of sections"
        _check_alike(sections, f"{wrong} {uneven}", "set split.sections")
        inputs = {name: entries[name].choice.inputs for name in trained}
        _check_alike(inputs, f"{wrong} differ in split.input", "set it alike")
        engines = {name: config.scans[name].reconstruct for name in trained}
        if len({engine.capabilities.additive for engine in engines.values()}) > 1:
            named = ", ".join(f"{name} {engine.algorithm or engine.engine}" for name, engine in engines.items())
            raise UserError(f"{wrong} are reconstructed by different algorithms ({named}): choose one")
        channels = {name: entry.layout.channels for name, entry in entries.items()}
        own = {name: channels[name] for name in users}
        _check_alike(own, f"{wrong} differ in the number of channels", "give each its own model")
        if model in config.rivals:
            compared = f"compare: '{model}' is applied to all scans, but these differ in the number of channels"
            _check_alike(channels, compared, "leave it out")


def _check_alike(numbers: Mapping[str, int | str], wrong: str, advice: str) -> None:
    if len(set(numbers.values())) > 1:
        raise UserError(f"{wrong} ({', '.join(f'{name} {number}' for name, number in numbers.items())}): {advice}")


def _open(name: str, config: Config, opened: Mapping[str, Entry], *, installed_elsewhere: bool) -> Entry:
    entry = config.scans[name]
    engine = entry.reconstruct
    try:
        chosen = engine.engine, engine.algorithm, engine.iterations, engine.regularisation
        registry.check(*chosen, installed_elsewhere=installed_elsewhere)
        provenance.check_format(Path("results", name))
        files = file_names.expand(entry.file)
        own = {"flats": entry.flats, "darks": entry.darks}
        references = [group for kind, asked in own.items() if asked for group in separate.files(kind, asked)]
        check_braces(*(str(file) for group in (files, *references) for file in group))
        scan = _read(files, entry, opened)
        correction_options.check(scan, entry.correct)
        if entry.truth:
            paths.check(Path(entry.truth), f"truth: there is no {entry.truth}: correct the path, or leave it out")
        planned = of_scan.plan(scan, entry, entry.split, additive=engine.capabilities.additive)
        if config.denoise.uncertainty and not isinstance(entry, ThinnedEntry):
            _check_uncertainty(planned.choice, additive=engine.capabilities.additive)
        field = _field(entry.field, joins=engine.capabilities.filtered)
        size, size_open = _size(field, entry.center, scan)
    except UserError as error:
        if isinstance(entry, ThinnedEntry):
            part = f"{entry.origin}: dose.fractions: with {entry.thinning.fraction:g}"
            raise UserError(f"scans.{part}, {error}") from None
        raise UserError(f"scans.{name}: {error}") from None
    shape = layout.Layout(
        angles=len(scan.angles),
        depth=scan.depth,
        columns=scan.columns,
        size=size,
        stored=planned.stored,
        slab_bytes=config.slab_megabytes * layout.MEGABYTE,
        channels=scan.channel_count,
        firsts=planned.firsts,
        trained=planned.trained,
    )
    seconds = of_scan.step_seconds(scan, entry.steps)
    return Entry(scan, shape, size_open, planned.choice, field, _inputs(files, references), planned.window, seconds)


def _check_uncertainty(choice: Choice, *, additive: bool) -> None:
    """Refuse a scan whose error cannot be measured without the truth, voxel by voxel."""
    advice = "or leave out denoise.uncertainty"
    if choice.by == "time":
        raise UserError(f"denoise.uncertainty needs steps that are split by angle: set steps.split: angle, {advice}")
    if choice.sections < FEWEST_SECTIONS:
        raise UserError(
            f"denoise.uncertainty needs {FEWEST_SECTIONS} sections for its calibration, this scan has"
            f" {choice.sections}: set split.sections: {FEWEST_SECTIONS}, {advice}"
        )
    if not additive:
        raise UserError(f"denoise.uncertainty needs filtered backprojection: leave out reconstruct.algorithm, {advice}")


def _inputs(files: Sequence[Path], references: Sequence[Sequence[Path]]) -> tuple[Path, ...]:
    """Return the files that jobs name as input: of TIFF files the first of each kind, as there may be thousands."""
    groups = [files, *references]
    return tuple(file for group in groups for file in (group[:1] if tiff.is_tiff(group[0]) else group))


def _read(files: Sequence[Path], entry: ScanEntry, opened: Mapping[str, Entry]) -> Scan:
    """Read the header of a scan, or thin that of the scan that a virtual one is a part of."""
    if isinstance(entry, ThinnedEntry):
        return thinning.thin(opened[entry.origin].scan, entry.thinning)
    scan = of_scan.read(files, entry, entry.correct.input, xrdct.asked(entry))
    for part in entry.dose.thinnings if entry.dose else ():
        thinning.check(scan, part)
    return scan


def _size(field: str, center: float | str, scan: Scan) -> tuple[int, bool]:
    """Return the edge of a slice, pixels, and whether it changes when the center is found."""
    if center != "auto" and not 0 < float(center) < scan.columns - 1:
        raise UserError(f"center: {center} lies outside of the detector's {scan.columns} columns: correct it")
    angles = of_scan.views(scan)
    if center == "auto":
        rotation_axis.is_extended(field, scan.columns / 2, scan.columns, angles)
        return scan.columns, field != "full" and directions.is_full_turn(angles)
    extended = rotation_axis.is_extended(field, float(center), scan.columns, angles)
    return rotation_axis.Geometry(scan.columns, float(center), extended=extended).size, False


def _field(wanted: str, *, joins: bool) -> str:
    """Return the field of view to aim at: "auto" is "full" for algorithms that cannot join opposite views."""
    if wanted == "extended" and not joins:
        raise UserError("field: extended needs a filtered backprojection: leave out reconstruct.algorithm")
    return wanted if joins else "full"


def check_braces(*files: str) -> None:
    """Refuse paths that Snakemake takes for patterns, or that cannot be printed."""
    for file in files:
        if not file.isprintable():
            raise UserError(f"{file!r}: the path holds a character that cannot be shown: rename the file or link to it")
        if set("{}") & set(file):
            raise UserError(f"{file}: braces are wildcards to Snakemake: rename the file or link to it")
