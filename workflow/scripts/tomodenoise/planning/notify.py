"""The user's command at the end of a run, and the JSON about the run that it reads. See docs/automation.md."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tomodenoise.config.afterwards import words
from tomodenoise.planning import outcome, paths
from tomodenoise.planning.console import Failure
from tomodenoise.planning.run import Run

VERSION = 1
"""Of the JSON; raised when a key changes its meaning or is dropped."""

NOTE = Path("logs/notify.json")
LOG = Path("logs/notify.log")


@dataclass(frozen=True)
class Ending:
    """What is known when a run ends."""

    state: str
    """`done`, `failed` or `interrupted`."""
    targets: Collection[str] = ()
    finished: Collection[str] = ()
    """Scans whose targets are all made."""
    failed: Mapping[str, Failure] = field(default_factory=dict)
    """Scan to the job that failed first."""
    failures: Sequence[Failure] = ()
    """Jobs that failed for good."""
    report: Path | None = None
    """The page, if this run made one."""
    log: str | None = None
    """Snakemake's own, as an absolute path."""


def notify(run: Run, ending: Ending) -> str | None:
    """Write the JSON, and run the command for this outcome if there is one.

    Returns
    -------
    One line if that failed. No exception leaves this function: the run has ended, and its result stands.
    """
    command = run.config.notify.done if ending.state == "done" else run.config.notify.failed
    if command is None:
        return None
    name = f"notify.{'done' if ending.state == 'done' else 'failed'}"
    try:
        NOTE.write_text(json.dumps(describe(run, ending), indent=1))
        problem = send(words(command), run.config.notify.seconds)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return problem and f"tomodenoise: {name}: {problem}; the results are not affected"


def send(command: Sequence[str], seconds: float) -> str | None:
    """Run a command that reads `NOTE` on standard input and writes to `LOG`; stop it and its children at a time limit.

    Returns
    -------
    What went wrong, if anything did.
    """
    with NOTE.open() as note, LOG.open("w") as log:
        try:
            process = subprocess.Popen(command, stdin=note, stdout=log, stderr=log, start_new_session=True)
        except OSError as error:
            return f"{command[0]} cannot be started: {error.strerror}: correct the command"
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"{command[0]} was stopped after {seconds:g} s: set notify.seconds if it needs longer"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    last = (LOG.read_text(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    return f"{command[0]} ended with status {status}: {last} (log: {LOG})" if status else None


def describe(run: Run, ending: Ending) -> dict[str, Any]:
    """Return the JSON. Paths are relative to `folder`; those of missing files are null."""
    return {
        "version": VERSION,
        "state": ending.state,
        "folder": str(Path.cwd()),
        "command": shlex.join(sys.argv),
        "targets": sorted(ending.targets),
        "report": str(ending.report) if ending.report else None,
        "log": os.path.relpath(ending.log) if ending.log else None,
        "scans": [_scan(run, ending, scan) for scan in run.scans],
        "failed_jobs": [_job(failure) | {"outputs": list(failure.outputs)} for failure in ending.failures],
    }


def _scan(run: Run, ending: Ending, scan: str) -> dict[str, Any]:
    state = "failed" if scan in ending.failed else "done" if scan in ending.finished else "unfinished"
    center = _read(paths.CENTER.format(scan=scan))
    verdicts = _read(paths.QUALITY.format(scan=scan)).get("verdicts", [])
    exported = [paths.exports(kind, scan, volume) for kind in run.config.export for volume in run.volumes]
    model = run.config.model_of(scan)
    own = paths.MODEL.format(model=model)
    return {
        "name": scan,
        "state": state,
        "failure": _job(ending.failed[scan]) if scan in ending.failed else None,
        "raw": [str(file) for file in run.entries[scan].files],
        "center": {key: center[key] for key in ("center", "confidence")} if center else None,
        "warnings": outcome.warnings(scan) + [verdict["text"] for verdict in verdicts if verdict["level"] == "bad"],
        "volume": _there(paths.IMAGE_JSON.format(scan=scan, volume=paths.DENOISED), parent=True),
        "exports": [file for file in dict.fromkeys(exported) if Path(file).exists()],
        "quality": _there(paths.QUALITY.format(scan=scan)),
        "model": _there(own if run.config.trained_on(model) else str(run.config.file_of(model))),
        "report": _there(paths.PAGE.format(scan=scan)) if run.is_paged else ending.report and str(ending.report),
        "logs": f"logs/{scan}",
    }


def _job(failure: Failure) -> dict[str, Any]:
    return {"rule": failure.rule, "reason": failure.reason, "log": failure.log}


def _there(file: str, *, parent: bool = False) -> str | None:
    """Return the path of a file, or of its folder, if the file exists: of a volume it is written last."""
    path = Path(file)
    return str(path.parent if parent else path) if path.exists() else None


def _read(file: str) -> dict[str, Any]:
    """Return the content of a JSON file; nothing if it is missing or damaged."""
    try:
        content = json.loads(Path(file).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
