"""What decides over each product, in plain values: another value makes it again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tomodenoise.config.model import PER_SCAN, Config
from tomodenoise.networks import model_file
from tomodenoise.networks.model_file import Description
from tomodenoise.planning import scan_table
from tomodenoise.planning.scan_table import Entry
from tomodenoise.scans import description
from tomodenoise.splitting import time_steps

PIXELS = ("file", "mode", "rows", "steps", "dataset", "axes", "angles", "angle_unit", "entry", "exclude")
"""Keys of a scan's entry that shape its projections."""

SLICES = (*PIXELS, "center", "tilt", "field")
"""Keys that shape its sections."""

NOISY = (*SLICES, "pixel_size")
"""Keys that shape its reconstruction as an image."""

DENOISED = (*NOISY, "model", "channels")
"""Keys that shape its denoised volume."""


def relevant(
    config: Config, entries: Mapping[str, Entry], scan: str, keys: Sequence[str], sections: Sequence[str]
) -> dict[str, Any]:
    """Pick what shapes a product of a scan, as `Config.shaping`, with the sections that `auto` stands for."""
    if config.scans[scan].correct.phase:
        keys = [*keys, "pixel_size"]
    picked = config.shaping(scan, keys, sections)
    if "steps" in picked["scans"][scan]:
        # The window and the time of a step shape no pixel, and how steps are split stands under `split`.
        projections = picked["scans"][scan]["steps"].get("projections")
        picked["scans"][scan] = picked["scans"][scan] | {"steps": {"projections": projections}}
    return {**picked, "split": _split(entries[scan])} if "split" in sections else picked


def content(config: Config, files: Mapping[str, Description], scan: str) -> str | None:
    """Fingerprint of the file that the model of a scan is taken from, so that other weights denoise again."""
    model = config.model_of(scan)
    return files[model].fingerprint if model in files else None


def training_request(
    config: Config,
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
    names = config.trained_on(model)
    shaping: dict[str, Any] = {"train": config.train.as_json()}
    shaping["network"] = asdict(scan_table.spec_of(config, entries, files, model))
    shaping["scans"] = {}
    for name in names:
        sections = relevant(config, entries, name, keys, PER_SCAN)
        shaping["scans"][name] = sections.pop("scans")[name] | sections
    for name in names:
        if entries[name].window:
            shaping["scans"][name]["steps"]["train"] = entries[name].window
    return {
        "config": shaping,
        "sources": {name: entries[name].scan.identity["fingerprint"] for name in names},
        "start": str(files[model].file) if model in files else None,
        "origin": _origin(files, model),
    }


def product_facts(
    config: Config,
    entries: Mapping[str, Entry],
    files: Mapping[str, Description],
    scan: str,
    keys: Sequence[str],
) -> dict[str, Any]:
    """Gather what shapes the denoised volume of a scan, for its provenance.

    Returns
    -------
    `config`, without network and training where a file holds them; `model`, its name; `origin`, see `_origin`; and
    what `channel_facts` gives.
    """
    model = config.model_of(scan)
    sections = ["correct", "split", "reconstruct", "denoise"]
    sections += [] if model in files else ["network"]
    sections += ["train"] if config.trained_on(model) else []
    found = relevant(config, entries, scan, keys, sections)
    if "network" in found:
        found["network"] = asdict(scan_table.spec_of(config, entries, files, model))
    return {
        "config": found,
        "model": model,
        "origin": _origin(files, model),
        **channel_facts(entries, scan),
    }


def channel_facts(entries: Mapping[str, Entry], scan: str) -> dict[str, Any]:
    """Tell of a scan that has them its `channels`: their name, unit, values and labels."""
    described = entries[scan].scan.channels
    return {"channels": description.channels_to_json(described) | {"labels": described.labels}} if described else {}


def _split(entry: Entry) -> dict[str, Any]:
    by = {"by": entry.choice.by} if isinstance(entry.choice, time_steps.Choice) else {}
    return {"sections": entry.choice.sections, "input": entry.choice.inputs, **by}


def _origin(files: Mapping[str, Description], model: str) -> dict[str, Any] | None:
    """Say which file a model is taken from, with what content, and what trained it; None without a file."""
    return model_file.origin(files[model]) if model in files else None
