"""The final lines of a run: the outcome of each scan."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tomodenoise.planning import paths
from tomodenoise.planning.console import Failure

WARNING = re.compile(r"^\d{4}-\d\d-\d\d [\d:]+ WARNING (.+)$", re.MULTILINE)
ALIKE = 40
"""Number of leading characters by which warnings of several slabs count as the same."""

MOST = 6
"""Warnings of a scan that are shown."""


def lines(
    scans: Sequence[str], failures: Mapping[str, Failure], finished: Sequence[str], report: Path | None
) -> Iterator[str]:
    """List the finished scans, the center and the warnings of each, and the path of the report.

    Parameters
    ----------
    scans : all of them.
    failures : scan to the job that failed first.
    finished : scans whose targets are all made.
    report : the page, if this run made one.
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
        state = center(Path(paths.CENTER.format(scan=scan)))
        yield f"  {scan:{width}}  {state if scan in done else f'not finished; {state}'}"
        texts = warnings(scan)
        yield from (f"  {'':{width}}  ! {text}" for text in texts[:MOST])
        if len(texts) > MOST:
            yield f"  {'':{width}}  ! and {len(texts) - MOST} more in logs/{scan}"
    if report is not None:
        yield f"report: {report}"


def center(file: Path) -> str:
    """Return the center of a scan and its confidence, as text."""
    try:
        content = json.loads(file.read_text())
        return f"center {content['center']:.2f} px, confidence {content['confidence']}"
    except (OSError, ValueError, KeyError):
        return "no center yet"


def warnings(scan: str) -> list[str]:
    """Return the warnings in the logs of a scan; of those that differ only in numbers, the first."""
    described = Path(paths.SCAN.format(scan=scan))
    since = described.stat().st_mtime - 60 if described.exists() else 0.0
    logs = [file for file in Path("logs", scan).rglob("*.log") if file.stat().st_mtime >= since]
    first: dict[str, str] = {}
    for file in sorted(logs, key=lambda log: log.stat().st_mtime):
        for text in WARNING.findall(file.read_text(errors="replace")):
            first.setdefault(re.sub(r"\d", "0", text)[:ALIKE], text)
    return list(first.values())
