"""A step of training runs on fixed tensors without the host, so that a CUDA graph can hold it."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scans_on_disk
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tomodenoise.networks import registry, specs
from tomodenoise.networks.options import Network
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections
from tomodenoise.training import distributed, loop, optimizers, steps, tasks
from tomodenoise.training.checkpoints import State
from tomodenoise.training.options import Train
from tomodenoise.training.steps import Step

SETTINGS = Train(pixels=3e4, evaluations=1, batch=4, patch=16, held_out=0.2, memory=1, seed=1)

WAITS = ("_local_scalar_dense", "item", "nonzero", "equal", "is_nonzero", "masked_select", "unique")
"""Operators with which the host waits for a GPU."""


class Watched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count the operators, and the devices of all that goes in and comes out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: Counter[str] = Counter()
        self.devices: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Call what is asked for."""
        result = function(*args, **(kwargs or {}))
        self.operators[function.overloadpacket.__name__] += 1
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        self.devices |= {tensor.device.type for tensor in tensors}
        return result


class Reached(Exception):  # noqa: N818 - not an error
    """Carries the first step of a training out of it."""


def task(scan: Sections, network: Network, **changes: object) -> tasks.Task:
    mixed = replace(scan, split=replace(scan.split, roles=by_angle.roles(4, by_angle.MIXED)))
    spec = specs.complete(network, scan.channels)
    return tasks.Task([mixed], spec, SETTINGS.model_copy(update=changes), {})


def first(given: tasks.Task, device: str = "cpu") -> Step:
    """Prepare a training, and return its step with the patches of some steps drawn."""
    torch.set_num_threads(1)

    def caught(step: Step) -> Callable[[int], None]:
        raise Reached(step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "fast", caught)
        with pytest.raises(Reached) as reached:
            loop.train(given, distributed.alone(device), lambda *_: None)
    step: Step = reached.value.args[0]
    next(step.ready(5))
    step.state.clock.rate.fill_(1e-3)
    return step


def without_data(step: Step) -> Step:
    """Put all tensors of a step on the device `meta`, which has shapes only: what depends on data fails there."""
    meta = torch.device("meta")
    clock, network = optimizers.clock(meta), registry.build(step.training.task.spec).to(meta)
    state = State(network, optimizers.build(network, "muon", clock), clock, {}, step.state.shown.to(meta))
    field = step.training.data.field
    field = replace(field, masks=field.masks.to(meta), rows=field.rows.to(meta))
    training = replace(step.training, network=network, data=replace(step.training.data, field=field))
    store = replace(step.store, data=step.store.data.to(meta))
    return Step(training, state, store, step.places.to(meta), step.row.to(meta))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return scans_on_disk.write(tmp_path_factory.mktemp("scan"), scans_on_disk.blobs(24, 48))


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    clean = scans_on_disk.blobs(6, 48)
    return scans_on_disk.write(tmp_path_factory.mktemp("channels"), np.stack([clean, clean[:, ::-1]]))


SMALL = {
    "unet": Network(name="unet", slices=3, width=4, depth=2),
    "unet3d": Network(name="unet3d", width=4, depth=2),
    "msd": Network(name="msd", slices=3, depth=4),
}


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
@pytest.mark.parametrize("name", SMALL)
def test_a_step_takes_nothing_from_the_host_and_gives_it_nothing(scan: Sections, name: str, optimizer: str) -> None:
    step = first(task(scan, SMALL[name], optimizer=optimizer))
    with Watched() as watched:
        step(0)
    assert watched.operators["convolution" if name != "msd" else "addmm_"]
    assert not set(WAITS) & set(watched.operators)


@pytest.mark.parametrize("name", ["unet", "unet3d"])
def test_all_tensors_of_a_step_are_on_its_device_and_no_shape_depends_on_data(scan: Sections, name: str) -> None:
    step = without_data(first(task(scan, SMALL[name])))
    with Watched() as watched:
        step(0)
    assert watched.operators["convolution_backward"]
    assert watched.devices == {"meta"}


def test_cutting_patches_takes_few_operators(scan: Sections, channels: Sections) -> None:
    # Each is a launch on a graphics card; views are not.
    for given, most in ((task(scan, SMALL["unet"]), 26), (task(channels, SMALL["unet"]), 26)):
        step = first(given)
        training = step.training
        with Watched() as watched:
            steps.cutting.cut(step.store, training.data.field, training.data.pairs, training.data.shape, step.places[0])
        launches = {"arange", "mul", "add", "add_", "take", "_to_copy"}
        assert sum(watched.operators[name] for name in launches) <= most


def test_calls_change_tensors_in_place_and_nothing_else(scan: Sections) -> None:
    step = first(task(scan, SMALL["unet"]))
    inputs = [step.store.data, step.places.numbers, step.places.weights, step.state.clock.rate]
    before = [tensor.clone() for tensor in inputs]
    places = [tensor.data_ptr() for tensor in step.variables()]
    values = [tensor.clone() for tensor in step.variables()]
    for number in range(3):
        step(number)
    assert [tensor.data_ptr() for tensor in step.variables()] == places
    assert not any(torch.equal(*pair) for pair in zip(step.variables(), values, strict=True))
    assert all(torch.equal(*pair) for pair in zip(inputs, before, strict=True))
    assert int(step.row) == step.state.clock.step == 3


def test_rehearsals_leave_no_trace(scan: Sections) -> None:
    step, other = (first(task(scan, SMALL["unet"])) for _ in range(2))
    steps.rehearse(step)
    for number in range(2):
        step(number)
        other(number)
    assert all(torch.equal(*pair) for pair in zip(step.variables(), other.variables(), strict=True))


@pytest.mark.parametrize("size", [1, 4, 20])
def test_the_number_of_patches_drawn_at_a_time_does_not_matter(
    scan: Sections, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    given = task(scan, SMALL["unet"], pixels=1e4, evaluations=2)
    usual = loop.train(given, distributed.alone(), lambda *_: None)
    monkeypatch.setattr(steps, "PATCHES", size)
    other = loop.train(given, distributed.alone(), lambda *_: None)
    weights = zip(usual.network.parameters(), other.network.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in weights)


def test_a_store_has_one_step_however_often_it_is_evaluated(scan: Sections, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Step] = []
    monkeypatch.setattr(steps, "fast", lambda step: seen.append(step) or step)
    loop.train(task(scan, SMALL["unet"], evaluations=3), distributed.alone(), lambda *_: None)
    assert len(seen) == 1
    seen.clear()
    loop.train(task(scan, SMALL["unet"], evaluations=3, memory=3e-4), distributed.alone(), lambda *_: None)
    assert len({step.store.data.data_ptr() for step in seen}) == len(seen) == 3


@pytest.mark.parametrize("obstacle", ["several processes train together", ""])
def test_without_a_graph_a_card_takes_the_step_as_it_is_and_the_log_says_why_once(
    scan: Sections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    def fails(_: Step) -> Callable[[int], None]:
        raise torch.OutOfMemoryError("CUDA out of memory\nand more")

    monkeypatch.setattr(steps, "captured", fails)
    step = first(task(scan, SMALL["unet"]))
    ranks = replace(step.training.ranks, device=torch.device("cuda"))
    step = replace(step, training=replace(step.training, ranks=ranks, obstacle=obstacle))
    with caplog.at_level(logging.WARNING, "tomodenoise"):
        assert steps.fast(step) is step
        assert steps.fast(step) is step
    (line,) = caplog.messages
    assert line.endswith(obstacle or "CUDA out of memory")


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["muon", "adam"])
@pytest.mark.parametrize("name", SMALL)
def test_a_graph_gives_what_single_launches_give(scan: Sections, name: str, optimizer: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    eager, step = (first(task(scan, SMALL[name], optimizer=optimizer), "cuda") for _ in range(2))
    start = [tensor.clone() for tensor in eager.state.network.parameters()]
    replay = steps.captured(step)
    assert all(torch.equal(*pair) for pair in zip(step.variables(), eager.variables(), strict=True))
    for number in range(5):
        eager(number)
        replay(number)
    ours, theirs = (list(taken.state.network.parameters()) for taken in (step, eager))
    moved = sum(float((a - b).abs().sum()) for a, b in zip(theirs, start, strict=True))
    apart = sum(float((a - b).abs().sum()) for a, b in zip(ours, theirs, strict=True))
    assert apart < 0.01 * moved
    assert int(step.row) == step.state.clock.step == 5


@pytest.mark.gpu
@pytest.mark.parametrize("memory", [1, 3e-4])
def test_training_on_a_card_goes_by_graphs_and_learns(
    scan: Sections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: float
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    replays = []
    captured = steps.captured
    monkeypatch.setattr(steps, "captured", lambda step: replays.append(step) or captured(step))
    monkeypatch.setattr(steps, "_report", pytest.fail)
    lines: list[Any] = []
    given = task(scan, SMALL["unet"], pixels=3e5, evaluations=3, memory=memory)
    loop.train(given, distributed.alone("cuda"), lambda history, _: lines.append(history[-1]))
    assert replays
    assert lines[-1].held_out_loss < lines[0].held_out_loss
