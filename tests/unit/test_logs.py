"""Logs: a user's error is one line, a bug keeps its traceback, progress shows the remaining time."""

import logging
from pathlib import Path

import pytest

from tomodenoise.common import logs
from tomodenoise.common.errors import UserError


def test_a_users_error_is_one_line_in_the_log_and_at_the_exit(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught, logs.to(tmp_path / "a.log"):
        raise UserError("raw.h5: no such file: correct scans.foam.file")
    assert caught.value.code == "tomodenoise: raw.h5: no such file: correct scans.foam.file"
    assert (tmp_path / "a.log").read_text().count("\n") == 1
    assert not logging.getLogger("tomodenoise").handlers


def test_a_bug_keeps_its_trace_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), logs.to(tmp_path / "a.log"):
        1 / 0  # noqa: B018
    assert "Traceback" in (tmp_path / "a.log").read_text()


def test_progress_is_logged_with_the_time_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 6000, 50))
    monkeypatch.setattr(logs.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, "tomodenoise"):
        assert list(logs.progress("abcdef", 6, "slices")) == list("abcdef")
    assert caplog.messages == [
        "2 of 6 slices, about 3 min left",
        "4 of 6 slices, about 2 min left",
        "6 of 6 slices, about 0 min left",
    ]
