"""A tiny volume in sections on disk: smooth blobs with independent noise in each section."""

import json
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import rotation_axis
from tomodenoise.splitting import by_angle, model, time_steps
from tomodenoise.splitting.model import Split
from tomodenoise.storage import sections, zarr_arrays


def blobs(depth: int, size: int) -> FloatArray:
    """Clean volume (z, y, x) float32 with structure in all directions, values of order one."""
    z, y, x = np.meshgrid(np.arange(depth), np.arange(size), np.arange(size), indexing="ij")
    wave = np.sin(x / 5.0) * np.cos(y / 7.0) + 0.5 * np.sin((x + y) / 11.0 + z / 3.0)
    return (1 + 0.5 * wave).astype(np.float32)


def write(folder: Path, clean: FloatArray, *, count: int = 4, noise: float = 0.5, seed: int = 0) -> sections.Sections:
    """Write `sections.zarr`, `split.json` and `center.json` of a scan, (z, y, x) or (channel, z, y, x); describe it."""
    clean = clean.reshape(-1, *clean.shape[-3:])
    split = by_angle.split(np.linspace(0, np.pi, 30 * count, endpoint=False), count, count - 1)
    noisy = clean + np.random.default_rng(seed).normal(0, noise, (count, *clean.shape)).astype(np.float32)
    return written(folder, split, noisy)


def write_series(folder: Path, clean: FloatArray, *, group: int, noise: float = 0.5) -> sections.Sections:
    """Write the same for a series (t, z, y, x), whose steps predict each other in groups."""
    count = len(clean)
    angles, numbers = np.linspace(0, count * np.pi, 30 * count, endpoint=False), np.repeat(np.arange(count), 30)
    noisy = clean[:, None] + np.random.default_rng(0).normal(0, noise, clean[:, None].shape)
    return written(folder, time_steps.split(angles, numbers, "time", group, 1), noisy.astype(np.float32))


def written(folder: Path, split: Split, noisy: FloatArray) -> sections.Sections:
    """Write the sections (section, channel, z, y, x) of a split, with the axis in the middle; describe the scan."""
    folder.mkdir(parents=True, exist_ok=True)
    count, channels, depth, size, _ = noisy.shape
    (folder / "split.json").write_text(json.dumps(model.to_json(split)))
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(rotation_axis.Geometry(size, (size - 1) / 2))))
    rows = 8
    zarr_arrays.allocate(
        folder / "sections.zarr",
        noisy.shape,
        (count, channels, rows, size, size),
        (1, 1, rows, size, size),
        names="kczyx",
        attributes={},
    )
    for start in range(0, depth, rows):
        zarr_arrays.write_shard(folder / "sections.zarr", (0, 0, start, 0, 0), noisy[:, :, start : start + rows])
    return sections.describe(folder)
