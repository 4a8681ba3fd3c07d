"""Compute devices: selection, precision, memory format and free memory."""

import os
import socket
from functools import cache

import numpy as np
import torch

from tomodenoise.common import cards
from tomodenoise.common.arrays import FloatArray


def best() -> str:
    """Return "cuda" if there is a GPU, else "cpu". With several GPUs, each process gets its own.

    The processes of torchrun count their GPUs themselves.
    """
    if not torch.cuda.is_available():
        return "cpu"
    if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
        _own_card()
    return "cuda"


@cache
def _own_card() -> socket.socket | None:
    """Make a GPU that no other process has claimed the current one, as long as this process runs."""
    properties = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    # Not by their numbers, which differ from job to job on a cluster.
    number, claimed = cards.claim([str(card.uuid) for card in properties])
    torch.cuda.set_device(number)
    return claimed


def autocast(device: torch.device | str) -> torch.autocast:
    """Return a context that computes convolutions in bfloat16, on GPUs with native support.

    With its eight exponent bits the loss needs no scaling. CPUs compute in float32.
    """
    kind = torch.device(device).type
    able = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(kind, torch.bfloat16, enabled=able)


def memory_format(*, volumetric: bool) -> torch.memory_format:
    """Return the memory format with the fastest convolutions: channels last, for images or volumes."""
    return torch.channels_last_3d if volumetric else torch.channels_last


def free_memory(device: torch.device | str) -> int | None:
    """Return the free bytes of a GPU; None for a CPU, whose memory the job's request limits.

    Each attempt at a job after the first halves the number, so that all that is planned by it takes half as much.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free >> (cards.attempt(os.environ) - 1)


def arranged(images: torch.Tensor) -> torch.Tensor:
    """Convert images (n, c, y, x) or volumes (n, c, z, y, x) to the memory format with the fastest convolutions."""
    return images.contiguous(memory_format=memory_format(volumetric=images.ndim == 5))


def host_buffer(shape: tuple[int, ...], device: torch.device | str) -> torch.Tensor:
    """Allocate float32 in main memory; page-locked for a GPU, whose copies are then fast and need no wait.

    Such memory is used again by torch once the copies from it are done.
    """
    return torch.empty(shape, pin_memory=torch.device(device).type == "cuda")


def to_host(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in main memory, a page-locked copy of one on a GPU."""
    return tensor if tensor.device.type == "cpu" else host_buffer(tuple(tensor.shape), tensor.device).copy_(tensor)


def upload(array: FloatArray, device: torch.device | str) -> torch.Tensor:
    """Copy an array of float32 to a device, to a GPU without making the CPU wait; no copy for a CPU."""
    if torch.device(device).type == "cpu":
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))
    staged = host_buffer(array.shape, device)
    staged.numpy()[...] = array
    return staged.to(device, non_blocking=True)


def send(values: torch.Tensor, into: torch.Tensor) -> None:
    """Copy rows from the host to the first ones of a tensor; a GPU does not make the host wait."""
    into[: len(values)].copy_(values.pin_memory() if into.is_cuda else values, non_blocking=True)


def wait(device: torch.device | str) -> None:
    """Wait until a GPU has finished; a CPU always has."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
