"""Scans whose truth is known, simulated and written as the sections that training and inference read.

The foam is the one at the top of the method's page: 256 x 256 x 24 pixels, 1321 spheres of 0, 0.4, 0.6, 0.7 and 1 in a
cylinder of 0.5, 512 exact projections with a largest line integral of 2, 450 photons. The page leaves open the spheres'
sizes and the window of the ramp filter. With radii of 3 to 4.67 pixels and a cosine window the reconstruction measures
17.4 dB and the noise-free one 32.0, which are its 17.5 and 32.05; a bare ramp makes four times the noise, 10.8 dB.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from tests.data import FOLDER

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.geometry import field_of_view, rotation_axis
from tomodenoise.reconstruction.engines import registry
from tomodenoise.simulation import phantom, projection
from tomodenoise.splitting import by_angle, model
from tomodenoise.splitting.model import Role, Split
from tomodenoise.storage import sections, zarr_arrays

HONEYCOMB = FOLDER / "for_simulation/honeycomb_020_083.h5"
ROWS, COLUMNS, ANGLES, PHOTONS, ABSORPTION = 24, 256, 512, 450, 2.0
TRAINED, JUDGED = (2, 16), (18, 22)
"""Rows that networks learn from, and rows that they are judged on."""
TALL = 78
"""Rows of a taller foam."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Line integrals of a known object, in units in which its largest attenuation is 1 per pixel."""

    name: str
    angles: FloatArray
    """(angle,) radians."""
    exact: FloatArray
    """(angle, z, column) float32, without noise."""
    noisy: FloatArray
    """(angle, z, column) float32."""
    truth: FloatArray
    """(z, y, x) float32."""
    window: str
    """On the ramp filter."""
    trained: tuple[int, int] = TRAINED
    """Rows that networks learn from."""

    @property
    def mask(self) -> BoolArray:
        """(y, x), what is judged: radius 118 in 256 pixels."""
        size = self.truth.shape[1]
        return field_of_view.mask(size, 118 / 256 * size)


def foam(window: str = "cosine", seed: int = 0, rows: int = ROWS) -> Scan:
    """Simulate the scan of the foam."""
    draw, noise = np.random.default_rng(seed).spawn(2)
    # The cylinder fills 0.44 of the columns it is drawn for: on 256 columns it has a radius of 120.
    spheres = phantom.foam((rows, 273), (3, 4.67), 0.2996, draw)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    exact = np.stack([projection.project(spheres, a, (COLUMNS - 1) / 2, (rows, COLUMNS)) for a in angles])
    truth = phantom.truth(spheres, COLUMNS, range(rows))
    return Scan("foam", angles, exact.astype(np.float32), _expose(exact, noise), truth, window)


def tall_foam(count: int, window: str = "cosine") -> Scan:
    """Simulate a taller foam, judged on the same rows; a number of rows above the usual ones is learned from."""
    return replace(foam(window, rows=TALL), name=f"foam, {count} rows", trained=(ROWS, ROWS + count))


def honeycomb(window: str = "cosine", seed: int = 0) -> Scan:
    """Project 24 measured slices of 626 pixels; detector and truth have pixels of twice the size."""
    with h5py.File(HONEYCOMB) as file:
        fine = file["volume"][:ROWS, :626, :626].astype(np.float32) / 255
    fine *= field_of_view.mask(626, 0.47 * 626)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    exact = np.stack([_line_integrals(torch.from_numpy(fine), float(angle)) for angle in angles])
    truth = fine.reshape(ROWS, 313, 2, 313, 2).mean(axis=(2, 4))
    return Scan("honeycomb", angles, exact, _expose(exact, np.random.default_rng(seed)), truth, window)


def write(folder: Path, scan: Scan, rows: tuple[int, int], count: int, inputs: int | str = "auto") -> sections.Sections:
    """Reconstruct some rows in ``count`` sections, and write what describes them; `split.input` gives the roles."""
    choice = by_angle.choose(count, inputs, len(scan.angles), scan.exact.shape[2])
    split = by_angle.split(scan.angles, count, choice.inputs)
    parts = [reconstruct(scan, scan.noisy, rows, part.indices, part.angles, part.weights) for part in split.sections]
    return store(folder, np.stack(parts), split)


def write_supervised(folder: Path, scan: Scan, rows: tuple[int, int], *, exact: bool = False) -> sections.Sections:
    """Write the full reconstruction as section 0, which alone is the full volume, and what it shall become.

    That is the truth, or the noise-free reconstruction: the best that training without a truth can aim at.
    """
    aim = full(scan, rows, exact=True) if exact else scan.truth[slice(*rows)]
    parts = np.stack([full(scan, rows), aim])
    whole = by_angle.split(scan.angles, 2, 1).sections
    shares = (1.0, 1e-9)
    pair = tuple(replace(section, share=share) for section, share in zip(whole, shares, strict=True))
    return store(folder, parts, Split(pair, (Role((0,), (1,)),), 0.0))


def full(scan: Scan, rows: tuple[int, int], *, exact: bool = False) -> FloatArray:
    """Reconstruct some rows from all projections: (z, y, x) float32."""
    every = np.arange(len(scan.angles))
    weights = np.full(len(every), np.pi / len(every))
    return reconstruct(scan, scan.exact if exact else scan.noisy, rows, every, scan.angles, weights)


def reconstruct(
    scan: Scan, data: FloatArray, rows: tuple[int, int], indices: IntArray, angles: FloatArray, weights: FloatArray
) -> FloatArray:
    """Reconstruct some rows from some projections: (z, y, x) float32."""
    columns = data.shape[2]
    plan = registry.plan("torch", "fbp", angles, weights, columns, filter=scan.window, pad="zero")
    return plan(data[indices, slice(*rows)].swapaxes(0, 1), (columns - 1) / 2)


def _expose(exact: FloatArray, noise: np.random.Generator) -> FloatArray:
    """Return the line integrals that a detector counts photons for, scaled back."""
    scale = ABSORPTION / exact.max()
    counts = noise.poisson(PHOTONS * np.exp(-scale * exact))
    return np.asarray(-np.log((counts + 0.5) / PHOTONS) / scale, dtype=np.float32)


def _line_integrals(volume: torch.Tensor, angle: float) -> FloatArray:
    """Turn slices and sum along the beam, in units of pixels of twice the size: (z, column // 2) float32."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = torch.tensor([[[cosine, sine, 0], [-sine, cosine, 0]]], dtype=torch.float32)
    lattice = functional.affine_grid(turn, [1, 1, *volume.shape[1:]], align_corners=False)
    turned = functional.grid_sample(volume[None], lattice, align_corners=False)[0]
    return np.asarray(turned.sum(dim=1).view(len(volume), -1, 2).mean(dim=2).numpy() / 2)


def store(folder: Path, parts: FloatArray, split: Split) -> sections.Sections:
    """Write sections (section, z, y, x) with their split and center."""
    folder.mkdir(parents=True)
    size, shape = parts.shape[-1], (len(parts), 1, *parts.shape[1:])
    (folder / "split.json").write_text(json.dumps(model.to_json(split)))
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(rotation_axis.Geometry(size, (size - 1) / 2))))
    array, shard = folder / "sections.zarr", (*shape[:2], 8, size, size)
    zarr_arrays.allocate(array, shape, shard, zarr_arrays.chunk(shard), names=tuple("kczyx"), attributes={})
    for start in range(0, shape[2], 8):
        zarr_arrays.write_shard(array, (0, 0, start, 0, 0), parts[:, None, start : start + 8])
    return sections.describe(folder)
