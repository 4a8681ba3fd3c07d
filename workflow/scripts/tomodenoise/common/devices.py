"""Compute devices: selection, precision, memory format and free memory."""

import torch


def best() -> str:
    """Return "cuda" if there is a graphics card, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def autocast(device: torch.device | str) -> torch.autocast:
    """Return a context that computes convolutions in bfloat16, on graphics cards with native support.

    With its eight exponent bits the loss needs no scaling. Processors compute in float32.
    """
    kind = torch.device(device).type
    able = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(kind, torch.bfloat16, enabled=able)


def memory_format(*, volumetric: bool) -> torch.memory_format:
    """Return the memory format with the fastest convolutions: channels last, for images or volumes."""
    return torch.channels_last_3d if volumetric else torch.channels_last


def free_memory(device: torch.device | str) -> int | None:
    """Return the free bytes of a graphics card; None for a processor, whose memory the job's request limits."""
    device = torch.device(device)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def arranged(images: torch.Tensor) -> torch.Tensor:
    """Convert images (n, c, y, x) or volumes (n, c, z, y, x) to the memory format with the fastest convolutions."""
    return images.contiguous(memory_format=memory_format(volumetric=images.ndim == 5))


def send(values: torch.Tensor, into: torch.Tensor) -> None:
    """Copy rows from the host to the first ones of a tensor; a graphics card does not make the host wait."""
    into[: len(values)].copy_(values.pin_memory() if into.is_cuda else values, non_blocking=True)


def finish(device: torch.device) -> None:
    """Wait until a graphics card has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
