"""The scans and model files of a configuration, opened and checked before any job runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tomodenoise import (
    correction,
    directions,
    engines,
    geometry,
    layout,
    modelfile,
    scans,
    settings,
    specs,
    splitting,
)  # fmt: skip
from tomodenoise.errors import UserError
from tomodenoise.modelfile import Description
from tomodenoise.specs import Spec


@dataclass(frozen=True)
class Entry:
    """What is known of a scan from its header and its settings."""

    scan: scans.Scan
    layout: layout.Layout
    """For slices as wide as the detector, where `size_open`."""
    size_open: bool
    """Whether the size of slices is known only when the center is: a full turn, and nobody gives either."""
    choice: splitting.Choice
    """How many sections, and why."""
    field: str
    """Field of view to aim at: full, extended or auto."""


def open_all(config: Mapping[str, Any], *, installed_elsewhere: bool = False) -> dict[str, Entry]:
    """Open the header of every scan, and find what would stop a job later.

    Parameters
    ----------
    config : resolved configuration.
    installed_elsewhere : whether jobs bring an environment of their own, with engines that may be missing here.

    Raises
    ------
    UserError
        For what `engines.check` refuses; and with the scan's name in front of what `scans.open_scan` and
        `splitting.split` refuse.
    """
    engines.check(config["reconstruct"], installed_elsewhere=installed_elsewhere)
    entries = {name: _open(name, config) for name in config["scans"]}
    for model in settings.models(config):
        wrong = "its scans must be split alike, but `auto` gives them different numbers of sections"
        sections = {name: entries[name].choice.sections for name in settings.trained_on(config, model)}
        _check_alike(sections, f"models.{model}: {wrong}", "set split.sections")
        channels = {name: entries[name].layout.channels for name in settings.users(config, model)}
        _check_alike(channels, f"models.{model}: its scans differ in the number of channels", "give each its own model")
    return entries


def _check_alike(numbers: Mapping[str, int], wrong: str, mend: str) -> None:
    if len(set(numbers.values())) > 1:
        raise UserError(f"{wrong} ({', '.join(f'{name} {number}' for name, number in numbers.items())}): {mend}")


def _open(name: str, config: Mapping[str, Any]) -> Entry:
    entry, split = config["scans"][name], config["split"]
    able = engines.capabilities(config["reconstruct"]["engine"], config["reconstruct"].get("algorithm"))
    try:
        _check_braces(entry["file"])
        scan = scans.open_scan(
            Path(entry["file"]),
            input=config["correct"]["input"],
            rows=entry.get("rows"),
            pixel_size=entry.get("pixel_size"),
            channels=scans.asked(entry),
        )
        correction.check(scan, correction.from_settings(config["correct"]))
        choice = splitting.choose(
            split["sections"], split["input"], len(scan.angles), scan.columns, channels=scan.channels is not None
        )
        roles = splitting.split(scan.angles, choice.sections, choice.inputs).roles
        field = _field(entry["field"], joins=able.filtered)
        size, size_open = _size(field, entry["center"], scan)
    except UserError as mistake:
        raise UserError(f"scans.{name}: {mistake}") from None
    shape = layout.Layout(
        angles=len(scan.angles),
        depth=scan.depth,
        columns=scan.columns,
        size=size,
        stored=len(splitting.stored(roles, additive=able.additive)),
        slab_bytes=config["slab_megabytes"] * layout.MEGABYTE,
        channels=scan.channel_count,
    )
    return Entry(scan, shape, size_open, choice, field)


def _size(field: str, center: float | str, scan: scans.Scan) -> tuple[int, bool]:
    """Give the edge of a slice, and whether it is only known once the center is."""
    if center != "auto" and not 0 < float(center) < scan.columns - 1:
        raise UserError(f"center: {center} lies outside of the detector's {scan.columns} columns: correct it")
    if center == "auto":
        geometry.is_extended(field, scan.columns / 2, scan.columns, scan.angles)
        return scan.columns, field != "full" and directions.is_full_turn(scan.angles)
    extended = geometry.is_extended(field, float(center), scan.columns, scan.angles)
    return geometry.Geometry(scan.columns, float(center), extended=extended).size, False


def _field(wanted: str, *, joins: bool) -> str:
    """Field of view to aim at: "auto" is "full" for algorithms that cannot join opposite views."""
    if wanted == "extended" and not joins:
        raise UserError("field: extended needs a filtered backprojection: leave out reconstruct.algorithm")
    return wanted if joins else "full"


def widened(entry: Entry, center: Path) -> layout.Layout:
    """Give the layout of a scan whose center is found."""
    return replace(entry.layout, size=json.loads(center.read_text())["size"])


def relevant(
    config: Mapping[str, Any], entries: Mapping[str, Entry], scan: str, keys: Sequence[str], sections: Sequence[str]
) -> dict[str, Any]:
    """Pick what shapes a product of a scan, as `settings.relevant`, with the sections that `auto` stands for."""
    picked = settings.relevant(config, scan, keys, sections)
    return {**picked, "split": _split(entries[scan])} if "split" in sections else picked


def _split(entry: Entry) -> dict[str, int]:
    return {"sections": entry.choice.sections, "input": entry.choice.inputs}


def open_models(config: Mapping[str, Any], entries: Mapping[str, Entry]) -> dict[str, Description]:
    """Read the header of every file that a model is taken from or that its training starts from.

    Parameters
    ----------
    config : resolved configuration.
    entries : of all scans.

    Returns
    -------
    Model to description, of the models that denoise a scan and name a file.

    Raises
    ------
    UserError
        With the model's name in front of what `modelfile.describe` refuses, or why it does not fit a scan.
    """
    files = {name: settings.file_of(config, name) for name in settings.models(config)}
    return {
        name: _describe(name, file, entries[settings.users(config, name)[0]].layout.channels)
        for name, file in files.items()
        if file is not None
    }


def spec_of(
    config: Mapping[str, Any], entries: Mapping[str, Entry], files: Mapping[str, Description], model: str
) -> Spec:
    """Network of a model: its file's, else that of the configuration, for the channels of the model's scans."""
    if model in files:
        return files[model].spec
    return specs.complete(config["network"], entries[settings.users(config, model)[0]].layout.channels)


def content(config: Mapping[str, Any], files: Mapping[str, Description], scan: str) -> str | None:
    """Fingerprint of the file that the model of a scan is taken from, so that other weights denoise again."""
    model = settings.model_of(config, scan)
    return files[model].fingerprint if model in files else None


def training_request(
    config: Mapping[str, Any],
    entries: Mapping[str, Entry],
    files: Mapping[str, Description],
    model: str,
    keys: Sequence[str],
) -> dict[str, Any]:
    """Gather all that decides what training makes of a model, in plain values: another value trains it again.

    Parameters
    ----------
    keys : what of a scan's entry shapes its sections.

    Returns
    -------
    `config`, as far as it counts, its network being that of the file that training starts from, if there is one;
    `sources`, the fingerprint of each scan; `start`, the path of the file, or None; and `origin`, see `_origin`.
    """
    names = settings.trained_on(config, model)
    shaping: dict[str, Any] = {section: config[section] for section in ("correct", "split", "reconstruct", "train")}
    shaping["network"] = asdict(spec_of(config, entries, files, model))
    shaping["split"] = _split(entries[names[0]])
    shaping["scans"] = {name: settings.relevant(config, name, keys)["scans"][name] for name in names}
    return {
        "config": shaping,
        "sources": {name: entries[name].scan.identity["fingerprint"] for name in names},
        "start": str(files[model].file) if model in files else None,
        "origin": _origin(files, model),
    }


def product_facts(
    config: Mapping[str, Any],
    entries: Mapping[str, Entry],
    files: Mapping[str, Description],
    scan: str,
    keys: Sequence[str],
) -> dict[str, Any]:
    """Gather what shapes the denoised volume of a scan, for its provenance.

    Returns
    -------
    `config`, without network and training where a file holds them; `model`, its name; `origin`, see `_origin`; and
    of a scan that has them `channels`: their name, unit, values and labels.
    """
    model = settings.model_of(config, scan)
    sections = ["correct", "split", "reconstruct", "denoise"]
    sections += [] if model in files else ["network"]
    sections += ["train"] if settings.trained_on(config, model) else []
    found, described = relevant(config, entries, scan, keys, sections), entries[scan].scan.channels
    if "network" in found:
        found["network"] = asdict(spec_of(config, entries, files, model))
    return {
        "config": found,
        "model": model,
        "origin": _origin(files, model),
        **({"channels": scans.channels_to_json(described) | {"labels": described.labels}} if described else {}),
    }


def _origin(files: Mapping[str, Description], model: str) -> dict[str, Any] | None:
    """Say which file a model is taken from, with what content, and what trained it; None without a file."""
    return modelfile.origin(files[model]) if model in files else None


def _describe(name: str, file: Path, channels: int) -> Description:
    try:
        _check_braces(str(file))
        described = modelfile.describe(file)
        modelfile.check_channels(described, channels)
    except UserError as mistake:
        raise UserError(f"models.{name}.file: {mistake}") from None
    return described


def _check_braces(file: str) -> None:
    if set("{}") & set(file):
        raise UserError(f"{file}: braces are wildcards to Snakemake: rename the file or link to it")
