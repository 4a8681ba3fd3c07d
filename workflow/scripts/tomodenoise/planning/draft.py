"""A commented configuration drafted from raw files: their content, and keys that the user may want to set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.geometry import directions
from tomodenoise.planning import draft_keys, scan_table
from tomodenoise.scans import header_timeout, opening, series
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import by_angle

SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"

SEVERAL = 1.9
"""Turns above which a scan may be a series without numbered time steps."""

WORDS = {"yes", "no", "on", "off", "true", "false", "null"}
"""Words that YAML does not read as text."""


HEAD = f"""\
# yaml-language-server: $schema={SCHEMA}
# Drafted from the raw files. Commented lines are advice: remove the # to use one as a setting.
# Every key with its default: {SCHEMA.parents[2] / "docs" / "reference.md"}
scans:
"""

FOOT = """
# Scans of one kind of sample may share a network: name the same `model` in each of them.
# Files that are the time steps of one scan: `mode: dynamic` and `file: [first.h5, second.h5]`.
# effort: standard      # a wider network and more training, for a GPU
# train: {pixels: 3e8}  # more pixels, cleaner volumes
# export: [tiff, hdf5, reconstruction]  # besides OME-Zarr
"""


def draft(files: Sequence[Path]) -> str:
    """Return the text of a configuration for some raw files, one scan each.

    Guesses are comments, and so is a file that cannot be used, with the reason.

    Raises
    ------
    UserError
        If none of the files can be used.
    """
    entries = [_entry(name, file) for name, file in _names(files).items()]
    reasons = [lines[0].strip(" #") for lines in entries if lines[0].startswith("  #")]
    if len(reasons) == len(entries):
        raise UserError(f"none of these files is a scan that can be used as it is: {'; '.join(reasons)}")
    return HEAD + "".join("\n".join(["", *lines, ""]) for lines in entries) + FOOT


def _entry(name: str, file: Path) -> list[str]:
    """Return the lines of one scan; the first is a comment with the reason if it cannot be used."""
    keys: Mapping[str, object] = {"file": str(file)}
    try:
        if (images := draft_keys.of_images(file)) is not None:
            keys = images
            if not isinstance(images["angles"], str):
                raise UserError(f"{file}: TIFF files hold no angles: add a text file with one for each projection")
        else:
            keys = {**keys, **_mode_and_references(file)}
        scan = _opened(name, keys)
    except UserError as error:
        reason = " ".join(str(error).removeprefix(f"scans.{name}: ").split())
        reason = reason if str(file) in reason else f"{file}: {reason}"
        return [f"  # left out: {reason}", f"  # {_quoted(name)}:", *(f"  #   {line}" for line in _lines(keys))]
    lines = [f"  {_quoted(name)}:", *(f"    {line}" for line in _lines(keys))]
    mode = str(keys.get("mode", "static"))
    return [*lines, *(f"    # {line}" for line in (*_content(scan), *_advice(name, scan, mode)))]


def _opened(name: str, keys: Mapping[str, object]) -> Scan:
    """Open a scan as the workflow would."""
    config = settings.load({"scans": {name: keys}})
    scan_table.try_headers(config)
    return scan_table.open_all(config)[name].scan


def _lines(keys: Mapping[str, object]) -> Iterator[str]:
    for key, value in keys.items():
        yield f"{key}: {_value(value)}"


def _value(value: object) -> str:
    """Write a value on one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else str(value)


def _mode_and_references(file: Path) -> dict[str, object]:
    """Guess the mode of a file from its content, and use reduced flats and darks next to a file without flats."""
    header_timeout.try_headers([(file, {})])
    try:
        scan = opening.open_scan(file)
    except UserError as error:
        if own := draft_keys.reduced(file):
            return dict(own)
        try:
            header_timeout.try_headers([(file, {"channels": {}})])
            opening.open_scan(file, channels={})
        except UserError:
            raise error from None
        return {"mode": "xrdct"}
    return {"mode": "dynamic"} if series.labelled_steps(scan) > 1 else {}


def _content(scan: Scan) -> Iterator[str]:
    """Describe the content of the file."""
    degrees = np.degrees(scan.angles)
    count = len(scan.angles)
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
    """Suggest keys that the user may want to set, with the behaviour without them."""
    if scan.pixel_size is None:
        yield "pixel_size: 1.0  # micrometre; the file does not state it, so the volume has no unit"
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


def _names(files: Sequence[Path]) -> Mapping[str, Path]:
    """Name scans after their files: valid names, each used once."""
    names: dict[str, Path] = {}
    for file in files:
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem).lstrip("_.-") or "scan"
        number = next(i for i in range(1, len(files) + 2) if (stem if i == 1 else f"{stem}_{i}") not in names)
        names[stem if number == 1 else f"{stem}_{number}"] = file
    return names


def _quoted(text: str) -> str:
    """Quote text that YAML would not read as text: 0012 is a number, and a colon may end a key."""
    if re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./-]*", text) and text.lower() not in WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"
