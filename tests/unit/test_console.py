"""Reports of failed jobs at the end of a run."""

import logging
import subprocess
from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError, print_exception
from snakemake.logging import logger

from tomodenoise.planning.console import Brief, Failure


def failure(folder: Path, own: str | None, message: str = "") -> Failure:
    """Make a failed job that also has a log of SLURM."""
    if own is not None:
        (folder / "own.log").write_text(own)
    return Failure("train_model", (), (str(folder / "own.log"), "logs/slurm/7.log"), message)


@pytest.mark.parametrize(
    ("own", "message", "reason", "log"),
    [
        (
            "2026-11-28 10:00:00 INFO a\n2026-11-28 10:00:01 ERROR too small: set it higher\n",
            "",
            "too small",
            "own.log",
        ),
        ("tomodenoise: too small: set it higher\n", "", "too small", "own.log"),
        (
            "2026-11-28 10:00:00 INFO a\n",
            "failed, SLURM status is: 'OUT_OF_MEMORY'.",
            "SLURM says OUT_OF_MEMORY",
            "7.log",
        ),
        (None, "", "killed, out of memory or out of time", "7.log"),
    ],
)
def test_a_failure_is_explained_by_its_own_log_or_by_slurm(
    tmp_path: Path, own: str | None, message: str, reason: str, log: str
) -> None:
    result = failure(tmp_path, own, message)
    assert reason in result.reason
    assert result.log.endswith(log)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (WorkflowError("At least one job did not complete successfully."), False),
        (subprocess.CalledProcessError(1, "train_model.py"), False),
        (WorkflowError("Error recording metadata for finished job (No space left on device)."), True),
        (OSError("No space left on device"), True),
    ],
)
def test_an_error_of_snakemake_itself_is_shown(error: Exception, shown: bool) -> None:
    records: list[logging.LogRecord] = []
    keep = logging.Handler()
    keep.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(keep)
    try:
        print_exception(error)
    finally:
        logger.removeHandler(keep)
    assert [Brief().filter(record) for record in records if record.levelno >= logging.ERROR] == [shown]
