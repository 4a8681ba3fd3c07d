"""The device that a job computes on."""

import torch


def best() -> str:
    """Name the graphics card where there is one, else the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"
