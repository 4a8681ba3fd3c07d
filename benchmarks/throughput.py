"""Training and inference of each network, against what the machine can do in the same minutes.

The limit of a network is the longer of two times: its operations over the rate of large products or convolutions, and
the bytes that its convolutions and products read and write over the bandwidth; caches may beat the second one. All is
measured in turns, so that the share of the limit holds on a busy machine too; figures are medians. `training loop` is
with its sampling, `file to file` is inference from the sections on disk to the shard of the result. Prints markdown
tables; on a graphics card in bfloat16.

    python benchmarks/throughput.py --threads 1 --repeats 5
    python benchmarks/throughput.py --batch 64 --size 2048 --rows 64 --compile      (where there is a graphics card)
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import counting
from tests.unit import scans_on_disk

from tomodenoise.common import devices
from tomodenoise.denoising import inference
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.storage import sections, zarr_arrays
from tomodenoise.training import distributed, tasks
from tomodenoise.training import loop as training_loop
from tomodenoise.training.options import Train

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "unet": {"name": "unet"},
    "unet3d": {"name": "unet3d"},
    "msd": {"name": "msd"},
    "msd, 11 slices": {"name": "msd", "slices": 11},
}

COMPILED = "unet with torch.compile"

Work = Callable[[], object]


def images(spec: specs.Spec, batch: int, edge: int, device: torch.device) -> Tensor:
    """Make up what goes into a network; volumetric ones get cubes of 48 with as many voxels, about."""
    if spec.volumetric:
        count = max(1, round(batch * edge**2 / 48**3))
        return devices.arranged(torch.randn(count, spec.channels, 48, 48, 48, device=device))
    return devices.arranged(torch.randn(batch, spec.inputs, edge, edge, device=device))


def built(spec: specs.Spec, device: torch.device) -> nn.Module:
    """Build a network in the order that its device likes."""
    order = devices.memory_format(volumetric=spec.volumetric)
    return registry.build(spec).to(device, memory_format=order)  # type: ignore[call-overload, no-any-return]


def step(network: nn.Module, seen: Tensor) -> Work:
    """Return a step of training on given patches."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6, fused=seen.device.type == "cuda")

    def work() -> None:
        with devices.autocast(seen.device):
            result = network(seen)
        optimizer.zero_grad(set_to_none=True)
        result.float().square().mean().backward()
        optimizer.step()

    return work


def forward(network: nn.Module, seen: Tensor) -> Work:
    """Return a pass of inference."""

    @torch.no_grad()
    def work() -> None:
        with devices.autocast(seen.device):
            network(seen)

    return work


def loop(spec: specs.Spec, scan: sections.Sections, pixels: float, options: argparse.Namespace) -> float:
    """Train as a user does, and return pixels a second."""
    patch = 48 if spec.volumetric else 96
    batch = max(1, round(options.batch * 96**2 / 48**3)) if spec.volumetric else options.batch
    settings = Train(pixels=pixels, evaluations=1, patch=patch, batch=batch)
    lines: list[Any] = []
    task = tasks.Task([scan], spec, settings, {})
    training_loop.train(task, distributed.alone(options.device), lambda history, _: lines.append(history[-1]))
    return float(lines[-1].pixels / lines[-1].seconds)


def file_to_file(spec: specs.Spec, scan: sections.Sections, folder: Path, device: torch.device) -> Work:
    """Return the denoising of all rows, written as one shard."""
    shape = (1, 1, scan.depth, scan.size, scan.size)
    zarr_arrays.allocate(
        folder, shape, shape, zarr_arrays.chunk(shape), names=tuple("tczyx"), attributes={}, compressed=True
    )
    model = Model(built(spec, device).eval(), spec, Normalisation((0,), (1,)), {})

    def work() -> None:
        slab = np.concatenate([after for _, after in inference.denoise(model, scan, (0, scan.depth))])
        zarr_arrays.write_shard(folder, (0, 0, 0, 0, 0), slab[None, None])

    return work


def bare(options: argparse.Namespace) -> Iterator[tuple[str, str, int, Work]]:
    """Give a step of training and a pass of inference of each network: name, kind, pixels, work."""
    device = torch.device(options.device)
    for name in options.networks:
        spec = specs.complete(Network.model_validate(NETWORKS[name]))
        for kind, make, count, edge in (
            ("training", step, options.batch, 96),
            ("inference", forward, options.batch if device.type == "cuda" else 1, options.tile),
        ):
            seen = images(spec, count, edge, device)
            yield name, kind, seen.numel() // spec.inputs, make(built(spec, device), seen)
    if options.compile:
        spec = specs.complete(Network.model_validate(NETWORKS["unet"]))
        seen, compiled = images(spec, options.batch, 96, device), torch.compile(built(spec, device))
        yield COMPILED, "training", seen.numel() // spec.inputs, step(compiled, seen)  # type: ignore[arg-type]


def network_rows(options: argparse.Namespace) -> Iterator[str]:
    """Measure bare networks in turns with the machine."""
    device, works = torch.device(options.device), list(bare(options))
    costs = [counting.count(work) if name != COMPILED else None for name, _, _, work in works]
    probes = counting.probes(device, options.dtype)
    rates, speeds = [], []
    for number in range(options.repeats + 1):
        measured = {key: amount / counting.seconds(work, device) for key, (amount, work) in probes.items()}
        turn = [pixels / counting.seconds(work, device) for _, _, pixels, work in works]
        if number:  # the first turn chooses algorithms, compiles and fills caches
            rates.append(counting.Rates(**measured))
            speeds.append(turn)
    products, convolutions, bandwidth = (
        median(getattr(rate, key) for rate in rates) / 1e9 for key in ("products", "convolutions", "bandwidth")
    )
    yield f"{counting.machine(device)}; products {products:.0f} GFLOP/s, convolutions {convolutions:.0f} GFLOP/s, "
    yield f"bandwidth {bandwidth:.1f} GB/s\n"
    yield "| network | | kFLOP/px | kB/px | limit, Mpx/s | network alone, Mpx/s | share of the limit |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for (name, kind, pixels, _), cost, own in zip(works, costs, zip(*speeds, strict=True), strict=True):
        yield f"| {name} | {kind} | {shares(pixels, cost, own, rates)} |"


def shares(pixels: int, cost: counting.Cost | None, speeds: Sequence[float], rates: Sequence[counting.Rates]) -> str:
    """Write the cost, the limit, the speed and its share of the limit; without a cost the speed alone."""
    speed = f"{median(speeds) / 1e6:.2f}"
    if cost is None:
        return f"| | | {speed} |"
    limits = [pixels / rate.seconds(cost) for rate in rates]
    share = median(own / limit for own, limit in zip(speeds, limits, strict=True))
    each = f"{cost.operations / pixels / 1e3:.0f} | {cost.traffic / pixels / 1e3:.1f}"
    return f"{each} | {median(limits) / 1e6:.2f} | {speed} | {share:.2f}"


def whole_rows(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Measure training with its sampling, and inference from file to file."""
    scan = scans_on_disk.write(folder / "scan", scans_on_disk.blobs(options.rows, options.size))
    device, voxels = torch.device(options.device), scan.depth * scan.size**2
    yield f"\n4 sections of {scan.depth} x {scan.size} x {scan.size}, batch {options.batch}\n"
    yield "| network | training loop, Mpx/s | file to file, Mvox/s |"
    yield "|---|---:|---:|"
    for name in options.networks:
        spec = specs.complete(Network.model_validate(NETWORKS[name]))
        work = file_to_file(spec, scan, folder / name, device)
        speed = median(voxels / counting.seconds(work, device) for _ in range(2)) / 1e6
        pixels = options.seconds * min(loop(spec, scan, 4 * options.batch * 96**2, options), 1e9)
        yield f"| {name} | {loop(spec, scan, pixels, options) / 1e6:.2f} | {speed:.2f} |"


def main() -> None:
    """Measure what the command line asks for."""
    graphics = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batch", type=int, default=64 if graphics else 4, help="patches of a step [%(default)s]")
    parser.add_argument("--tile", type=int, default=1024 if graphics else 512, help="inference, pixels [%(default)s]")
    parser.add_argument("--size", type=int, default=2048 if graphics else 512, help="of the slices [%(default)s]")
    parser.add_argument("--rows", type=int, default=64 if graphics else 16, help="of the volume [%(default)s]")
    parser.add_argument("--seconds", type=float, default=10, help="of each training loop, about [%(default)s]")
    parser.add_argument("--compile", action="store_true", help="also train the unet with torch.compile")
    options = parser.parse_args()
    options.device = devices.best()
    options.dtype = torch.bfloat16 if graphics else torch.float32
    torch.set_num_threads(options.threads)
    for line in network_rows(options):
        print(line, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for line in whole_rows(options, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
