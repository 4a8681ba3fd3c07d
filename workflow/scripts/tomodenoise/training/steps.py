"""The step of a training as a function of tensors at fixed addresses, and its capture in a CUDA graph.

The host fills these tensors beforehand with what a step needs: the places of the patches of many steps, and the
learning rate. So a graph can hold a step, and a replay costs the host one launch instead of a few hundred.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise.common import devices, logs, prefetch
from tomodenoise.training import cutting, patches, schedule
from tomodenoise.training.checkpoints import State
from tomodenoise.training.cutting import Places
from tomodenoise.training.dataset import Data
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.store import Store
from tomodenoise.training.tasks import Task

GRADIENT_LIMIT = 1.0
"""Largest norm of the gradient of a step, for losses of order one."""

PATCHES = 2**13
"""Patches to draw at a time."""

REHEARSALS = 3
"""Warm-up steps before a capture, in which libraries choose algorithms and allocate their workspace."""

Loss = Callable[[Tensor, Tensor, Tensor, int], Tensor]
"""From prediction, target and mask (n, channels, ...) and the number of the step to the loss of each patch (n,), summed
over its pixels."""


@dataclass(frozen=True)
class Training:
    """Constants of a training from the first step to the last."""

    task: Task
    data: Data
    ranks: Ranks
    total: int
    """Number of iterations that the budget allows."""
    network: nn.Module
    """Network of the state, wrapped if several ranks train it."""
    peak: float
    """Largest learning rate."""
    loss: Loss
    obstacle: str
    """Reason why a CUDA graph cannot hold a step; empty if there is none."""
    stopping: Callable[[], bool]

    def spent(self, state: State) -> float:
        """Return the share of the budget that is spent."""
        return schedule.share(self.task.settings, state.iteration, self.total, state.seconds)

    def places(self, store: Store, steps: range) -> Places:
        """Draw the patches of this rank for some steps and find their places, on the host."""
        data, settings, ranks = self.data, self.task.settings, self.ranks
        # With a generator for each step there is no random state to save.
        rngs = [np.random.default_rng([settings.seed, 3, step]) for step in steps]
        first = steps.start * settings.batch
        drawn = patches.draw(store, data.field, data.pairs, data.shape, settings.batch, rngs, first=first)
        return cutting.locate(store, data.field, data.pairs, data.shape, drawn.share(ranks.rank, ranks.world))


@dataclass(frozen=True)
class Step:
    """A step of training on patches of one store. A call changes weights, momenta and counters, all in place."""

    training: Training
    state: State
    store: Store
    places: Places
    """Of the patches of the next steps."""
    row: Tensor
    """(1,) int64 row of the places to train on next."""

    def __call__(self, number: int) -> None:
        """Take a step; only the loss may depend on its number."""
        training, state, ranks = self.training, self.state, self.training.ranks
        state.clock.step.add_(1)
        places = Places(*(part.index_select(0, self.row)[0] for part in (self.places.numbers, self.places.weights)))
        batch = cutting.cut(self.store, training.data.field, training.data.pairs, training.data.shape, places)
        with devices.autocast(ranks.device):
            prediction = training.network(devices.arranged(batch.inputs))
        errors = training.loss(prediction, batch.targets, batch.masks, number)
        per_patch = errors / batch.masks[0].numel()
        state.network.zero_grad(set_to_none=True)
        # Gradients are averaged over the ranks, so this is the mean of the whole batch on each rank.
        (per_patch.sum() * (ranks.world / training.task.settings.batch)).backward()  # type: ignore[no-untyped-call]
        # Without normalisation layers, one bad patch can move the weights far off at the peak learning rate.
        nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_LIMIT)
        for optimizer in state.optimizers:
            optimizer.step()
        state.shown += torch.stack([errors.detach().sum(), batch.masks.sum()])
        self.row.add_(1)

    def variables(self) -> list[Tensor]:
        """Return all tensors that a call changes."""
        kept = [values for optimizer in self.state.optimizers for values in optimizer.state.values()]
        momenta = [tensor for values in kept for tensor in values.values()]
        weights = self.state.network.state_dict().values()
        return [*weights, *momenta, self.state.clock.step, self.state.shown, self.row]

    def ready(self, goal: int) -> Iterator[int]:
        """Yield the number of each step up to a goal, when the places of its patches are in the buffers."""
        size = len(self.places.weights)
        ranges = [range(start, min(start + size, goal)) for start in range(self.state.iteration, goal, size)]
        drawn = prefetch.ahead(self.training.places(self.store, steps) for steps in ranges)
        for steps, places in zip(ranges, drawn, strict=True):
            devices.send(places.numbers, self.places.numbers)
            devices.send(places.weights, self.places.weights)
            self.row.zero_()
            yield from steps


def begin(training: Training, state: State, store: Store) -> Step:
    """Allocate the tensors that a step reads, and set the clock to the state."""
    sample, size = training.places(store, range(1)), max(1, PATCHES // training.task.settings.batch)
    places = Places(*(part.new_zeros(size, *part.shape[1:]) for part in (sample.numbers, sample.weights)))
    state.clock.step.fill_(state.iteration)
    row = torch.zeros(1, dtype=torch.int64, device=training.ranks.device)
    return Step(training, state, store, places.to(training.ranks.device), row)


def fast(step: Step) -> Callable[[int], None]:
    """Return a function that takes a step: on a GPU a graph; elsewhere, or if that fails, the step itself."""
    ranks, obstacle = step.training.ranks, step.training.obstacle
    if ranks.device.type != "cuda":
        return step
    if not obstacle:
        try:
            return captured(step)
        except RuntimeError as error:
            obstacle = str(error).partition("\n")[0]
    if ranks.first:
        _report(obstacle)
    return step


def rehearse(step: Step) -> None:
    """Take some steps and undo them."""
    variables = step.variables()
    before = [variable.clone() for variable in variables]
    for _ in range(REHEARSALS):
        step(0)
        torch._foreach_copy_(variables, before)


def captured(step: Step) -> Callable[[int], None]:
    """Capture a step in a CUDA graph, which holds it for the store and buffers that it has; return its replay.

    Raises
    ------
    RuntimeError
        If CUDA cannot capture it.
    """
    side, main = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
    side.wait_stream(main)
    with torch.cuda.stream(side):
        rehearse(step)
    main.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Meanwhile another thread may load the next store.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step(0)
    return lambda _: graph.replay()


@cache  # once in a process
def _report(obstacle: str) -> None:
    logs.logger.warning("training launches kernels one by one, which is slower than one CUDA graph: %s", obstacle)
