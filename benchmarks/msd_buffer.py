"""Time and memory traffic of the mixed-scale dense network in one buffer, against concatenating at every layer.

All have the same weights, and the results of the first two are compared. Concatenation joins the channels, continues
them by their mirror image and convolves. Zeros beyond the border in place of the mirror image make another network, and
about the least that concatenation can cost. Moved is what all operations of torch together read and write, each tensor
counted once in each operation; kept is what the way back needs. Prints a markdown table.

    python benchmarks/msd_buffer.py --threads 1 4x96 1x256
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from tomodenoise.networks import registry, specs
from tomodenoise.networks.msd import MixedScaleDense
from tomodenoise.networks.options import Network

Pass = Callable[[Tensor], Tensor]


class Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count the bytes that operations read and write; views move nothing."""

    bytes: int = 0

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        result = func(*args, **(kwargs or {}))
        if not func.is_view and "empty" not in func.name() and "reshape_alias" not in func.name():
            self.bytes += sum(_bytes(each) for each in tree_leaves((args, result)))
        return result


def _bytes(value: object) -> int:
    return value.numel() * value.element_size() if isinstance(value, Tensor) else 0


def concatenating(network: MixedScaleDense, *, mirrored: bool) -> Pass:
    """Return the plain definition with the weights of a network."""
    layers = [
        (weight.permute(1, 2, 0).unflatten(-1, (3, 3)).contiguous(), bias, dilation)
        for weight, bias, dilation in zip(network.weights, network.biases, network.layers.dilations, strict=True)
    ]

    def forward(images: Tensor) -> Tensor:
        channels = images
        for weight, bias, dilation in layers:
            padded = _continued(channels, dilation) if mirrored else channels
            layer = functional.conv2d(padded, weight, bias, padding=0 if mirrored else dilation, dilation=dilation)
            channels = torch.cat([channels, layer.relu()], dim=1)
        return functional.conv2d(channels, network.head[..., None, None], network.offset)

    return forward


def _continued(images: Tensor, margin: int) -> Tensor:
    y = torch.cat([images[..., :margin, :].flip(-2), images, images[..., -margin:, :].flip(-2)], dim=-2)
    return torch.cat([y[..., :margin].flip(-1), y, y[..., -margin:].flip(-1)], dim=-1)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def moved(work: Callable[[], object]) -> int:
    """Bytes that a call reads and writes."""
    with Traffic() as traffic:  # type: ignore[no-untyped-call]
        work()
    return int(traffic.bytes)


def kept(network: Pass, images: Tensor) -> int:
    """Bytes that a call keeps for the way back."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        result = network(images)
    del result
    return sum(storages.values())


def measure(slices: int, depth: int, count: int, size: int, repeats: int) -> Iterator[str]:
    """Yield the rows of the table for stacks of one size."""
    torch.manual_seed(0)
    buffered = registry.build(specs.complete(Network(name="msd", slices=slices, depth=depth)))
    assert isinstance(buffered, MixedScaleDense)  # noqa: S101
    torch.nn.init.normal_(buffered.head)
    images = torch.randn(count, slices, size, size)
    ways: dict[str, Pass] = {
        "buffer": buffered,
        "concatenation": concatenating(buffered, mirrored=True),
        "concatenation, zeros beyond": concatenating(buffered, mirrored=False),
    }
    with torch.no_grad():
        results = [way(images) for way in ways.values()]
    difference = float((results[0] - results[1]).abs().max() / results[1].abs().max())
    for name, way in ways.items():

        def forward(way: Pass = way) -> None:
            with torch.no_grad():
                way(images)

        def both(way: Pass = way) -> None:
            torch.autograd.backward(way(images).square().mean())

        speeds = [1e-6 * images[:, 0].numel() / seconds(work, repeats) for work in (forward, both)]
        traffic = [1e-9 * moved(work) for work in (forward, both)]
        numbers = [f"{each:.3g}" for each in (*speeds, *traffic, 1e-9 * kept(way, images))]
        same = f"{difference:.1e}" if name == "concatenation" else "-"
        yield f"| {count} x {size}² | {name} | {' | '.join(numbers)} | {same} |"


def main() -> None:
    """Measure the stacks given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stacks", nargs="*", default=["4x96", "1x256"], help="how many, and their edge in pixels")
    parser.add_argument("--slices", type=int, default=11)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), {arguments.slices} slices to 1\n")
    print("| stacks | | forward, Mpx/s | and back, Mpx/s | moved, GB | and back, GB | kept, GB | difference |")
    print("|---|---|---|---|---|---|---|---|")
    for stack in arguments.stacks:
        count, size = map(int, stack.split("x"))
        for row in measure(arguments.slices, arguments.depth, count, size, arguments.repeats):
            print(row, flush=True)


if __name__ == "__main__":
    main()
