"""The scans of a configuration, opened and checked before any job runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomodenoise import engines, layout, scans, splitting
from tomodenoise.errors import UserError


@dataclass(frozen=True)
class Entry:
    """What is known of a scan from its header and its settings."""

    scan: scans.Scan
    layout: layout.Layout


def open_all(config: Mapping[str, Any]) -> dict[str, Entry]:
    """Open the header of every scan, and find what would stop a job later.

    Parameters
    ----------
    config : resolved configuration.

    Raises
    ------
    UserError
        With the scan's name in front of what `scans.open_scan` and `splitting.split` refuse.
    """
    engines.capabilities(config["reconstruct"]["engine"])
    return {name: _open(name, config) for name in config["scans"]}


def _open(name: str, config: Mapping[str, Any]) -> Entry:
    entry, split = config["scans"][name], config["split"]
    try:
        if set("{}") & set(entry["file"]):
            raise UserError(f"file: {entry['file']}: braces are wildcards to Snakemake: rename the file or link to it")
        scan = scans.open_scan(
            Path(entry["file"]),
            input=config["correct"]["input"],
            rows=entry.get("rows"),
            pixel_size=entry.get("pixel_size"),
        )
        splitting.split(scan.angles, split["sections"], split["input"])
        center = entry["center"]
        if center != "auto" and not 0 < center < scan.columns - 1:
            raise UserError(f"center: {center} lies outside of the detector's {scan.columns} columns: correct it")
    except UserError as mistake:
        raise UserError(f"scans.{name}: {mistake}") from None
    slab_bytes = config["slab_megabytes"] * layout.MEGABYTE
    shape = (len(scan.angles), scan.depth, scan.columns)
    return Entry(scan, layout.Layout(*shape, sections=split["sections"], slab_bytes=slab_bytes))
