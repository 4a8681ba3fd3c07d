"""How good an image is, with the truth and without it: figures of merit, each a function on arrays.

Where data cannot support a figure, its function raises `Unsupported` with the reason; none guesses.
"""

from tomodenoise.quality.merit import decibels, psnr, split_loss, ssim, umse
from tomodenoise.quality.support import Unsupported

__all__ = ["Unsupported", "decibels", "psnr", "split_loss", "ssim", "umse"]
