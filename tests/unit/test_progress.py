"""The line about a run's progress names the stage and the scan, and says how long the rest takes once that is known."""

import logging
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from tomodenoise.planning.console import Brief, Lines

STAGES = {"correct_slab": "correct", "train_model": "train"}


class Terminal:
    """What is shown of a run whose clock is set by hand."""

    def __init__(self, left: dict[str, int]) -> None:
        self.brief = Brief()
        self.brief.progress.start(STAGES, lambda: left)
        self.lines = Lines(self.brief.progress, logging.Formatter("plain %(message)s"))

    def shows(self, seconds: float, event: LogEvent, **fields: object) -> str | None:
        """Return the line of a record; None if it is filtered."""
        values: dict[str, Any] = {
            "event": event,
            "created": 1000 + seconds,
            "levelno": logging.INFO,
            "msg": "",
            **fields,
        }
        record = logging.makeLogRecord(values)
        return self.lines.format(record) if self.brief.filter(record) else None

    def job(self, number: int | str, rule: str, begin: float, end: float, **wildcards: str) -> str | None:
        """Run a job; return what is shown at its start."""
        about = {"rule_name": rule, "wildcards": wildcards, "output": [f"results/models/{number}/model.safetensors"]}
        shown = self.shows(begin, LogEvent.JOB_INFO, jobid=number, **about)
        assert self.shows(end, LogEvent.JOB_FINISHED, job_id=number) is None
        return shown


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({"correct_slab": 6}, ", about 5 min left"),
        ({"correct_slab": 1}, ", less than a minute left"),
        ({"correct_slab": 6, "allocate": 3}, ", about 5 min left"),
        ({"correct_slab": 6, "train_model": 1}, ""),
    ],
)
def test_the_time_left_follows_from_the_pace_of_all_stages_that_are_left(left: dict[str, int], expected: str) -> None:
    terminal = Terminal(left)
    for number in (0, 1):  # two at a time: two slabs in 100 s
        assert terminal.job(number, "correct_slab", 0, 100, scan="foam") is None
    line = terminal.shows(100, LogEvent.PROGRESS, done=2, total=8)
    assert line == f"2 of 8 jobs (25 %), correct foam{expected}"


def test_a_short_run_guesses_no_time() -> None:
    terminal = Terminal({"correct_slab": 6})
    terminal.job(0, "correct_slab", 0, 9, scan="foam")
    assert terminal.shows(9, LogEvent.PROGRESS, done=1, total=8) == "1 of 8 jobs (12 %), correct foam"


def test_a_training_names_its_page() -> None:
    shown = Terminal({}).job(3, "train_model", 0, 9, model="bread")
    assert shown == "train bread: results/models/3/training.html shows its progress"
    shown = Terminal({}).job("bread/dose/0.5", "train_model", 0, 9, model="bread/dose/0.5")
    assert shown == "train bread/dose/0.5: results/models/bread/dose/0.5/training.html shows its progress"


def test_a_job_that_is_tried_again_says_why(tmp_path: Path) -> None:
    terminal, log = Terminal({}), tmp_path / "train.log"
    log.write_text("tomodenoise: stopped on request\n")
    about = {"rule_name": "train_model", "wildcards": {"model": "bread"}, "output": [str(tmp_path / "model")]}
    terminal.shows(0, LogEvent.JOB_INFO, jobid=3, **about)
    assert terminal.shows(1, LogEvent.JOB_ERROR, jobid=3, log=[str(log)], **about) is None
    assert terminal.shows(2, LogEvent.JOB_INFO, jobid=3, **about) == "train bread is retried: stopped on request"


def test_other_lines_stay_as_they_are() -> None:
    terminal = Terminal({})
    assert terminal.shows(0, LogEvent.ERROR, levelno=logging.ERROR, msg="disk full") == "plain disk full"
    terminal.job(1, "describe_image", 0, 1)
    assert terminal.shows(1, LogEvent.PROGRESS, done=1, total=1) == "1 of 1 jobs (100 %), describe image"
