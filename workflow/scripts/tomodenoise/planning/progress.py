"""One line about the progress of a run: jobs done, stage and scan of the last one, and the time left."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from tomodenoise.planning import paths

TRAINING = "train_model"

SOON = 60
"""Seconds of a run before which no time left is shown, because it would be a guess."""


class _Job(NamedTuple):
    rule: str
    name: str
    """Of its scan or model; may be empty."""
    began: float


class Progress:
    """Jobs according to Snakemake's log records, by event."""

    def __init__(self) -> None:
        self.failed: dict[int, str] = {}
        """Reasons of the jobs that failed, by number; if one starts again, its reason is shown."""
        self._stages: Mapping[str, str] = {}
        self._remaining: Callable[[], Mapping[str, int]] = Counter
        self._running: dict[int, _Job] = {}
        self._spent: dict[str, list[float]] = defaultdict(list)
        self._last: _Job | None = None
        self._began = 0.0

    def start(self, stages: Mapping[str, str], remaining: Callable[[], Mapping[str, int]]) -> None:
        """Set the stage of each rule that does its work, and the function that counts unfinished jobs by rule."""
        self._stages = stages
        self._remaining = remaining

    def note(self, event: str, record: Mapping[str, Any]) -> None:
        """Note that a job starts (on a cluster: is submitted) or ends."""
        self._began = self._began or record["created"]
        if event == "JOB_INFO":
            names = record["wildcards"] or {}
            name = names.get("scan") or names.get("model") or ""
            self._running[record["jobid"]] = _Job(record["rule_name"], name, record["created"])
        if event == "JOB_FINISHED" and (job := self._running.pop(record["job_id"], None)):
            self._spent[job.rule].append(record["created"] - job.began)
            self._last = job

    def is_shown(self, record: Mapping[str, Any]) -> bool:
        """Return whether to show a line when a job starts: for a training, and for each attempt after a failure."""
        return record["rule_name"] == TRAINING or record["jobid"] in self.failed

    def line(self, event: str, record: Mapping[str, Any]) -> str:
        """Return the line for a record; empty for events of other kinds."""
        if event == "JOB_INFO":
            title = self._title(self._running[record["jobid"]])
            reason = self.failed.get(record["jobid"])
            return f"{title} is retried: {reason}" if reason else f"{title}: {self._page(record)} shows its progress"
        if event != "PROGRESS":
            return ""
        done, total = record["done"], record["total"]
        last = f", {self._title(self._last)}" if self._last else ""
        left = self._left(record["created"]) if done < total else ""
        return f"{done} of {total} jobs ({100 * done // max(total, 1)} %){last}{left}"

    def _title(self, job: _Job) -> str:
        return f"{self._stages.get(job.rule, job.rule.replace('_', ' '))} {job.name}".rstrip()

    @staticmethod
    def _page(record: Mapping[str, Any]) -> str:
        model = PurePath(str(record["output"][0]))  # with the whole folder: that of a part of a scan lies deeper
        return str(model.with_name(PurePath(paths.WATCHED).name))

    def _left(self, now: float) -> str:
        """Give the time left, from the pace so far, once a job of each stage that is left has been measured."""
        elapsed, work = now - self._began, 0.0
        for rule, count in self._remaining().items():
            if rule in self._stages and not self._spent[rule]:
                return ""
            if times := self._spent[rule]:
                work += count * sum(times) / len(times)
        pace = sum(map(sum, self._spent.values())) / max(elapsed, 1e-9)
        if elapsed < SOON or not pace:
            return ""
        minutes = work / pace / 60
        return f", about {minutes:.0f} min left" if minutes >= 1 else ", less than a minute left"
