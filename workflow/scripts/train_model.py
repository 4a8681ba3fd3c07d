"""Train a model, alone or as one of several processes that torchrun starts.

train_model.py REQUEST KNOWN MODEL HISTORY

REQUEST is a JSON text of everything that decides the model; KNOWN is one of the conditions of the scans, which are
recorded in it, and by which a model of a shelf is found.
Run it in the working directory, where `results/` holds the sections of the scans. `checkpoint.pt` lies next to MODEL,
and an interrupted training continues from it; `training.html` shows how far it is. Progress goes to standard output.
SIGTERM and SIGUSR1 save the state and end with exit status 75, which means that there is more to do.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tomodenoise.common import cards, files
from tomodenoise.common.errors import UserError
from tomodenoise.networks import models
from tomodenoise.networks.models import Model
from tomodenoise.report import live
from tomodenoise.shelf import serving
from tomodenoise.training import checkpoints, distributed, loop, rounds
from tomodenoise.training.tasks import Task

TRY_AGAIN = 75


def main(results: Path, request: dict[str, Any], known: dict[str, dict[str, Any]], model: Path, history: Path) -> None:
    """Train on every scan of the request; write the model, and rewrite the history after each evaluation."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda received, _: signals.append(received))

    say = partial(print, flush=True)

    def report(lines: Sequence[checkpoints.Evaluation], total: int) -> None:
        with files.replacing(history) as unfinished:
            unfinished.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
        if lines:
            say(loop.progress(lines, total))
            page.show(lines, total)

    def stopping() -> bool:
        return bool(signals)

    def train(task: Task) -> Model:
        begun = partial(page.begin, task, ours)
        first = partial(loop.train, ranks=ours, report=report, stopping=stopping, begun=begun)
        return rounds.train(task, ours, model.with_name("copies"), first, say, stopping)

    asked = serving.Request(results, request, known, model.with_name("checkpoint.pt"))
    page = live.Live(model.with_name("training.html"))
    with distributed.started() as ours, page.training():
        trained = serving.serve(asked, serving.Trainer(ours, train, report, say))
        if ours.first:
            models.save(trained, model)


def run(arguments: Sequence[str]) -> None:
    """Train as the command line asks; on failure, end the process with a status and one line."""
    try:
        main(Path("results"), *map(json.loads, arguments[:2]), *map(Path, arguments[2:4]))
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
    except loop.Interrupted:
        print("tomodenoise: stopped on request; checkpoint.pt keeps the state, run again to continue", file=sys.stderr)
        sys.exit(TRY_AGAIN)
    except RuntimeError as error:
        if line := cards.out_of_memory(error):
            sys.exit(f"tomodenoise: {line}; or set train.batch lower")
        raise


if __name__ == "__main__":
    # Small networks run no faster on several threads, and one gives the same bits on every machine.
    torch.set_num_threads(1)
    run(sys.argv[1:])
