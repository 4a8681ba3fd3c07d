"""The terminal of a run: its progress, Snakemake's warnings, and the jobs that failed.

Snakemake logs a dozen lines for each job, which its log file keeps. Here its records are filtered by their `event`, as
its interface for logger plugins defines them.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomodenoise.planning.progress import Progress

REPEATED = {"CalledProcessError", "RuleException"}
"""Exceptions that only repeat that a job failed."""

LAST = "At least one job did not complete successfully"
"""Part of a WorkflowError that does the same; other messages of this type are about Snakemake itself."""

PERCENT, SECONDS = 10, 60
"""Progress after which another line is shown."""

INTERRUPT = "Terminating processes on user request"
ERROR = re.compile(r"^(?:\d+: )?(?:\d{4}-\d\d-\d\d [\d:]+ ERROR |tomodenoise: )(.+)$", re.MULTILINE)
"""Last error of a job in its log."""

STATUS = re.compile(r"SLURM status is: '(\w+)'")


@dataclass(frozen=True)
class Failure:
    """A job that failed."""

    rule: str
    outputs: tuple[str, ...]
    logs: tuple[str, ...]
    """Its own, and that of SLURM if there is one."""
    message: str = ""
    """From Snakemake or SLURM."""

    @property
    def log(self) -> str:
        """The log to read: its own if that holds an error, else the last one."""
        return self.logs[0 if self._error() else -1] if self.logs else ""

    @property
    def reason(self) -> str:
        """One line from its log."""
        if error := self._error():
            return error
        status = STATUS.search(self.message)
        ended = f"SLURM says {status[1]}" if status else "killed, out of memory or out of time"
        return f"it ended before it could say why: {ended}"

    def _error(self) -> str:
        try:
            return (ERROR.findall(Path(self.logs[0]).read_text(errors="replace")) or [""])[-1] if self.logs else ""
        except OSError:
            return ""

    @property
    def final(self) -> bool:
        """True if no later attempt made its outputs."""
        return not all(Path(output).exists() for output in self.outputs)


class Lines(logging.Formatter):
    """Formatter for the terminal: our lines about progress, and Snakemake's own messages for everything else."""

    def __init__(self, progress: Progress, plain: logging.Formatter | None) -> None:
        super().__init__()
        self._progress = progress
        self._plain = plain or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Format a record that `Brief` lets through."""
        event = getattr(getattr(record, "event", None), "name", "")
        return self._progress.line(event, record.__dict__) or self._plain.format(record)


class Brief(logging.Filter):
    """Filter for the terminal, which also collects the jobs that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.failures: list[Failure] = []
        self.interrupted = False
        self.ended = False
        self._shown = (-PERCENT, 0.0)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep warnings, errors and some lines about progress."""
        event = getattr(getattr(record, "event", None), "name", "")
        if record.getMessage().startswith(INTERRUPT):
            self.interrupted = True
        self.progress.note(event, record.__dict__)
        if event == "JOB_INFO":
            return self.progress.is_shown(record.__dict__) and not self.interrupted
        if event == "JOB_ERROR":
            self._note(record.__dict__)
            return False
        if event == "PROGRESS":
            return self._is_news(record.__dict__)
        if event == "ERROR" and (getattr(record, "exception", "") in REPEATED or LAST in record.getMessage()):
            return False
        return record.levelno >= logging.WARNING and not self.interrupted and not self.ended

    def _note(self, record: Mapping[str, Any]) -> None:
        logs = tuple(str(log).split(" (", 1)[0] for log in record["log"])
        message = str(record.get("rule_msg") or "")
        self.failures.append(Failure(record["rule_name"], tuple(record["output"]), logs, message))
        self.progress.failed[record["jobid"]] = self.failures[-1].reason

    def _is_news(self, record: Mapping[str, Any]) -> bool:
        percent = 100 * record["done"] // max(record["total"], 1)
        now = record["created"]
        news = percent >= self._shown[0] + PERCENT or now >= self._shown[1] + SECONDS or percent == 100
        if news:
            self._shown = percent, now
        return news and not self.interrupted
