"""The part of a training scan that was held out of training, as the model's file stores it."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows and pixels of one scan; written when a model is trained, read when it is judged."""

    rows: tuple[tuple[int, int], ...]
    """Runs of rows [start, stop), ascending."""
    mask: BoolArray
    """(y, x) pixels of these rows that were held out."""
    band: bool
    """Whether the mask is only a band through the axis, because the scan has too few rows to hold out whole ones."""


def to_json(part: HeldOut) -> dict[str, Any]:
    """Return plain values; the mask is packed to one bit per pixel, compressed, and encoded as base64."""
    packed = zlib.compress(np.packbits(part.mask).tobytes(), level=9)
    return {
        "rows": [list(run) for run in part.rows],
        "band": part.band,
        "shape": list(part.mask.shape),
        "mask": base64.b64encode(packed).decode("ascii"),
    }


def from_json(values: Mapping[str, Any], depth: int, size: int) -> HeldOut | None:
    """Read the values of `to_json` for a scan of `depth` rows and slices of `size` x `size` pixels.

    Returns
    -------
    None if they describe a scan of another shape.

    Raises
    ------
    ValueError
        If the mask does not have this shape. Decoding takes no more memory than one such mask.
    """
    rows = tuple((int(start), int(stop)) for start, stop in values["rows"])
    if values["shape"] != [size, size] or not rows or rows[-1][1] > depth:
        return None
    bits = -(-(size**2) // 8)
    packed = zlib.decompressobj().decompress(base64.b64decode(values["mask"]), bits + 1)
    if len(packed) != bits:
        raise ValueError(f"a mask of {size} x {size} pixels has {bits} bytes, not {len(packed)}")
    mask = np.unpackbits(np.frombuffer(packed, np.uint8), count=size**2).astype(bool).reshape(size, size)
    return HeldOut(rows, mask, bool(values["band"]))
