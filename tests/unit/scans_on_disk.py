"""A tiny volume in sections on disk: smooth blobs with independent noise in each section."""

import json
from pathlib import Path

import numpy as np

from tomodenoise import geometry, sections, splitting, volumes
from tomodenoise.arrays import FloatArray


def blobs(depth: int, size: int) -> FloatArray:
    """Clean volume (z, y, x) float32 with structure in all directions, values of order one."""
    z, y, x = np.meshgrid(np.arange(depth), np.arange(size), np.arange(size), indexing="ij")
    wave = np.sin(x / 5.0) * np.cos(y / 7.0) + 0.5 * np.sin((x + y) / 11.0 + z / 3.0)
    return (1 + 0.5 * wave).astype(np.float32)


def write(folder: Path, clean: FloatArray, *, count: int = 4, noise: float = 0.5, seed: int = 0) -> sections.Sections:
    """Write `sections.zarr`, `split.json` and `center.json` of a scan, (z, y, x) or (channel, z, y, x); describe it."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = clean.reshape(-1, *clean.shape[-3:])
    channels, depth, size, _ = clean.shape
    split = splitting.split(np.linspace(0, np.pi, 30 * count, endpoint=False), count, count - 1)
    (folder / "split.json").write_text(json.dumps(splitting.to_json(split)))
    (folder / "center.json").write_text(json.dumps(geometry.to_json(geometry.Geometry(size, (size - 1) / 2))))
    shape = (count, *clean.shape)
    noisy = clean + np.random.default_rng(seed).normal(0, noise, shape).astype(np.float32)
    rows = 8
    volumes.allocate(
        folder / "sections.zarr",
        shape,
        (count, channels, rows, size, size),
        (1, 1, rows, size, size),
        names="kczyx",
        attributes={},
    )
    for start in range(0, depth, rows):
        volumes.write_shard(folder / "sections.zarr", (0, 0, start, 0, 0), noisy[:, :, start : start + rows])
    return sections.describe(folder)
