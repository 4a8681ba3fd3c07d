"""Train a model, alone or as one of several processes that torchrun starts: train_model.py REQUEST MODEL HISTORY.

REQUEST is a JSON text with the config and the sources. Run in the working directory, whose `results/` holds the
sections of the scans. Beside MODEL lies `checkpoint.pt`, from which an interrupted training goes on. Progress goes
to standard output. On SIGTERM or SIGUSR1 the state is saved; exit status 75 then says that there is more to do.
"""

import hashlib
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tomodenoise import checkpoints, modelfile, models, ranks, sections, specs, tasks, training
from tomodenoise.errors import UserError

TRY_AGAIN = 75


def main(results: Path, request: dict[str, Any], model: Path, history: Path) -> None:
    """Train on every scan of the request; write the model, and the history anew after each evaluation."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda received, _: signals.append(received))

    def report(lines: Sequence[checkpoints.Evaluation], total: int) -> None:
        scratch = history.with_name(f"{history.name}.partial")
        scratch.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
        scratch.replace(history)
        print(training.progress(lines, total), flush=True)

    task = prepare(results, request, model.with_name("checkpoint.pt"))
    with ranks.started() as ours:
        trained = training.train(task, ours, report, lambda: bool(signals))
        if ours.first:
            models.save(trained, model)


def prepare(results: Path, request: dict[str, Any], checkpoint: Path) -> tasks.Task:
    """Collect what the request names; all of it but the budget makes the training's identity."""
    config = request["config"]
    settings = tasks.settings(config["train"])
    ends = set(asdict(settings.budget))
    shaping = request | {"config": config | {"train": {k: v for k, v in config["train"].items() if k not in ends}}}
    identity = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()
    start = models.load(Path(request["start"])) if request["start"] else None
    return tasks.Task(
        [sections.describe(results / name) for name in config["scans"]],
        specs.from_json(config["network"]),
        settings,
        modelfile.facts(request, {name: pixel_size(results / name) for name in config["scans"]}),
        start,
        checkpoints.Checkpoint(checkpoint, identity, json.dumps(asdict(settings.budget))),
    )


def pixel_size(scan: Path) -> float | None:
    """Micrometre, as the raw file says it; None where it does not."""
    size: float | None = json.loads((scan / "scan.json").read_text())["pixel_size_micrometre"]
    return size


if __name__ == "__main__":
    # Small networks run no faster on several threads, and one gives the same bits on every machine.
    torch.set_num_threads(1)
    try:
        main(Path("results"), json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
    except training.Interrupted:
        print("tomodenoise: stopped when asked; checkpoint.pt keeps the state, run again to go on", file=sys.stderr)
        sys.exit(TRY_AGAIN)
