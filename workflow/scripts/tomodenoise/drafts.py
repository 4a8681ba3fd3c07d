"""A commented configuration drafted from raw files: what each holds, and what is only guessed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tomodenoise import directions, scans, splitting
from tomodenoise.errors import UserError
from tomodenoise.scans import Scan

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

GUESS = "# GUESS:"
"""Marks what the files do not tell."""


def draft(files: Sequence[Path]) -> str:
    """Write the text of a configuration for some raw files, one scan each.

    Files that are no scans are left out, with the reason in a comment.

    Raises
    ------
    UserError
        If none of them is a scan.
    """
    names = _names(files)
    entries = {file: [*_entry(name, file)] for name, file in names.items()}
    reasons = [lines[0].strip(" #") for lines in entries.values() if lines[0].startswith("  #")]
    if len(reasons) == len(entries):
        raise UserError(f"none of these files is a scan: {'; '.join(reasons)}")
    return "\n".join([*_head(), *(line for lines in entries.values() for line in ["", *lines]), *_foot(), ""])


def _head() -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# Drafted from the raw files. What they do not tell is marked GUESS: look at it."
    yield "# Every other key with its default: config/README.md beside the workflow."
    yield "scans:"


def _entry(name: str, file: Path) -> Iterator[str]:
    try:
        scans.try_headers([(file, {})])
        scan = scans.open_scan(file)
    except UserError as error:
        told = " ".join(str(error).split())
        yield f"  # left out: {told if str(file) in told else f'{file}: {told}'}"
        return
    yield f"  {_quoted(name)}:"
    yield f"    file: {_quoted(str(file))}"
    for line in _found(scan):
        yield f"    # {line}"
    yield from _guesses(scan)


def _found(scan: Scan) -> Iterator[str]:
    flats, darks = (sum(len(group.indices) for group in groups) for groups in (scan.flats, scan.darks))
    degrees = np.degrees(scan.angles)
    yield f"{scan.layout}, {scan.kind}: {len(scan.angles)} projections of {scan.depth} x {scan.columns} pixels,"
    yield f"{degrees.min():.4g} to {degrees.max():.4g} degrees, {flats} flats, {darks} darks"
    choice = splitting.choose("auto", "auto", len(scan.angles), scan.columns)
    yield f"split.sections: auto takes {choice.sections}{f' ({choice.why})' if choice.why else ''}"


def _guesses(scan: Scan) -> Iterator[str]:
    """Keys whose value is not in the file; what is no more than an assumption is written out, to be seen."""
    if scan.pixel_size is None:
        yield f"    pixel_size: 1.0  {GUESS} micrometre; the file does not tell it"
    else:
        yield f"    # pixel_size: {scan.pixel_size:g}  # micrometre, from the file"
    if directions.is_full_turn(scan.angles):
        yield f"    field: auto  {GUESS} a whole turn; extended where the axis lies near an edge of the detector"
    yield f"    center: auto  {GUESS} look at results/…/center.png, then write the column of the axis here"
    yield f"    rows: [0, {scan.depth}]  # all; fewer for a first try"


def _foot() -> Iterator[str]:
    yield ""
    yield "# Scans of one kind of sample may share a network: name the same `model` in each of them."
    yield "# train: {pixels: 1.0e+8}  # more pixels, cleaner volumes"
    yield "# export: [tiff, hdf5, reconstruction]  # beside OME-Zarr"


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
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in {
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    }:
        return text
    return "'" + text.replace("'", "''") + "'"
