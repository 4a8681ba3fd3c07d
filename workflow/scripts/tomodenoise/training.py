"""The one training loop: patches in, the best model by its held-out split loss out."""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise import networks, sampling
from tomodenoise.errors import UserError
from tomodenoise.models import Model, Normalisation
from tomodenoise.sampling import Batch
from tomodenoise.sections import Sections

GIB = 2**30

GRADIENT_LIMIT = 1.0
"""Largest norm of a step's gradient, for losses of order one."""

HELD_OUT_PATCHES = 64
"""Fixed patches, drawn once, on which every evaluation judges the model."""


@dataclass(frozen=True)
class Settings:
    """The `train` section of the configuration, see its schema."""

    pixels: float
    batch: int
    patch: int
    learning_rate: float
    held_out: float
    evaluations: int
    memory: float
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """A line of `history.jsonl`. Losses are mean squares in units of the normalisation's variance."""

    iteration: int
    pixels: int
    loss: float
    held_out_loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class _Data:
    """What stays the same during a training."""

    training: Sequence[sampling.Part]
    judged: Sequence[Batch]
    norm: Normalisation
    patch: int


def train(
    scans: Sequence[Sections],
    spec: networks.Spec,
    settings: Settings,
    facts: Mapping[str, Any],
    device: torch.device | str,
    report: Callable[[Evaluation, int], None],
) -> Model:
    """Train a network to predict some sections from others.

    Parameters
    ----------
    scans : where the sections lie; all scans train the one model.
    facts : kept with the model.
    report : called after each evaluation with it and with the number of iterations in all.

    Returns
    -------
    The model with the smallest held-out split loss, mean (f(x_in) - x_tgt)^2 over the held-out part, which is the
    error of f plus a noise variance that does not depend on f [Hendriksen 2021, eq. 9].

    Raises
    ------
    UserError
        If a volume is blank or smaller than the network's coarsest pixels.
    """
    rng = np.random.default_rng(settings.seed)
    data = _prepare(scans, spec, settings, rng)
    network = _seeded(spec, settings.seed).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    total = math.ceil(settings.pixels / (settings.batch * data.patch**2))
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=total + 1)
    turns = sampling.turns(scans, data.training, spec.slices, settings.memory * GIB, rng)
    best, best_loss, began, done = copy.deepcopy(network.state_dict()), math.inf, time.perf_counter(), 0
    for goal in np.unique(np.ceil(np.linspace(0, total, settings.evaluations + 1)[1:]).astype(int)).tolist():
        blocks, losses = next(turns), []
        for _ in range(goal - done):
            batch = sampling.draw(blocks, data.norm, spec.slices, data.patch, settings.batch, rng)
            losses.append(_step(network, batch, optimizer, device))
            schedule.step()
        del blocks
        done, held_out_loss = goal, _judge(network, data.judged, device)
        if held_out_loss < best_loss:
            best, best_loss = copy.deepcopy(network.state_dict()), held_out_loss
        seen, rate = done * settings.batch * data.patch**2, float(schedule.get_last_lr()[0])
        loss, seconds = float(torch.stack(losses).mean()), time.perf_counter() - began
        report(Evaluation(done, seen, loss, held_out_loss, rate, seconds), total)
    if not math.isfinite(best_loss):
        raise UserError("training diverged, its held-out loss was never finite: set train.learning_rate lower")
    network.load_state_dict(best)
    return Model(network.eval(), spec, data.norm, facts)


def progress(evaluation: Evaluation, total: int) -> str:
    """One line for a person who waits."""
    left = evaluation.seconds * (total / evaluation.iteration - 1)
    share = evaluation.pixels * (total / evaluation.iteration)
    return (
        f"{evaluation.pixels / 1e6:8.1f} of {share / 1e6:.1f} million pixels   loss {evaluation.loss:.5f}"
        f"   held out {evaluation.held_out_loss:.5f}   {int(left) // 60}:{int(left) % 60:02d} left"
    )


def masked_square(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean square difference where the mask is 1."""
    return ((prediction - target).square() * mask).sum() / mask.sum().clamp(min=1)


def _step(network: nn.Module, batch: Batch, optimizer: torch.optim.Optimizer, device: torch.device | str) -> Tensor:
    inputs = batch.inputs.to(device, memory_format=torch.channels_last)
    loss = masked_square(network(inputs), batch.targets.to(device), batch.masks.to(device))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    # Without normalisation layers one bad patch can throw the weights far off at the peak of the learning rate.
    nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def _judge(network: nn.Module, batches: Sequence[Batch], device: torch.device | str) -> float:
    total, count = 0.0, 0.0
    for batch in batches:
        weight = float(batch.masks.sum())
        prediction = network(batch.inputs.to(device, memory_format=torch.channels_last)).cpu()
        total += weight * float(masked_square(prediction, batch.targets, batch.masks))
        count += weight
    return total / count


def _seeded(spec: networks.Spec, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return networks.build(spec)


def _prepare(scans: Sequence[Sections], spec: networks.Spec, settings: Settings, rng: np.random.Generator) -> _Data:
    """Keep data apart, find the normalisation, and draw the patches that every evaluation judges."""
    patch, norm = _patch_size(scans, spec, settings.patch), sampling.normalisation(scans)
    training, held_out = zip(*(sampling.divide(s, spec.slices, settings.held_out) for s in scans), strict=True)
    blocks = next(sampling.turns(scans, held_out, spec.slices, settings.memory * GIB, rng))
    rounds = max(1, HELD_OUT_PATCHES // settings.batch)
    judged = [sampling.draw(blocks, norm, spec.slices, patch, settings.batch, rng) for _ in range(rounds)]
    return _Data(training, judged, norm, patch)


def _patch_size(scans: Sequence[Sections], spec: networks.Spec, wanted: int) -> int:
    grid = networks.multiple(spec)
    smallest = min(scan.size for scan in scans)
    if smallest < grid:
        raise UserError(f"slices of {smallest} pixels are smaller than network.depth {spec.depth} allows: set it lower")
    return min(wanted, smallest) // grid * grid
