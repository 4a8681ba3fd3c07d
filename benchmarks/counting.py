"""What a computation costs at least, and what the machine gives: operations and bytes, counted and measured."""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

aten = torch.ops.aten
PRODUCTS = {aten.convolution, aten.convolution_backward, aten.mm, aten.addmm, aten.addmm_, aten.bmm}


@dataclass(frozen=True)
class Cost:
    """Of a computation."""

    operations: float
    """Floating-point operations of convolutions and matrix products."""
    traffic: float
    """Bytes that these read and write, were each tensor fetched once and all else done on the way."""


@dataclass(frozen=True)
class Rates:
    """What the machine gives."""

    products: float
    """Operations a second of a product of large matrices."""
    convolutions: float
    """Operations a second of a 3x3 convolution of 64 channels."""
    bandwidth: float
    """Bytes a second of a = b + s c on arrays larger than any cache."""

    def seconds(self, cost: Cost) -> float:
        """Give the least time, by the faster of both kinds of operations and by the traffic."""
        return max(cost.operations / max(self.products, self.convolutions), cost.traffic / self.bandwidth)


class _Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sums up the bytes of what goes into convolutions and products and comes out."""

    total = 0.0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Call what is asked for, as torch wants it."""
        result = function(*args, **(kwargs or {}))
        if function.overloadpacket in PRODUCTS:
            tensors = [leaf for leaf in tree_leaves((args, result)) if isinstance(leaf, Tensor)]
            self.total += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


def _product_added(_: Sequence[int], left: Sequence[int], right: Sequence[int], **__: object) -> int:
    return 2 * left[0] * left[1] * right[1]


def count(work: Callable[[], object]) -> Cost:
    """Count what a call costs."""
    # Torch counts the products that make a new tensor, not those that are added to one.
    counter = FlopCounterMode(display=False, custom_mapping={aten.addmm_: _product_added})
    traffic = _Traffic()  # type: ignore[no-untyped-call]
    with counter, traffic:
        work()
    return Cost(float(counter.get_total_flops()), traffic.total)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time one call to its end."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def probes(device: torch.device, dtype: torch.dtype) -> dict[str, tuple[float, Callable[[], object]]]:
    """Give what the rates are measured by: the amount of work, and the work."""
    graphics = device.type == "cuda"
    size, batch = (8192, 64) if graphics else (2048, 4)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    images = torch.randn(batch, 64, 128, 128, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.randn(64, 64, 3, 3, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    long = [torch.ones(2**28 if graphics else 2**26, device=device) for _ in range(3)]
    return {
        "products": (2 * size**3, lambda: a @ b),
        "convolutions": (2 * 9 * 64**2 * batch * 128**2, lambda: functional.conv2d(images, kernel, padding=1)),
        "bandwidth": (12 * len(long[0]), lambda: torch.add(long[1], long[2], alpha=3.0, out=long[0])),
    }


def machine(device: torch.device) -> str:
    """Describe what is measured on."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
