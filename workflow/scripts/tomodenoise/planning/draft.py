"""A commented configuration drafted from raw files: what each holds, and what a person may want to set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.geometry import directions
from tomodenoise.planning import scan_table
from tomodenoise.scans import header_timeout, opening, series
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import by_angle

SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"

SEVERAL = 1.9
"""Turns from which on a scan may be a series that nobody labelled."""

WORDS = {"yes", "no", "on", "off", "true", "false", "null"}
"""That YAML takes for something else than text."""


def draft(files: Sequence[Path]) -> str:
    """Write the text of a configuration for some raw files, one scan each.

    What is only a guess stands in a comment, so that nothing takes it for a setting. A file that the workflow would not
    take stands in a comment as well, with the reason.

    Raises
    ------
    UserError
        If the workflow takes none of them.
    """
    found = {name: _entry(name, file) for name, file in _names(files).items()}
    reasons = [lines[0].strip(" #") for lines in found.values() if lines[0].startswith("  #")]
    if len(reasons) == len(found):
        raise UserError(f"none of these files is a scan that can be used as it is: {'; '.join(reasons)}")
    return "\n".join([*_head(), *(line for lines in found.values() for line in ["", *lines]), *_foot(), ""])


def _head() -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# Drafted from the raw files. Lines in a comment are advice: take the # away to make a setting of one."
    yield f"# Every key with its default: {SCHEMA.parents[2] / 'docs' / 'reference.md'}"
    yield "scans:"


def _entry(name: str, file: Path) -> list[str]:
    """Lines for one scan; the first one is a comment with the reason where it cannot be used."""
    try:
        scan, mode = _open(file)
        lines = [f"  {_quoted(name)}:", f"    file: {_quoted(str(file))}"]
        lines += [] if mode == "static" else [f"    mode: {mode}"]
        scan_table.open_all(settings.load(yaml.safe_load("\n".join(["scans:", *lines]))))
    except UserError as error:
        reason = " ".join(str(error).split())
        reason = reason if str(file) in reason else f"{file}: {reason}"
        return [f"  # left out: {reason}", f"  # {_quoted(name)}:", f"  #   file: {_quoted(str(file))}"]
    return [*lines, *(f"    # {line}" for line in (*_found(scan), *_advice(name, scan, mode)))]


def _open(file: Path) -> tuple[Scan, str]:
    """Open a file in the mode that its content speaks for."""
    header_timeout.try_headers([(file, {})])
    try:
        scan = opening.open_scan(file)
    except UserError as error:
        try:
            header_timeout.try_headers([(file, {"channels": {}})])
            return opening.open_scan(file, channels={}), "xrdct"
        except UserError:
            raise error from None
    if series.labelled_steps(scan) > 1:
        return series.open_series([file], None), "dynamic"
    return scan, "static"


def _found(scan: Scan) -> Iterator[str]:
    """Say what the file holds."""
    degrees, count = np.degrees(scan.angles), len(scan.angles)
    flats, darks = (sum(len(group.indices) for group in groups) for groups in (scan.flats, scan.darks))
    yield f"{scan.layout}, {scan.kind}: {count} projections of {scan.depth} x {scan.columns} pixels,"
    yield f"{round(degrees.min(), 1):g} to {round(degrees.max(), 1):g} degrees, {flats} flats, {darks} darks"
    if scan.channels:
        yield f"{scan.channel_count} channels"
    if scan.steps is not None:
        yield f"{scan.steps[-1] + 1} time steps"
    else:
        choice = by_angle.choose("auto", "auto", count, scan.columns, channels=scan.channels is not None)
        yield f"split.sections: auto takes {choice.sections} ({choice.why})"
    for doubt in scan.doubts:
        yield f"Note: {doubt}"


def _advice(name: str, scan: Scan, mode: str) -> Iterator[str]:
    """Keys that a person may want to set, with what the workflow does without them."""
    if scan.pixel_size is None:
        yield "pixel_size: 1.0  # micrometre; the file does not say it, so the volume has no unit"
    else:
        yield f"pixel_size: {scan.pixel_size:g}  # micrometre, from the file"
    turns = float(np.ptp(scan.angles)) / (2 * np.pi)
    if mode == "static" and turns > SEVERAL:
        half = len(scan.angles) / (2 * turns)
        yield f"{turns:.3g} turns: if the sample changes meanwhile, set"
        yield "mode: dynamic"
        yield f"steps: {{projections: {half:.4g}}}  # half a turn for each time step"
    elif directions.is_full_turn(scan.angles):
        yield "field: auto  # a whole turn: extended where the axis lies near an edge of the detector"
    yield f"center: {(scan.columns - 1) / 2:g}  # column of the axis, if the one in results/{name}/center.png is wrong"
    yield f"rows: [0, {scan.depth}]  # all; fewer for a first try"


def _foot() -> Iterator[str]:
    yield ""
    yield "# Scans of one kind of sample may share a network: name the same `model` in each of them."
    yield "# Files that are the time steps of one scan: `mode: dynamic` and `file: [first.h5, second.h5]`."
    yield "# train: {pixels: 3e8}  # more pixels, cleaner volumes"
    yield "# export: [tiff, hdf5, reconstruction]  # besides OME-Zarr"


def _names(files: Sequence[Path]) -> Mapping[str, Path]:
    """Name scans after their files, as the schema wants names, each once."""
    names: dict[str, Path] = {}
    for file in files:
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem).lstrip("_.-") or "scan"
        number = next(i for i in range(1, len(files) + 2) if (stem if i == 1 else f"{stem}_{i}") not in names)
        names[stem if number == 1 else f"{stem}_{number}"] = file
    return names


def _quoted(text: str) -> str:
    """Write text so that YAML takes it for text: 0012 is a number, and a colon may end a key."""
    if re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./-]*", text) and text.lower() not in WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"
