"""Train a model, alone or as one of several processes that torchrun starts.

train_model.py REQUEST PIXEL_SIZES MODEL HISTORY, where REQUEST is a JSON text of all that shapes the model, and
PIXEL_SIZES one of what is only told in it. Run in the working directory, whose `results/` holds the sections of the
scans. Beside MODEL lies `checkpoint.pt`, from which an interrupted training goes on. Progress goes to standard
output. On SIGTERM or SIGUSR1 the state is saved; exit status 75 then says that there is more to do.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tomodenoise.common import files
from tomodenoise.common.errors import UserError
from tomodenoise.networks import models
from tomodenoise.training import checkpoints, distributed, loop, tasks

TRY_AGAIN = 75


def main(results: Path, request: dict[str, Any], pixel_sizes: dict[str, float], model: Path, history: Path) -> None:
    """Train on every scan of the request; write the model, and the history anew after each evaluation."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda received, _: signals.append(received))

    def report(lines: Sequence[checkpoints.Evaluation], total: int) -> None:
        with files.replacing(history) as partial:
            partial.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
        print(loop.progress(lines, total), flush=True)

    task = tasks.collect(results, request, pixel_sizes, model.with_name("checkpoint.pt"))
    with distributed.started() as ours:
        trained = loop.train(task, ours, report, lambda: bool(signals))
        if ours.first:
            models.save(trained, model)


if __name__ == "__main__":
    # Small networks run no faster on several threads, and one gives the same bits on every machine.
    torch.set_num_threads(1)
    try:
        main(Path("results"), *map(json.loads, sys.argv[1:3]), *map(Path, sys.argv[3:5]))
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
    except loop.Interrupted:
        print("tomodenoise: stopped when asked; checkpoint.pt keeps the state, run again to go on", file=sys.stderr)
        sys.exit(TRY_AGAIN)
