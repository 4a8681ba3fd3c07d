"""Slices as pictures that live inside the page."""

import base64
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tomodenoise.arrays import BoolArray, FloatArray

LARGEST_SIDE = 1024
"""Longer slices are averaged down to this many pixels a side, so that the page stays small."""

LOSSLESS_PIXELS = 512 * 512
"""Noise does not compress: larger pictures are stored with WebP's quality 90, which the eye takes for exact."""

EFFORT = 20
"""Of packing without loss: noise of 2048 x 2048 pixels takes 0.7 s, and 57 s at 90 for 0.1 % less."""


@dataclass(frozen=True)
class Picture:
    """A slice as the page shows it."""

    uri: str
    height: int
    width: int


def window(image: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Find the grey window of an image: its 0.5 % and 99.5 % quantiles and a tenth of their distance more.

    Parameters
    ----------
    image : any shape, any unit; best the denoised slice, whose range is not the noise's. NaN and infinity are left out.
    mask : same shape, true inside the field of view.

    Returns
    -------
    (low, high), low < high, in the unit of the image; (0, 1) where the mask holds no finite pixel.
    """
    inside = image[mask & np.isfinite(image)].astype(np.float64)
    if inside.size == 0:
        return 0.0, 1.0
    low, high = np.quantile(inside, [0.005, 0.995])
    margin = 0.1 * (high - low) or 0.5 * max(abs(high), 1.0)
    return float(low - margin), float(high + margin)


def reduction(images: Iterable[FloatArray], largest: int = LARGEST_SIDE) -> int:
    """Return the least factor that brings every side of every image within so many pixels."""
    return max((math.ceil(max(image.shape) / largest) for image in images), default=1)


def picture(image: FloatArray, limits: tuple[float, float], factor: int, *, exact: bool = False) -> Picture:
    """Turn a slice into an 8-bit grey WebP picture.

    Parameters
    ----------
    image : (rows, columns); NaN is shown black.
    limits : the values shown black and white.
    factor : each pixel shown is the mean of factor x factor pixels of the slice.
    exact : whether a large one keeps its grey values, all 256 of them.
    """
    small = block_mean(image, factor)
    low, high = limits
    grey = np.clip((small - low) / (high - low), 0.0, 1.0)
    pixels = np.round(255.0 * np.nan_to_num(grey)).astype(np.uint8)
    buffer = io.BytesIO()
    lossless = exact or pixels.size <= LOSSLESS_PIXELS
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=lossless, quality=EFFORT if lossless else 90)
    return Picture(data_uri(buffer.getvalue(), "image/webp"), *pixels.shape)


def block_mean(image: FloatArray, factor: int) -> FloatArray:
    """Average blocks of factor x factor pixels; those cut by the border hold the pixels that there are."""
    total = image.astype(np.float64)
    for axis, size in enumerate(image.shape):
        starts = np.arange(0, size, factor)
        counts = np.expand_dims(np.diff(np.append(starts, size)), 1 - axis)
        total = np.add.reduceat(total, starts, axis) / counts
    return total


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that needs no file and no network."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
