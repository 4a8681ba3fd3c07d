"""The processes that train one model together: a single one, or those started by torchrun."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from tomodenoise.common import devices


@dataclass(frozen=True)
class Ranks:
    """One process among them."""

    rank: int
    world: int
    """Number of processes."""
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def total(self, value: Tensor) -> Tensor:
        """Sum a tensor over the processes, in place."""
        if self.world > 1:
            distributed.all_reduce(value)
        return value

    def agreed(self, *values: float) -> list[float]:
        """Return the maximum of each value over the processes, so that all of them decide alike."""
        if self.world == 1:
            return list(values)
        largest = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
        return [float(value) for value in largest]

    def from_first(self, text: str) -> str:
        """Return the text of the first process on all of them."""
        held = [text]
        if self.world > 1:
            distributed.broadcast_object_list(held, src=0, device=self.device)
        return held[0]

    def together(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that its gradients are averaged over the processes."""
        if self.world == 1:
            return network
        return DistributedDataParallel(network, gradient_as_bucket_view=True)


def alone(device: str | torch.device = "cpu") -> Ranks:
    """Return the only process, for training without torchrun."""
    return Ranks(0, 1, torch.device(device))


@contextmanager
def started() -> Iterator[Ranks]:
    """Join the processes that torchrun started, by its environment variables; without them there is only this one.

    Each process has its own GPU and communicates by NCCL; without GPUs, by gloo.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield alone(devices.best())
        return
    device = torch.device(devices.best())
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(int(os.environ["RANK"]), world, device)
    finally:
        distributed.destroy_process_group()
