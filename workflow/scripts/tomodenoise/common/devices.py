"""The device that a job computes on, and how it likes its work."""

import torch


def best() -> str:
    """Name the graphics card where there is one, else the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def autocast(device: torch.device | str) -> torch.autocast:
    """Compute convolutions in bfloat16 inside of this context, on graphics cards that have units for it.

    Its eight bits of exponent need no scaling of the loss. A processor computes in float32.
    """
    kind = torch.device(device).type
    able = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(kind, torch.bfloat16, enabled=able)


def memory_format(*, volumetric: bool) -> torch.memory_format:
    """Order in memory that convolutions are fastest in: channels last, of images or of volumes."""
    return torch.channels_last_3d if volumetric else torch.channels_last


def free_memory(device: torch.device | str) -> int | None:
    """Bytes that a graphics card still has to give; None for a processor, whose memory the job's request bounds."""
    device = torch.device(device)
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def arranged(images: torch.Tensor) -> torch.Tensor:
    """Put images (n, c, y, x) or volumes (n, c, z, y, x) in the order that convolutions are fastest in."""
    return images.contiguous(memory_format=memory_format(volumetric=images.ndim == 5))
