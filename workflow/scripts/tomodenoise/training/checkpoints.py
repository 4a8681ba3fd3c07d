"""State of a training, and the checkpoint file that preserves it: complete or absent."""

import math
import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tomodenoise.common import files, logs
from tomodenoise.training.optimizers import Clock


@dataclass(frozen=True)
class Evaluation:
    """Line of `history.jsonl`. Squared errors are in units of the normalisation's variance."""

    iteration: int
    pixels: int
    loss: float
    """Mean over the pixels shown since the last evaluation."""
    held_out_loss: float
    """Mean squared error against the noisy target."""
    umse: float | None
    """Estimate of the true mean squared error, from two independent targets; None with too few sections."""
    learning_rate: float
    seconds: float
    """Training time without interruptions."""


@dataclass
class State:
    """Variables of a training; all are stored in the checkpoint."""

    network: nn.Module
    optimizers: Sequence[torch.optim.Optimizer]
    """Each updates a part of the weights."""
    clock: Clock
    """Learning rate and number of the step, on the device."""
    best: dict[str, Tensor]
    """Weights with the smallest held-out loss."""
    shown: Tensor
    """(2,) float64: sum of errors and number of pixels since the last evaluation."""
    history: list[Evaluation] = field(default_factory=list)
    iteration: int = 0
    seconds: float = 0.0

    @property
    def best_loss(self) -> float:
        """Smallest held-out loss so far; infinite before the first one."""
        return min((line.held_out_loss for line in self.history if math.isfinite(line.held_out_loss)), default=math.inf)


@dataclass(frozen=True)
class Checkpoint:
    """Location and identity of the stored state of a training."""

    path: Path
    identity: str
    """Everything that affects the training except its budget; a file with another identity is not continued."""
    budget: str
    """A training that has ended with this budget starts from scratch with the same one."""


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def save(checkpoint: Checkpoint, state: State, *, ended: bool) -> None:
    """Replace the file atomically and flush it to disk."""
    plain = {
        "identity": checkpoint.identity,
        "ended": checkpoint.budget if ended else None,
        "network": state.network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
        "best": state.best,
        "shown": state.shown,
        "history": [asdict(line) for line in state.history],
        "rate": float(state.clock.rate),
        "iteration": state.iteration,
        "seconds": state.seconds,
    }
    with files.replacing(checkpoint.path) as partial, partial.open("wb") as file:
        torch.save(plain, file)
        file.flush()
        os.fsync(file.fileno())


def resume(checkpoint: Checkpoint, state: State, total: int, device: torch.device) -> None:
    """Resume from the file, if it belongs to this training and iterations are left."""
    saved = _read(checkpoint.path, device)
    if saved.get("identity") != checkpoint.identity or saved["ended"] == checkpoint.budget:
        return
    if saved["iteration"] >= total and saved["ended"]:
        return
    state.network.load_state_dict(saved["network"])
    for optimizer, values in zip(state.optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    state.best, state.shown = saved["best"], saved["shown"]
    state.history = [Evaluation(**line) for line in saved["history"]]
    state.iteration, state.seconds = saved["iteration"], saved["seconds"]
    # Version 0.1.0 kept the rate with the optimisers. It is only written into the history.
    state.clock.rate.fill_(saved.get("rate", 0))


def _read(path: Path, device: torch.device) -> Mapping[str, Any]:
    """Read the file; empty if missing, or with a warning if damaged. No code in it is executed."""
    if not path.exists():
        return {}
    try:
        # torch itself ignores the checksums that it writes.
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is None:
                saved: Mapping[str, Any] = torch.load(path, map_location=device, weights_only=True)
                return saved
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error):
        pass
    logs.logger.warning("%s is damaged: training starts from scratch", path)
    return {}
