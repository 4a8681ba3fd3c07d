"""Train a model: train_model.py REQUEST MODEL HISTORY, where REQUEST is a JSON text with the config and the sources.

Run in the working directory, whose `results/` holds the sections of the scans. Progress goes to standard output.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tomodenoise import devices, models, networks, provenance, sections, training
from tomodenoise.errors import UserError


def main(results: Path, request: dict[str, Any], model: Path, history: Path) -> None:
    """Train on every scan of the request; write the model and a line of history for each evaluation."""
    config = request["config"]
    settings = training.Settings(**config["train"])
    scans = [sections.describe(results / name) for name in config["scans"]]
    with history.open("w") as lines:

        def report(evaluation: training.Evaluation, total: int) -> None:
            lines.write(json.dumps(asdict(evaluation)) + "\n")
            lines.flush()
            print(training.progress(evaluation, total), flush=True)

        facts = provenance.collect(config, request["sources"])
        spec = networks.Spec(**config["network"])
        models.save(training.train(scans, spec, settings, facts, devices.best(), report), model)


if __name__ == "__main__":
    # Small networks run no faster on several threads, and one gives the same bits on every machine.
    torch.set_num_threads(1)
    try:
        main(Path("results"), json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
