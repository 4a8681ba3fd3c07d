"""The scans and model files of a configuration, opened and checked before any job runs."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tomodenoise.common import paths, provenance
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.correction import options as correction_options
from tomodenoise.geometry import directions, rotation_axis
from tomodenoise.networks import model_file, specs
from tomodenoise.networks.model_file import Description
from tomodenoise.networks.specs import Spec
from tomodenoise.reconstruction.engines import registry
from tomodenoise.scans import header_timeout, series, xrdct
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import of_scan, time_steps
from tomodenoise.splitting.by_angle import Choice
from tomodenoise.storage import layout

MOST = 10
"""Scans that cannot be used of which each has a line."""


@dataclass(frozen=True)
class Entry:
    """A scan as its header and its settings describe it."""

    scan: Scan
    layout: layout.Layout
    """For slices as wide as the detector, where `size_open`."""
    size_open: bool
    """Whether the size of slices is known only when the center is: a full turn, and nobody gives either."""
    choice: Choice | time_steps.Choice
    """How many sections, and why."""
    field: str
    """Field of view to aim at: full, extended or auto."""
    files: tuple[Path, ...]
    """As the user names them."""
    window: tuple[int, int] | None = None
    """Time steps to train on, [start, stop); None for a static scan."""
    step_seconds: float | None = None
    """From one time step to the next, where that is known."""


def try_headers(config: Config) -> None:
    """Read the headers of all raw files that are there in a process that can be given up, see `scans.try_headers`."""
    files = []
    for entry in config.scans.values():
        with suppress(UserError):  # reported by `open_all` with the scan's name
            options = {"channels": xrdct.asked(entry), "entry": entry.entry}
            files += [(file, options) for file in series.expand(entry.file)]
    header_timeout.try_headers(files)


def open_all(config: Config, *, installed_elsewhere: bool = False) -> dict[str, Entry]:
    """Open the header of every scan, and find what would stop a job later.

    Parameters
    ----------
    installed_elsewhere : whether jobs bring an environment of their own, with engines that may be missing here.

    Raises
    ------
    UserError
        With the scan's name in front of what `registry.check`, `of_scan.read` and `of_scan.plan` refuse; a line
        for each scan, of ten at most.
    """
    entries: dict[str, Entry] = {}
    refused: list[str] = []
    for name in config.scans:
        try:
            entries[name] = _open(name, config, installed_elsewhere=installed_elsewhere)
        except UserError as error:
            refused.append(str(error))
    if refused:
        more = [f"{len(refused) - MOST} more scans cannot be used"] if len(refused) > MOST else []
        raise UserError(*refused[:MOST], *more)
    _check_models(config, entries)
    return entries


def _check_models(config: Config, entries: Mapping[str, Entry]) -> None:
    """Refuse scans of one model that differ where they must not."""
    for model, users in config.users().items():
        wrong = "its scans must be split alike, but `auto` gives them different numbers of sections"
        trained = config.trained_on(model)
        sections = {name: entries[name].choice.sections for name in trained}
        _check_alike(sections, f"models.{model}: {wrong}", "set split.sections")
        inputs = {name: entries[name].choice.inputs for name in trained}
        _check_alike(inputs, f"models.{model}: its scans differ in split.input", "set it alike")
        engines = {name: config.scans[name].reconstruct for name in trained}
        if len({engine.capabilities.additive for engine in engines.values()}) > 1:
            named = ", ".join(f"{name} {engine.algorithm or engine.engine}" for name, engine in engines.items())
            raise UserError(f"models.{model}: its scans are reconstructed by unlike algorithms ({named}): choose one")
        channels = {name: entries[name].layout.channels for name in users}
        _check_alike(channels, f"models.{model}: its scans differ in the number of channels", "give each its own model")


def _channels(config: Config, entries: Mapping[str, Entry], model: str) -> int:
    """Channels of the scans of a model; one that is only compared with serves any."""
    trained = config.trained_on(model)
    denoised = (name for name in config.scans if config.model_of(name) == model)
    return entries[trained[0] if trained else next(denoised, next(iter(entries)))].layout.channels


def _check_alike(numbers: Mapping[str, int], wrong: str, advice: str) -> None:
    if len(set(numbers.values())) > 1:
        raise UserError(f"{wrong} ({', '.join(f'{name} {number}' for name, number in numbers.items())}): {advice}")


def _open(name: str, config: Config, *, installed_elsewhere: bool) -> Entry:
    entry = config.scans[name]
    engine = entry.reconstruct
    try:
        registry.check(
            engine.engine,
            engine.algorithm,
            engine.iterations,
            engine.regularisation,
            installed_elsewhere=installed_elsewhere,
        )
        provenance.check_format(Path("results", name))
        files = series.expand(entry.file)
        _check_braces(*map(str, files))
        scan = of_scan.read(files, entry, entry.correct.input, xrdct.asked(entry))
        correction_options.check(scan, entry.correct)
        if entry.truth:
            paths.check(Path(entry.truth), f"truth: there is no {entry.truth}: correct the path, or leave it out")
        planned = of_scan.plan(scan, entry, entry.split, additive=engine.capabilities.additive)
        field = _field(entry.field, joins=engine.capabilities.filtered)
        size, size_open = _size(field, entry.center, scan)
    except UserError as error:
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
    return Entry(scan, shape, size_open, planned.choice, field, files, planned.window, seconds)


def _size(field: str, center: float | str, scan: Scan) -> tuple[int, bool]:
    """Give the edge of a slice, and whether it is only known once the center is."""
    if center != "auto" and not 0 < float(center) < scan.columns - 1:
        raise UserError(f"center: {center} lies outside of the detector's {scan.columns} columns: correct it")
    angles = of_scan.views(scan)
    if center == "auto":
        rotation_axis.is_extended(field, scan.columns / 2, scan.columns, angles)
        return scan.columns, field != "full" and directions.is_full_turn(angles)
    extended = rotation_axis.is_extended(field, float(center), scan.columns, angles)
    return rotation_axis.Geometry(scan.columns, float(center), extended=extended).size, False


def _field(wanted: str, *, joins: bool) -> str:
    """Field of view to aim at: "auto" is "full" for algorithms that cannot join opposite views."""
    if wanted == "extended" and not joins:
        raise UserError("field: extended needs a filtered backprojection: leave out reconstruct.algorithm")
    return wanted if joins else "full"


def widened(entry: Entry, center: Path) -> layout.Layout:
    """Give the layout of a scan whose center is found."""
    return _sized(entry.layout, json.loads(center.read_text())["size"])


@cache
def _sized(shape: layout.Layout, size: int) -> layout.Layout:
    """Keep what a layout works out once: it is asked for with every job."""
    return replace(shape, size=size)


def rested(entry: Entry) -> tuple[int, int]:
    """Projections that the center is found on, [start, stop): all, or those of the first steps.

    These are as many as train together, whose angles cover the circle; another window finds no other center.
    """
    shape = entry.layout
    return 0, shape.angles if entry.window is None else (*shape.firsts, shape.angles)[shape.runs[1] // shape.per_step]


def open_models(config: Config, entries: Mapping[str, Entry]) -> dict[str, Description]:
    """Read the header of every file that a model is taken from or that its training starts from.

    Parameters
    ----------
    entries : of all scans.

    Returns
    -------
    Model to description, of the models that denoise a scan and name a file.

    Raises
    ------
    UserError
        With the model's name in front of what `modelfile.describe` refuses, or why it does not fit a scan; and for any
        model that sees several time steps where it cannot.
    """
    files = {name: config.file_of(name) for name in config.used_models}
    found = {
        name: _describe(name, file, _channels(config, entries, name))
        for name, file in files.items()
        if file is not None
    }
    users, rivals = config.users(), config.rivals
    for name in files:
        served = entries if name in rivals else {scan: entries[scan] for scan in users[name]}
        _check_steps(config, served, name, spec_of(config, entries, found, name))
    return found


def spec_of(config: Config, entries: Mapping[str, Entry], files: Mapping[str, Description], model: str) -> Spec:
    """Network of a model: its file's, else that of the configuration, for the channels of the model's scans."""
    if model in files:
        return files[model].spec
    return specs.complete(config.network, _channels(config, entries, model))


def _check_steps(config: Config, entries: Mapping[str, Entry], model: str, spec: Spec) -> None:
    """Refuse a network of several time steps where a scan that it serves has none, or where none is left to predict."""
    if spec.steps == 1:
        return
    for name, entry in entries.items():
        choice = entry.choice
        problem = f"scans.{name}: the network of model '{model}' sees {spec.steps} time steps"
        if not isinstance(choice, time_steps.Choice) or choice.by != "time":
            raise UserError(
                f"{problem}, but this scan is not split by time: leave out network.steps, or name another model"
            )
        if name in config.trained_on(model) and choice.sections <= spec.steps:
            raise UserError(
                f"{problem}, which leaves none of a group of {choice.sections} to predict:"
                f" set steps.group to {spec.steps + 1} or more"
            )


def _describe(name: str, file: Path, channels: int) -> Description:
    try:
        _check_braces(str(file))
        described = model_file.describe(file)
        model_file.check_channels(described, channels)
    except UserError as error:
        raise UserError(f"models.{name}.file: {error}") from None
    return described


def _check_braces(*files: str) -> None:
    for file in files:
        if not file.isprintable():
            raise UserError(f"{file!r}: the path holds a character that cannot be shown: rename the file or link to it")
        if set("{}") & set(file):
            raise UserError(f"{file}: braces are wildcards to Snakemake: rename the file or link to it")
