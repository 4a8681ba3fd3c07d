"""What a run came to, in the lines that it ends with."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tomodenoise.planning.console import Failure

WARNING = re.compile(r"^\d{4}-\d\d-\d\d [\d:]+ WARNING (.+)$", re.MULTILINE)
ALIKE = 40
"""Characters by which warnings of several slabs count as the same one."""

MOST = 6
"""Warnings that are shown of a scan."""


def lines(
    scans: Sequence[str], failures: Mapping[str, Failure], finished: Sequence[str], report: Path | None, folder: Path
) -> Iterator[str]:
    """Say which scans are done, what there is to know of each, and where the report is.

    Parameters
    ----------
    scans : all of them.
    failures : scan to the job that failed first.
    finished : scans of which everything is made that was asked for.
    report : the page, if this run made one.
    folder : where `results` and `logs` are.
    """
    done = [scan for scan in scans if scan in finished]
    count = f"{len(done)} of {len(scans)} scans done"
    yield f"tomodenoise: {count}, {len(failures)} failed" if failures else count
    width = max(map(len, scans))
    for scan in scans:
        if scan in failures:
            failure = failures[scan]
            yield f"  {scan:{width}}  FAILED in {failure.rule}: {failure.reason} (log: {failure.log})"
            continue
        state = center(folder / "results" / scan / "center.json")
        yield f"  {scan:{width}}  {state if scan in done else f'not finished; {state}'}"
        found = warnings(scan, folder)
        yield from (f"  {'':{width}}  ! {text}" for text in found[:MOST])
        if len(found) > MOST:
            yield f"  {'':{width}}  ! and {len(found) - MOST} more in logs/{scan}"
    if report is not None:
        yield f"report: {report}"


def center(file: Path) -> str:
    """Give the center of a scan and how sure it is."""
    try:
        found = json.loads(file.read_text())
        return f"center {found['center']:.2f} px, confidence {found['confidence']}"
    except (OSError, ValueError, KeyError):
        return "no center yet"


def warnings(scan: str, folder: Path) -> list[str]:
    """Gather the warnings in the logs of a scan; of those that differ in numbers only, the first."""
    described = folder / "results" / scan / "scan.json"
    since = described.stat().st_mtime - 60 if described.exists() else 0.0
    logs = [file for file in (folder / "logs" / scan).rglob("*.log") if file.stat().st_mtime >= since]
    found: dict[str, str] = {}
    for file in sorted(logs, key=lambda log: log.stat().st_mtime):
        for text in WARNING.findall(file.read_text(errors="replace")):
            found.setdefault(re.sub(r"\d", "0", text)[:ALIKE], text)
    return list(found.values())
