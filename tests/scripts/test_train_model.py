"""Training as its own process: killed, stopped, and shared by several ranks, it ends with the same model."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scans_on_disk
import torch
from safetensors.torch import load_file

import train_model
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.training import loop
from tomodenoise.training.options import Train

SCRIPT = Path(train_model.__file__)
KNOWN = {"foam": {"pixel_size": {"value": 1.5, "source": "a test"}}}
SMALL = Network(name="unet", slices=3, width=4, depth=2)


def request(start: Path | None = None, **train: object) -> dict[str, Any]:
    """Give what the workflow asks of a training of one scan."""
    options = Train.model_validate({"patch": 32, "held_out": 0.2, "reproject": 0, **train})
    config = {
        "train": options.as_json(),
        "network": asdict(specs.complete(SMALL)),
        "scans": {"foam": {}},
    }
    return {"config": config, "sources": {"foam": "1"}, "start": start and str(start), "origin": None}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a working directory with the sections of a scan."""
    scans_on_disk.write(tmp_path / "results/foam", scans_on_disk.blobs(24, 64))
    (tmp_path / "results/models/foam").mkdir(parents=True)
    return tmp_path


def files(project: Path, name: str = "foam") -> tuple[Path, Path]:
    folder = project / "results/models" / name
    folder.mkdir(exist_ok=True)
    return folder / "model.safetensors", folder / "history.jsonl"


def child(project: Path, asked: dict[str, Any], name: str, seconds: float) -> None:
    """Train in a process of its own, with a checkpoint after so many seconds."""
    torch.set_num_threads(1)
    loop.CHECKPOINT_SECONDS = seconds  # type: ignore[misc]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        sys.stdout = nowhere
        train_model.main(project / "results", asked, KNOWN, *files(project, name))


def launch(project: Path, asked: dict[str, Any], *launcher: str) -> subprocess.Popen[str]:
    command = [sys.executable, *launcher, str(SCRIPT), json.dumps(asked), json.dumps(KNOWN), *map(str, files(project))]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def lines(history: Path) -> list[dict[str, Any]]:
    """Read a history without its times, which never repeat."""
    read = [json.loads(line) for line in history.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in read]


def test_a_full_card_ends_it_with_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **_named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.50 GiB.")

    monkeypatch.chdir(project)
    monkeypatch.setattr(loop, "train", full)
    with pytest.raises(SystemExit) as end:
        train_model.run([json.dumps(request()), '{"foam": {}}', *map(str, files(project))])
    line = str(end.value)
    assert line.startswith("tomodenoise: the GPU is out of memory: 3.50 GiB more are needed")
    assert line.endswith("or set train.batch lower")
    assert "\n" not in line


@pytest.mark.slow
@pytest.mark.nightly
def test_killed_twenty_times_it_ends_with_the_same_bits(project: Path) -> None:
    asked = request(pixels=4e6, evaluations=40)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["train_model", "scans_on_disk"])

    def start(name: str, seconds: float) -> Any:  # noqa: ANN401 - a process of this context
        process = context.Process(target=child, args=(project, asked, name, seconds))
        process.start()
        return process

    undisturbed = start("whole", 1e9)
    undisturbed.join()
    whole = lines(files(project, "whole")[1])
    rng, reached = np.random.default_rng(int(time.time())), [0]
    checkpoint = project / "results/models/foam/checkpoint.pt"
    for kill in range(20):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = start("foam", 0.05)
        # Every fourth is killed at any moment of its start, the others when they have come further.
        while kill % 4 and process.is_alive() and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
            time.sleep(0.01)
        process.join(rng.uniform(0, 0.3))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"it was done after {kill} kills: make it longer"
        if files(project)[1].exists():
            seen = lines(files(project)[1])
            assert seen == whole[: len(seen)]
        if checkpoint.exists():
            reached.append(torch.load(checkpoint, weights_only=True)["iteration"])
    assert len(set(reached)) > 10
    assert reached == sorted(reached)
    finished = start("foam", 0.05)
    finished.join()
    assert finished.exitcode == 0
    assert lines(files(project)[1]) == whole
    assert files(project)[0].read_bytes() == files(project, "whole")[0].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_it_with_its_state_saved_and_more_to_do(project: Path, number: signal.Signals) -> None:
    process = launch(project, request(pixels=1e9, evaluations=10_000))
    checkpoint = project / "results/models/foam/checkpoint.pt"
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == train_model.TRY_AGAIN, output
    assert "run again to continue" in output
    assert "Traceback" not in output
    assert torch.load(checkpoint, weights_only=True)["iteration"] > 0
    assert not files(project)[0].exists()


@pytest.mark.slow
def test_two_ranks_train_what_one_trains(project: Path) -> None:
    # A few steps only: Adam makes rounding grow.
    asked, weights = request(iterations=10, evaluations=2, batch=6), []
    several = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    histories = []
    for launcher in ((), several):
        process = launch(project, asked, *launcher)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        weights.append(load_file(files(project)[0]))
        histories.append(lines(files(project)[1]))
        assert output.count("million pixels") == 2
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-6)
    for one, two in zip(*histories, strict=True):
        assert one["iteration"] == two["iteration"]
        for figure in ("loss", "held_out_loss", "umse"):
            assert one[figure] == pytest.approx(two[figure], rel=1e-3)


@pytest.mark.slow
def test_two_ranks_deal_out_what_does_not_fit_and_learn_as_much(project: Path) -> None:
    asked, errors = request(iterations=100, evaluations=5, batch=6, memory=1e-4, learning_rate=1e-2), []
    several = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    for launcher in ((), several):
        process = launch(project, asked, *launcher)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        errors.append([line["umse"] for line in lines(files(project)[1])])
    one, two = errors
    assert one != pytest.approx(two, rel=1e-3)
    assert two[-1] < 0.5 * two[0]
    assert two[-1] == pytest.approx(one[-1], rel=0.2)


@pytest.mark.slow
def test_fewer_patches_than_ranks_are_refused_in_one_line(project: Path) -> None:
    process = launch(project, request(batch=1), "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "tomodenoise: train.batch is 1, too few patches for 2 processes: set it higher" in output
