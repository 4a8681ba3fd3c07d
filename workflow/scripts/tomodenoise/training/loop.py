"""Training loop: patches in, the model with the smallest held-out loss out."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from tomodenoise.common import devices
from tomodenoise.common.errors import UserError
from tomodenoise.networks import held_out, registry
from tomodenoise.networks.models import Model
from tomodenoise.training import checkpoints, dataset, grading, optimizers, schedule, steps, store, validation
from tomodenoise.training.checkpoints import Evaluation, State
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.steps import Loss, Step, Training
from tomodenoise.training.tasks import Task

CHECKPOINT_SECONDS = 60
"""Approximate training time that a power cut may cost."""

STEPS_BETWEEN_AGREEMENTS = 16
"""Steps after which several ranks, or host and GPU, agree on time and stop; a CPU checks each step."""


def squared(prediction: Tensor, target: Tensor, mask: Tensor, _: int) -> Tensor:
    """Sum the squared errors of each patch where the mask is 1."""
    # In float32: a half-precision sum over a patch loses precision.
    return ((prediction.float() - target).square() * mask).flatten(1).sum(1)


class Interrupted(Exception):  # noqa: N818 - not an error
    """Raised when training is stopped before its end; the checkpoint holds the state."""


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
    peak = optimizers.learning_rate(state.network, settings, task.spec.channels, pixels)
    network = ranks.together(state.network)
    training = Training(task, data, ranks, total, network, peak, loss, _obstacle(ranks, loss), stopping)
    for _ in _rounds(training, state):
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
    clock = optimizers.clock(ranks.device)
    kind = optimizers.choose(task.settings.optimizer, task.spec.channels)
    return State(network, optimizers.build(network, kind, clock), clock, checkpoints.weights(network), shown)


def _rounds(training: Training, state: State) -> Iterator[None]:
    """Train up to each further evaluation, and yield there."""
    data, settings = training.data, training.task.settings
    evaluated = state.history[-1].iteration if state.history else 0
    goals = schedule.goals(settings, training.total)
    coming = [(goal, [settings.seed, 1, number]) for number, goal in enumerate(goals) if goal > evaluated]
    ranks, seeds = training.ranks, [seed for _, seed in coming]
    share = ranks.rank, ranks.world
    loads = store.stores(data.sources, data.shape.halo, data.norm, data.memory, seeds, ranks.device, share)
    step: Step | None = None
    take: Callable[[int], None] | None = None
    for (goal, _), loaded in zip(coming, loads, strict=True):
        if step is None or take is None or step.store is not loaded:
            step = take = None  # frees the old store
            step = steps.begin(training, state, loaded)
            take = steps.fast(step)
        _train(step, take, goal)
        yield


def _obstacle(ranks: Ranks, loss: Loss) -> str:
    if ranks.world > 1:
        return "several processes train together"
    return "" if loss is squared else "the loss may change from step to step"


def _train(step: Step, take: Callable[[int], None], goal: int) -> None:
    """Train up to an iteration or the end of the budget, with checkpoints on the way and when asked to stop."""
    training, state, ranks = step.training, step.state, step.training.ranks
    began, saved = time.perf_counter() - state.seconds, state.seconds
    every = 1 if ranks.world == 1 and ranks.device.type == "cpu" else STEPS_BETWEEN_AGREEMENTS
    for number in step.ready(goal):
        if training.spent(state) == 1:
            break
        state.clock.rate.fill_(schedule.one_cycle(training.spent(state), training.peak))
        take(number)
        state.iteration = number + 1
        if state.iteration % every and state.iteration < goal:
            continue
        devices.wait(ranks.device)
        state.seconds, stop = ranks.agreed(time.perf_counter() - began, float(training.stopping()))
        if stop or state.seconds - saved > CHECKPOINT_SECONDS:
            _save(training, state, ended=False)
            saved = state.seconds
        if stop:
            ranks.agreed(0)  # the first rank to leave ends the others, even one that is still saving
            raise Interrupted


def _evaluate(training: Training, state: State) -> None:
    ranks = training.ranks
    held_out_loss, umse = validation.judge(state.network, training.data.exam, ranks)
    errors, pixels = ranks.total(state.shown).tolist()
    if held_out_loss < state.best_loss:
        state.best = checkpoints.weights(state.network)
    seen = state.iteration * training.task.settings.batch * training.data.shape.pixels
    rate = float(state.clock.rate)
    loss = errors / max(pixels, 1)
    state.history.append(Evaluation(state.iteration, seen, loss, held_out_loss, umse, rate, state.seconds))
    state.shown.zero_()


def _save(training: Training, state: State, *, ended: bool) -> None:
    if training.ranks.first and training.task.checkpoint:
        checkpoints.save(training.task.checkpoint, state, ended=ended)
