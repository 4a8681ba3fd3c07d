"""The state of a training, and the file that carries it over an interruption: whole or absent."""

import math
import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tomodenoise.common import files, logs


@dataclass(frozen=True)
class Evaluation:
    """A line of `history.jsonl`. Squares are in units of the normalisation's variance."""

    iteration: int
    pixels: int
    loss: float
    """Mean over the pixels that were shown since the last evaluation."""
    held_out_loss: float
    """Mean square against the noisy target."""
    umse: float | None
    """Mean square error itself, from two independent targets; None with too few sections."""
    learning_rate: float
    seconds: float
    """Of training, interruptions not counted."""


@dataclass
class State:
    """What changes during a training; all of it is kept."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    """Weights of the smallest held-out loss."""
    shown: Tensor
    """(2,) float64: sum of the errors and number of the pixels since the last evaluation."""
    history: list[Evaluation] = field(default_factory=list)
    iteration: int = 0
    seconds: float = 0.0

    @property
    def best_loss(self) -> float:
        """Smallest held-out loss so far; infinite before the first one."""
        return min((line.held_out_loss for line in self.history if math.isfinite(line.held_out_loss)), default=math.inf)


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept."""

    path: Path
    identity: str
    """All that shapes the training but its budget; the file of another identity is not continued."""
    budget: str
    """A training that a budget has ended starts anew under the same one."""


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Copy the weights."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def save(checkpoint: Checkpoint, state: State, *, ended: bool) -> None:
    """Replace the file atomically, and see it safely on the disk."""
    plain = {
        "identity": checkpoint.identity,
        "ended": checkpoint.budget if ended else None,
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "best": state.best,
        "shown": state.shown,
        "history": [asdict(line) for line in state.history],
        "iteration": state.iteration,
        "seconds": state.seconds,
    }
    with files.replacing(checkpoint.path) as partial, partial.open("wb") as file:
        torch.save(plain, file)
        file.flush()
        os.fsync(file.fileno())


def resume(checkpoint: Checkpoint, state: State, total: int, device: torch.device) -> None:
    """Go on from the file, if it is of this very training and there are iterations left to do."""
    saved = _read(checkpoint.path, device)
    if saved.get("identity") != checkpoint.identity or saved["ended"] == checkpoint.budget:
        return
    if saved["iteration"] >= total and saved["ended"]:
        return
    state.network.load_state_dict(saved["network"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.best, state.shown = saved["best"], saved["shown"]
    state.history = [Evaluation(**line) for line in saved["history"]]
    state.iteration, state.seconds = saved["iteration"], saved["seconds"]


def _read(path: Path, device: torch.device) -> Mapping[str, Any]:
    """Read the file; empty where there is none, or where it is damaged, which is told. No code in it is run."""
    if not path.exists():
        return {}
    try:
        # torch itself passes over the checksums that it writes.
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is None:
                saved: Mapping[str, Any] = torch.load(path, map_location=device, weights_only=True)
                return saved
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error):
        pass
    logs.logger.warning("%s is damaged: training starts anew", path)
    return {}
