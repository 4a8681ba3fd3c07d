"""Rates of a graphics card, or of a processor in its place: ceilings, training, reconstruction, inference."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from benchmarks import counting, throughput
from tests.unit import scans_on_disk
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from tomodenoise.common import devices
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.reconstruction.engines import registry
from tomodenoise.storage import sections
from tomodenoise.training import distributed, tasks
from tomodenoise.training import loop as training_loop
from tomodenoise.training.options import Train

Row: TypeAlias = dict[str, str | float | None]
Setup: TypeAlias = Mapping[str, Any]
"""A network, as in the configuration."""

UNET: Setup = {"name": "unet"}
REPEATS = 10


@dataclass(frozen=True)
class Size:
    """Amounts of work."""

    copied: int
    """Numbers of four bytes that are copied."""
    product: int
    """Edge of the matrices."""
    seconds: float
    """Of each training loop, about."""
    trainings: tuple[tuple[Setup, int, int], ...]
    """Network, batch, patch."""
    volume: tuple[int, int]
    """Rows and columns of the sections to train on and to denoise."""
    reconstructions: tuple[tuple[int, int, int], ...]
    """Columns, angles, slices."""
    networks: tuple[Setup, ...]
    """That denoise, alone and from file to file."""
    seen: tuple[int, int]
    """Slices, and columns of each, of a pass of the network alone."""


CARD = Size(
    copied=2**28,
    product=8192,
    seconds=1.5,
    trainings=(
        (UNET, 2, 64),
        (UNET, 32, 96),
        (UNET, 128, 96),
        ({"name": "unet", "width": 32}, 8, 96),
        ({"name": "unet", "width": 48}, 32, 96),
        ({"name": "msd"}, 32, 96),
        ({"name": "unet3d"}, 4, 48),
    ),
    volume=(32, 1024),
    reconstructions=((1024, 900, 64), (2048, 1500, 32), (2048, 375, 64)),
    networks=(UNET, {"name": "unet", "width": 32}, {"name": "msd"}),
    seen=(8, 1024),
)

PROCESSOR = Size(
    copied=2**22,
    product=512,
    seconds=0.2,
    trainings=((UNET, 2, 64),),
    volume=(8, 96),
    reconstructions=((96, 60, 4),),
    networks=(UNET,),
    seen=(1, 96),
)


def ceilings(size: Size, device: torch.device) -> Iterator[Row]:
    """Measure a copy, bytes read and written, and a product of matrices in the precision of the networks."""
    source, target = (torch.zeros(size.copied, device=device) for _ in range(2))
    seconds = _each(partial(target.copy_, source), device)
    yield {"": "copy, TB/s", "rate": 8 * size.copied / seconds / 1e12}
    precision = torch.bfloat16 if device.type == "cuda" else torch.float32
    a, b = (torch.randn(size.product, size.product, device=device, dtype=precision) for _ in range(2))
    seconds = _each(lambda: a @ b, device)
    yield {"": f"matrix product, {precision}, TFLOP/s", "rate": 2 * size.product**3 / seconds / 1e12}


def training(size: Size, device: torch.device, folder: Path) -> Iterator[Row]:
    """Measure the loop that users run, and a step of its network alone, launched as ever and as one CUDA graph."""
    scan = scans_on_disk.write(folder / "scan", scans_on_disk.blobs(*size.volume[:1], size.volume[1]))
    for setup, batch, patch in size.trainings:
        spec = specs.complete(Network.model_validate(setup))
        pixels = batch * patch**spec.dimensions
        step = _loop(spec, scan, batch, patch, size.seconds, device)
        shape = (batch, spec.inputs, *spec.dimensions * [patch])
        seen = devices.arranged(torch.randn(shape, device=device))
        eager = _each(throughput.step(throughput.built(spec, device), seen), device)
        row: Row = {"network": title(setup), "batch x patch": f"{batch} x {patch}", "loop, ms a step": 1e3 * step}
        row |= {"loop, Mpx/s": pixels / step / 1e6, "network alone, ms": 1e3 * eager, "as a graph, ms": None}
        if device.type == "cuda":
            row["as a graph, ms"] = 1e3 * _each(_captured(throughput.built(spec, device), seen), device)
        yield row
        release(device)


def _loop(
    spec: specs.Spec, scan: sections.Sections, batch: int, patch: int, wanted: float, device: torch.device
) -> float:
    """Train as a user does, and return the seconds of a step; a short training before says how long it may be."""
    steps = 20
    seconds = 0.0
    for _ in range(2):
        pixels = steps * batch * patch**spec.dimensions
        settings = Train(pixels=pixels, evaluations=1, batch=batch, patch=patch)
        lines: list[Any] = []
        task = tasks.Task([scan], spec, settings, {})
        training_loop.train(task, distributed.alone(device), lambda history, _, lines=lines: lines.append(history[-1]))  # type: ignore[misc]
        seconds = lines[-1].seconds / lines[-1].iteration
        steps = max(steps, int(wanted / seconds))
    return seconds


def _captured(network: nn.Module, seen: Tensor) -> Callable[[], object]:
    """Return the replay of a step of training, captured once."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6, fused=True, capturable=True)

    def step() -> None:
        with devices.autocast(seen.device):
            result = network(seen)
        optimizer.zero_grad(set_to_none=True)
        result.float().square().mean().backward()
        optimizer.step()

    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def reconstruction(size: Size, device: torch.device) -> Iterator[Row]:
    """Measure a slice as jobs reconstruct it, from arrays to arrays, and the part of it that the card computes."""
    for columns, count, slices in size.reconstructions:
        angles = np.arange(count) * np.pi / count
        began = time.perf_counter()
        plan = registry.plan("torch", None, angles, np.full(count, np.pi / count), columns, device=device.type)
        prepared = time.perf_counter() - began
        sinograms = np.random.default_rng(0).standard_normal((slices, count, columns), np.float32)
        middle = (columns - 1) / 2
        plan(sinograms, middle)
        seconds = counting.seconds(partial(plan, sinograms, middle), device)
        row: Row = {"columns x angles": f"{columns} x {count}", "plan, s": prepared}
        row |= {"ms a slice": 1e3 * seconds / slices, "on the device with copies, ms": None}
        if device.type == "cuda":
            with profile(activities=[ProfilerActivity.CUDA]) as profiled:
                counting.seconds(partial(plan, sinograms, middle), device)
            computed = sum(event.self_device_time_total for event in profiled.key_averages())
            row["on the device with copies, ms"] = computed / 1e3 / slices
        yield row
        del plan
        release(device)


def inference(size: Size, device: torch.device, folder: Path) -> Iterator[Row]:
    """Measure networks alone, and from the sections on disk to the shard of the result."""
    scan = scans_on_disk.write(folder / "scan", scans_on_disk.blobs(*size.volume))
    slices, edge = size.seen
    for number, setup in enumerate(size.networks):
        spec = specs.complete(Network.model_validate(setup))
        seen = throughput.images(spec, slices, edge, device)
        alone = _each(throughput.forward(throughput.built(spec, device), seen), device)
        del seen
        work = throughput.file_to_file(spec, scan, folder / f"denoised{number}", device)
        work()
        whole = counting.seconds(work, device)
        voxels = scan.depth * scan.size**2
        row: Row = {"network": title(setup), "alone, Mvox/s": slices * edge**2 / alone / 1e6}
        yield row | {"file to file, Mvox/s": voxels / whole / 1e6}
        release(device)


def title(setup: Setup) -> str:
    """Write a network in words."""
    return ", ".join(str(value) if key == "name" else f"{key} {value}" for key, value in setup.items())


def release(device: torch.device) -> None:
    """Return what the last measurement held to the card."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _each(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call, the mean of several after some to warm up."""
    for _ in range(3):
        work()

    def several() -> None:
        for _ in range(REPEATS):
            work()

    return counting.seconds(several, device) / REPEATS
