"""The inputs of a training: scans, network, settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tomodenoise.networks import model_file, models, specs
from tomodenoise.networks.models import Model
from tomodenoise.storage import sections
from tomodenoise.storage.sections import Sections
from tomodenoise.training import schedule
from tomodenoise.training.checkpoints import Checkpoint


@dataclass(frozen=True)
class Settings:
    """The `train` section of the configuration, see its schema."""

    budget: schedule.Budget
    batch: int
    patch: int
    learning_rate: float
    loss: str
    symmetric: bool
    mask: str
    held_out: float
    memory: float
    seed: int


@dataclass(frozen=True)
class Task:
    """A training: its scans, network and settings, and the file of its state."""

    scans: Sequence[Sections]
    spec: specs.Spec
    settings: Settings
    facts: Mapping[str, Any]
    """Plain values to be stored with the model."""
    start: Model | None = None
    """Model whose weights and normalisation the training starts from."""
    checkpoint: Checkpoint | None = None
    windows: Sequence[Sequence[int] | None] = ()
    """Time steps [start, stop) of each scan to train on; None, or no entries, for static ones."""


def settings(values: Mapping[str, Any]) -> Settings:
    """Read the `train` section of a resolved configuration."""
    ends = {field.name for field in fields(schedule.Budget)}
    budget = schedule.Budget(**{key: value for key, value in values.items() if key in ends})
    return Settings(budget, **{key: value for key, value in values.items() if key not in ends})


def collect(
    results: Path, request: Mapping[str, Any], pixel_sizes: Mapping[str, float | None], checkpoint: Path
) -> Task:
    """Collect the inputs of a training that the workflow requests.

    Parameters
    ----------
    results : folder of the scans' results.
    request : see `recipes.training_request`. All of it but the budget identifies the training.
    pixel_sizes : micrometres, by scan; only recorded in the model.
    checkpoint : file for the state.
    """
    config = request["config"]
    chosen = settings(config["train"])
    budget = asdict(chosen.budget)
    shaping = {key: value for key, value in config["train"].items() if key not in budget}
    entries = config["scans"].values()
    text = json.dumps({**request, "config": {**config, "train": shaping}}, sort_keys=True)
    return Task(
        [sections.describe(results / name) for name in config["scans"]],
        specs.from_json(config["network"]),
        chosen,
        model_file.facts(request, pixel_sizes),
        models.load(Path(request["start"])) if request["start"] else None,
        checkpoint=Checkpoint(checkpoint, hashlib.sha256(text.encode()).hexdigest(), json.dumps(budget)),
        windows=[entry.get("steps", {}).get("train") for entry in entries],
    )
