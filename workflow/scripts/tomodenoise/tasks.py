"""What a training is told: scans, network, settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tomodenoise import schedule, specs
from tomodenoise.checkpoints import Checkpoint
from tomodenoise.models import Model
from tomodenoise.sections import Sections


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
    """What to train, on what, and where its state is kept."""

    scans: Sequence[Sections]
    spec: specs.Spec
    settings: Settings
    facts: Mapping[str, Any]
    """Kept with the model."""
    start: Model | None = None
    """A model whose weights and normalisation are taken over."""
    checkpoint: Checkpoint | None = None


def settings(values: Mapping[str, Any]) -> Settings:
    """Read the `train` section of a resolved configuration."""
    ends = {field.name for field in fields(schedule.Budget)}
    budget = schedule.Budget(**{key: value for key, value in values.items() if key in ends})
    return Settings(budget, **{key: value for key, value in values.items() if key not in ends})
