"""Reports of failed jobs at the end of a run."""

from pathlib import Path

import pytest

from tomodenoise.planning.console import Failure


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
