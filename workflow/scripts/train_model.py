"""Train a model, alone or as one of several processes that torchrun starts.

train_model.py REQUEST PIXEL_SIZES MODEL HISTORY

REQUEST is a JSON text of everything that decides the model; PIXEL_SIZES is one of values that are only recorded in it.
Run it in the working directory, where `results/` holds the sections of the scans. `checkpoint.pt` lies next to MODEL,
and an interrupted training continues from it. Progress goes to standard output. SIGTERM and SIGUSR1 save the state and
end with exit status 75, which means that there is more to do.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tomodenoise.common import cards, files
from tomodenoise.common.errors import UserError
from tomodenoise.networks import models
from tomodenoise.training import checkpoints, distributed, loop, tasks

TRY_AGAIN = 75


def main(results: Path, request: dict[str, Any], pixel_sizes: dict[str, float], model: Path, history: Path) -> None:
    """Train on every scan of the request; write the model, and rewrite the history after each evaluation."""
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


def run(arguments: Sequence[str]) -> None:
    """Train as the command line asks; where that fails, end the process with a status and one line."""
    try:
        main(Path("results"), *map(json.loads, arguments[:2]), *map(Path, arguments[2:4]))
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
    except loop.Interrupted:
        print("tomodenoise: stopped when asked; checkpoint.pt keeps the state, run again to go on", file=sys.stderr)
        sys.exit(TRY_AGAIN)
    except RuntimeError as error:
        if line := cards.out_of_memory(error):
            sys.exit(f"tomodenoise: {line}; or set train.batch lower")
        raise


if __name__ == "__main__":
    # Small networks run no faster on several threads, and one gives the same bits on every machine.
    torch.set_num_threads(1)
    run(sys.argv[1:])
