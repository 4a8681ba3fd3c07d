"""Inputs of a training: scans, network, settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomodenoise.networks import model_file, models, specs
from tomodenoise.networks.models import Model
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.storage import sections
from tomodenoise.storage.sections import Sections
from tomodenoise.training.checkpoints import Checkpoint
from tomodenoise.training.options import BUDGET, Train


@dataclass(frozen=True)
class Task:
    """A training: its scans, network and settings, and the file of its state."""

    scans: Sequence[Sections]
    spec: specs.Spec
    settings: Train
    facts: Mapping[str, Any]
    """Plain values to be stored with the model."""
    start: Model | None = None
    """Model whose weights and normalisation the training starts from."""
    checkpoint: Checkpoint | None = None
    windows: Sequence[Sequence[int] | None] = ()
    """Time steps [start, stop) of each scan to train on; None, or no entries, for static ones."""
    reconstruct: Sequence[Reconstruct] = ()
    """How each scan is reconstructed; no entries without rounds on copies."""


def collect(
    results: Path, request: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], checkpoint: Path
) -> Task:
    """Collect the inputs of a training that the workflow requests.

    Parameters
    ----------
    results : folder of the scans' results.
    request : see `Params.training_request`. All of it but the budget makes the training's identity.
    known : conditions of the scans, see `Params.conditions`; only recorded in the model.
    checkpoint : file that keeps the state.
    """
    config = request["config"]
    chosen = Train.model_validate(config["train"])
    budget = {key: getattr(chosen, key) for key in BUDGET}
    shaping = {key: value for key, value in config["train"].items() if key not in BUDGET}
    entries = config["scans"].values()
    text = json.dumps({**request, "config": {**config, "train": shaping}}, sort_keys=True)
    return Task(
        [sections.describe(results / name) for name in config["scans"]],
        specs.from_json(config["network"]),
        chosen,
        model_file.facts(request, known),
        models.load(Path(request["start"])) if request["start"] else None,
        checkpoint=Checkpoint(checkpoint, hashlib.sha256(text.encode()).hexdigest(), json.dumps(budget)),
        windows=[entry.get("steps", {}).get("train") for entry in entries],
        reconstruct=[Reconstruct.model_validate(entry["reconstruct"]) for entry in entries] if chosen.reproject else (),
    )
