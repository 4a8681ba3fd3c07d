"""Training as jobs: on several nodes, two at a time, and interrupted."""

import json
import math
import re
import subprocess
from typing import Any

import pytest
import torch
from clusters import OnCluster, profile, train_more, wait_for
from projects import Project

MODEL = "results/models/half/model.safetensors"
MODELS = [MODEL, "results/models/turn/model.safetensors"]
# By their times all files are up to date, except for the models.
ONLY = ["--rerun-triggers=mtime"]


def lines(project: Project, model: str) -> list[dict[str, Any]]:
    """Read a history without its times, which never repeat."""
    text = (project.folder / "results/models" / model / "history.jsonl").read_text()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in text.splitlines()]


def forget_models(project: Project) -> None:
    for file in project.folder.glob("results/models/*/*"):
        file.unlink()


@pytest.mark.nightly
def test_two_nodes_of_two_ranks_learn_what_four_ranks_on_one_learn(copied: OnCluster) -> None:
    config = (copied.folder / "config.yaml").read_text()
    (copied.folder / "config.yaml").write_text(config.replace("batch: 2", "batch: 8"))
    forget_models(copied)
    run = copied.snakemake(*MODELS, "--set-threads=train_model=4", "--cores=8", *ONLY)
    assert run.status == 0, run.text
    expected = {name: lines(copied, name) for name in ("half", "turn")}

    forget_models(copied)
    profile(copied.folder, one_node=False)
    text = copied.run(*MODELS, "--set-threads=train_model=2", *ONLY)
    assert text.endswith("exit status 0"), text
    first, second = copied.jobs("train_model")
    for job in (first, second):
        assert (job["NodeList"], job["NumNodes"], job["NumTasks"], job["CPUs/Task"]) == ("gpu[1-2]", "2", "2", "2")
    assert max(first["StartTime"], second["StartTime"]) < min(first["EndTime"], second["EndTime"])
    for name, history in expected.items():
        assert len(history) == 2
        for single, double in zip(history, lines(copied, name), strict=True):
            assert single["iteration"] == double["iteration"]
            for figure in ("loss", "held_out_loss", "umse"):
                assert math.isclose(single[figure], double[figure], rel_tol=1e-3)


def test_a_mistake_that_one_rank_finds_ends_the_job_and_is_named(copied: OnCluster) -> None:
    forget_models(copied)
    profile(copied.folder, one_node=False)
    text = copied.run(MODEL, "--set-threads=train_model=2", "--retries=0", *ONLY)
    assert text.endswith("exit status 1"), text
    assert "half  FAILED in train_model: train.batch is 2, too few patches for 4 processes: set it higher" in text
    assert "logs/models/half/train.log" in text


@pytest.mark.nightly
def test_a_training_warned_and_cancelled_resumes_to_the_same_bits(copied: OnCluster) -> None:
    train_more(copied)
    forget_models(copied)
    run = copied.snakemake(MODEL, *ONLY)
    assert run.status == 0, run.text
    undisturbed, history = (copied.folder / MODEL).read_bytes(), lines(copied, "half")

    forget_models(copied)
    progress = copied.folder / "results/models/half/history.jsonl"
    checkpoint, running, seen = copied.folder / "results/models/half/checkpoint.pt", copied.start(MODEL, *ONLY), []
    # What SLURM sends before the time is up, and then a person who cancels the job.
    for command in (["scancel", "--signal=USR1"], ["scancel"]):
        job = wait_for(lambda: copied.running("train_model"))
        wait_for(lambda: progress.exists() and progress.read_text().count("\n") > 3)
        subprocess.run([*command, job], check=True)
        wait_for(lambda: copied.jobs("train_model")[-1]["JobState"] not in {"RUNNING", "COMPLETING"})
        progress.unlink(missing_ok=True)
        seen.append(torch.load(checkpoint, weights_only=True)["iteration"])
    text = copied.finish(running)
    assert text.endswith("exit status 0"), text
    assert [job["JobState"] for job in copied.jobs("train_model")] == ["FAILED", "CANCELLED", "COMPLETED"]
    assert "run again to continue" in text
    assert 0 < seen[0] < seen[1]
    assert (copied.folder / MODEL).read_bytes() == undisturbed
    assert lines(copied, "half") == history
    log = (copied.folder / "logs/models/half/train.log").read_text()
    assert log.count("million pixels") < len(history)


@pytest.mark.nightly
def test_out_of_time_a_training_saves_its_state_and_goes_on(copied: OnCluster) -> None:
    train_more(copied)
    config = (copied.folder / "config.yaml").read_text()
    (copied.folder / "config.yaml").write_text(re.sub("pixels: [0-9.e+]+", "pixels: 4.0e+7", config))
    forget_models(copied)
    run = copied.snakemake(MODEL, *ONLY)
    assert run.status == 0, run.text
    undisturbed = (copied.folder / MODEL).read_bytes()
    forget_models(copied)
    profile(copied.folder, train_model={"runtime": 1, "slurm_extra": "--signal=USR1@25"})
    text = copied.run(MODEL, "--retries=9", *ONLY)
    assert text.endswith("exit status 0"), text
    states = [job["JobState"] for job in copied.jobs("train_model")]
    assert states[-1] == "COMPLETED"
    assert len(states) > 1
    assert set(states[:-1]) == {"FAILED"}, "the warning came too late, or not at all"
    assert (copied.folder / MODEL).read_bytes() == undisturbed
