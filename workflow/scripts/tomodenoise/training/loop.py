"""Training loop: patches in, the model with the smallest held-out loss out."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise.common import devices
from tomodenoise.common.errors import UserError
from tomodenoise.networks import held_out, registry
from tomodenoise.networks.models import Model
from tomodenoise.training import checkpoints, dataset, grading, optimizers, patches, schedule, store, validation
from tomodenoise.training.checkpoints import Evaluation, State
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.tasks import Task

GRADIENT_LIMIT = 1.0
"""Largest norm of the gradient of a step, for losses of order one."""

CHECKPOINT_SECONDS = 60
"""Approximate training time that a power cut may cost."""

STEPS_BETWEEN_AGREEMENTS = 16
"""Steps after which several ranks agree on whether to stop; a single rank checks after each step."""


Loss = Callable[[Tensor, Tensor, Tensor, int], Tensor]
"""From prediction, target and mask (n, channels, ...) and the number of the step to the loss of each patch (n,), summed
over its pixels."""


def squared(prediction: Tensor, target: Tensor, mask: Tensor, _: int) -> Tensor:
    """Sum the squared errors of each patch where the mask is 1."""
    # In float32: a half-precision sum over a patch loses precision.
    return ((prediction.float() - target).square() * mask).flatten(1).sum(1)


class Interrupted(Exception):  # noqa: N818 - not an error
    """Raised when training is stopped before its end; the checkpoint holds the state."""


@dataclass(frozen=True)
class _Training:
    """Constants of a training from the first step to the last."""

    task: Task
    data: dataset.Data
    ranks: Ranks
    total: int
    """Number of iterations that the budget allows."""
    network: nn.Module
    """Network of the state, wrapped if several ranks train it."""
    peak: float
    """Largest learning rate."""
    loss: Loss
    stopping: Callable[[], bool]

    def spent(self, state: State) -> float:
        """Return the share of the budget that is spent."""
        return schedule.share(self.task.settings, state.iteration, self.total, state.seconds)


def train(
    task: Task,
    ranks: Ranks,
    report: Callable[[Sequence[Evaluation], int], None],
    stopping: Callable[[], bool] = lambda: False,
    loss: Loss = squared,
    begun: Callable[[dataset.Data, nn.Module], None] = lambda data, network: None,
) -> Model:
    """Train a network to predict some sections from others.

    Parameters
    ----------
    report : called on the first rank after each evaluation, and when a training is resumed, with all evaluations so
        far and the total number of iterations.
    stopping : checked between steps; True ends the training with a checkpoint.
    loss : what training minimises. Validation is by the squared error in any case.
    begun : called once on each rank, before any step, with the data and the network whose weights will change. In the
        end it has the weights of the result.

    Returns
    -------
    The model with the smallest held-out loss, mean (f(x_in) - x_tgt)^2 over the held-out part, which is the error of f
    plus a noise variance that does not depend on f [Hendriksen 2021, eq. 9].

    Raises
    ------
    UserError
        If a volume is blank or smaller than the network's coarsest pixels, or if the training diverges.
    Interrupted
        If ``stopping`` returned True.
    """
    data = dataset.prepare(task, ranks)
    settings = task.settings
    pixels = settings.batch * data.shape.pixels
    total = schedule.iterations(settings, pixels)
    state = _begin(task, ranks)
    if task.checkpoint:
        checkpoints.resume(task.checkpoint, state, total, ranks.device)
        if not ranks.first:
            state.shown.zero_()
    begun(data, state.network)
    if ranks.first and state.history:
        report(state.history, total)
    peak = optimizers.learning_rate(state.network, _optimizer(task), settings.learning_rate, pixels)
    training = _Training(task, data, ranks, total, ranks.together(state.network), peak, loss, stopping)
    for goal, loaded in _rounds(training, state):
        _steps(training, state, loaded, goal)
        _evaluate(training, state)
        held_out_losses = [line.held_out_loss for line in state.history]
        ended = training.spent(state) == 1 or schedule.out_of_patience(settings, held_out_losses)
        _save(training, state, ended=ended)
        if ranks.first:
            report(state.history, total)
        if ended:
            break
    if not math.isfinite(state.best_loss):
        raise UserError("training diverged: its held-out loss was never finite; set train.learning_rate lower")
    state.network.load_state_dict(state.best)
    improving = schedule.improving([line.held_out_loss for line in state.history])
    names = task.facts.get("source", ())
    parts = {name: held_out.to_json(part) for name, part in zip(names, data.held_out, strict=False)}
    found = {"improving": improving, "grades": grading.facts(state.network, data, ranks)}
    return Model(state.network.eval(), task.spec, data.norm, {**task.facts, **found}, parts)


def progress(history: Sequence[Evaluation], total: int) -> str:
    """Format the progress of a training as one line."""
    last = history[-1]
    left = last.seconds * (total / last.iteration - 1)
    pixels = last.pixels * total / last.iteration
    error = "" if last.umse is None else f"   error {math.sqrt(max(last.umse, 0)):.4f}"
    return (
        f"{last.pixels / 1e6:8.1f} of {pixels / 1e6:.1f} million pixels   loss {last.loss:.5f}"
        f"   held out {last.held_out_loss:.5f}{error}   {int(left) // 60}:{int(left) % 60:02d} left"
    )


def _begin(task: Task, ranks: Ranks) -> State:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.settings.seed)
        network = registry.build(task.spec)
    if task.start:
        network.load_state_dict(task.start.network.state_dict())
    order = devices.memory_format(volumetric=task.spec.volumetric)
    network = network.to(ranks.device, memory_format=order)  # type: ignore[call-overload]
    shown = torch.zeros(2, dtype=torch.float64, device=ranks.device)
    return State(network, optimizers.build(network, _optimizer(task)), checkpoints.weights(network), shown)


def _optimizer(task: Task) -> str:
    return optimizers.choose(task.settings.optimizer, task.spec.channels)


def _rounds(training: _Training, state: State) -> Iterator[tuple[int, store.Store]]:
    """Yield the iteration of each further evaluation, with the patch store to train from until then."""
    data, settings = training.data, training.task.settings
    evaluated = state.history[-1].iteration if state.history else 0
    goals = schedule.goals(settings, training.total)
    coming = [(goal, [settings.seed, 1, number]) for number, goal in enumerate(goals) if goal > evaluated]
    loads = store.stores(
        data.sources, data.shape.halo, data.norm, data.memory, [seed for _, seed in coming], training.ranks.device
    )
    for goal, _ in coming:
        # Do not bind the store: the old one must be freed before the next one loads.
        yield goal, next(loads)


def _steps(training: _Training, state: State, loaded: store.Store, goal: int) -> None:
    """Train up to an iteration or the end of the budget, with checkpoints on the way and when asked to stop."""
    ranks, began, saved = training.ranks, time.perf_counter() - state.seconds, state.seconds
    while state.iteration < goal and training.spent(state) < 1:
        _step(training, state, loaded)
        if ranks.world > 1 and state.iteration % STEPS_BETWEEN_AGREEMENTS:
            continue
        state.seconds, stop = ranks.agreed(time.perf_counter() - began, float(training.stopping()))
        if stop or state.seconds - saved > CHECKPOINT_SECONDS:
            _save(training, state, ended=False)
            saved = state.seconds
        if stop:
            ranks.agreed(0)  # the first rank to leave ends the others, even one that is still saving
            raise Interrupted


def _step(training: _Training, state: State, loaded: store.Store) -> None:
    settings, data, ranks = training.task.settings, training.data, training.ranks
    # With a generator for each step there is no random state to save.
    rng = np.random.default_rng([settings.seed, 3, state.iteration])
    first, count = state.iteration * settings.batch, settings.batch
    drawn = patches.draw(loaded, data.field, data.pairs, data.shape, count, rng, first=first)
    batch = patches.cut(loaded, data.field, data.pairs, data.shape, drawn.share(ranks.rank, ranks.world))
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = schedule.one_cycle(training.spent(state), training.peak)
    with devices.autocast(ranks.device):
        prediction = training.network(devices.arranged(batch.inputs))
    errors = training.loss(prediction, batch.targets, batch.masks, state.iteration)
    per_patch = errors / batch.masks[0].numel()
    state.network.zero_grad(set_to_none=True)
    # Gradients are averaged over the ranks, so this is the mean of the whole batch on each rank.
    (per_patch.sum() * (ranks.world / count)).backward()  # type: ignore[no-untyped-call]
    # Without normalisation layers one bad patch can push the weights far off at the peak of the learning rate.
    nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_LIMIT)
    for optimizer in state.optimizers:
        optimizer.step()
    state.shown += torch.stack([errors.detach().sum(), batch.masks.sum()])
    state.iteration += 1


def _evaluate(training: _Training, state: State) -> None:
    ranks = training.ranks
    held_out_loss, umse = validation.judge(state.network, training.data.exam, ranks)
    errors, pixels = ranks.total(state.shown).tolist()
    if held_out_loss < state.best_loss:
        state.best = checkpoints.weights(state.network)
    seen = state.iteration * training.task.settings.batch * training.data.shape.pixels
    rate = state.optimizers[0].param_groups[0]["lr"]
    loss = errors / max(pixels, 1)
    state.history.append(Evaluation(state.iteration, seen, loss, held_out_loss, umse, rate, state.seconds))
    state.shown = torch.zeros_like(state.shown)


def _save(training: _Training, state: State, *, ended: bool) -> None:
    if training.ranks.first and training.task.checkpoint:
        checkpoints.save(training.task.checkpoint, state, ended=ended)
