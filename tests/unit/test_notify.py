"""The user's command at the end of a run: what it reads, and that no failure of it leaves a mark."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hdf5_files import write_exchange

from tomodenoise.planning import hooks, notify, run
from tomodenoise.planning.console import Failure
from tomodenoise.planning.notify import Ending
from tomodenoise.planning.run import Run

KEEP = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    return tmp_path


def opened(**config: object) -> Run:
    frames = np.full((48, 12, 32), 200, np.uint16)
    flats = {"data_white": np.full((5, 12, 32), 400, np.uint16), "data_dark": np.full((5, 12, 32), 10, np.uint16)}
    for name in ("a", "b"):
        write_exchange(Path(f"{name}.h5"), frames, **flats)
    scans = {"a": {"file": "a.h5"}, "b": {"file": "b.h5"}}
    return run.open_run({"scans": scans, **config}, [], lambda _: None, try_headers=False, installed_elsewhere=False)


def test_the_command_reads_what_happened() -> None:
    lost = Failure("correct_slab", ("results/b/projections.zarr/c/0/0/0",), ("logs/b/correct/0-0.log",))
    for name in ("center", "quality"):
        Path(f"results/a/{name}.json").parent.mkdir(parents=True, exist_ok=True)
    Path("results/a/center.json").write_text('{"center": 15.5, "confidence": "high", "warning": null}')
    verdicts = [{"level": "bad", "text": "Noise is left."}, {"level": "good", "text": "Clean."}]
    Path("results/a/quality.json").write_text(json.dumps({"verdicts": verdicts}))
    command = [sys.executable, "-c", KEEP, "it's a 'name'; $(touch pwned)"]
    opened_run = opened(notify={"failed": command})
    ending = Ending(
        "failed",
        ["all"],
        ["a"],
        {"b": lost},
        [lost],
        Path("results/report.html"),
        str(Path("snakemake.log").absolute()),
    )
    assert notify.notify(opened_run, ending) is None
    note = json.loads(Path(command[-1]).read_text())
    assert not Path("pwned").exists()
    assert (note["version"], note["state"], note["targets"]) == (1, "failed", ["all"])
    assert (note["folder"], note["report"], note["log"]) == (str(Path.cwd()), "results/report.html", "snakemake.log")
    first, second = note["scans"]
    assert (first["name"], first["state"], first["warnings"]) == ("a", "done", ["Noise is left."])
    assert (first["center"], first["raw"]) == ({"center": 15.5, "confidence": "high"}, ["a.h5"])
    assert (first["volume"], first["quality"]) == (None, "results/a/quality.json")
    assert (second["state"], second["failure"]["rule"], second["center"]) == ("failed", "correct_slab", None)
    assert note["failed_jobs"][0]["outputs"] == list(lost.outputs)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["./nowhere"], "./nowhere cannot be started: No such file or directory"),
        (["."], ". cannot be started: Permission denied"),
        (["a\0b"], "ValueError"),
        (
            [sys.executable, "-c", "raise SystemExit('no network')"],
            "ended with status 1: no network (log: logs/notify.log)",
        ),
        (["false"], "false ended with status 1: no reason given"),
        (["sh", "-c", "kill -9 $$"], "ended with status -9"),
    ],
)
def test_a_command_that_fails_is_one_line(command: list[str], words: str) -> None:
    problem = notify.notify(opened(notify={"done": command}), Ending("done"))
    assert problem
    assert problem.startswith("tomodenoise: notify.done: ")
    assert problem.endswith("; the results are not affected")
    assert words in problem
    assert len(problem.splitlines()) == 1


def test_a_command_that_hangs_is_ended_with_its_children() -> None:
    notify.NOTE.write_text("{}")
    assert notify.send(["sh", "-c", "(sleep 0.5; touch late) & sleep 60"], 0.2) == (
        "sh was stopped after 0.2 s: set notify.seconds if it needs longer"
    )
    time.sleep(0.5)
    assert not Path("late").exists()


def test_a_command_that_reads_nothing_and_writes_much_does_not_block() -> None:
    notify.NOTE.write_text(json.dumps("x" * 1_000_000))
    assert notify.send([sys.executable, "-c", "print('y' * 1_000_000)"], 10) is None


def test_damaged_products_do_not_stop_it() -> None:
    for name in ("center", "quality"):
        Path(f"results/a/{name}.json").parent.mkdir(parents=True, exist_ok=True)
        Path(f"results/a/{name}.json").write_text("[1, ")
    note = notify.describe(opened(), Ending("done", finished=["a", "b"]))
    assert note["scans"][0]["center"] is None
    assert note["scans"][0]["warnings"] == []


def test_only_the_command_of_this_end_runs(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = ([sys.executable, "-c", KEEP, name] for name in ("good.json", "bad.json"))
    end = hooks.Hooks(opened(notify={"done": good, "failed": bad}), ["false"])
    end.finish(["check"], [], [], success=True)
    assert not Path("good.json").exists()
    end.finish(["center"], [], [], success=True)
    assert json.loads(Path("good.json").read_text())["state"] == "done"
    assert not Path("bad.json").exists()
    end.brief.interrupted = True
    end.finish(["center"], [["results/a/scan.json"]], ["x.log"], success=False)
    note = json.loads(Path("bad.json").read_text())
    assert (note["state"], note["log"], note["report"]) == ("interrupted", "x.log", None)
    assert [scan["state"] for scan in note["scans"]] == ["unfinished", "done"]
    assert "notify" not in capsys.readouterr().err
