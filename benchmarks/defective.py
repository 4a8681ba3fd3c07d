"""Simulated scans for `defects.py`, and what is read off their reconstructions."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import h5py
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import merit
from tomodenoise.simulation import files, phantom, projection
from tomodenoise.simulation.acquisition import Scan, acquire
from tomodenoise.simulation.detector import Detector
from tomodenoise.storage import sections

RADII = (2.5, 8.0)
FILL = 0.2
NEAR = 10.0  # pixels around the axis
SCAN = Scan(columns=256, rows=16, angles=402, center=127.8, flats=200)
QUIET = Detector(photons=100_000, conversion=0.2, drift=0)


@dataclass(frozen=True)
class Setup:
    """What is scanned, and how."""

    scan: Scan = SCAN
    detector: Detector = QUIET
    cylinder: float = phantom.CYLINDER
    """Radius of the object, of the columns."""
    absorption: float = 2.0
    """Largest line integral."""
    fill: float = FILL
    """Volume of the spheres, relative."""
    layout: files.Layout = "exchange"
    step: int = 1
    """Every so many projections are kept."""
    plain_log: bool = False
    """The file holds -log of the transmission, as somebody would write it who never heard of a bias."""

    @property
    def radius(self) -> float:
        """Of the object, or of the circle that all projections saw, in pixels."""
        return min(field_of_view.radius(self.scan.columns, self.scan.axis), self.cylinder * self.scan.columns)


@cache
def foam(setup: Setup) -> phantom.Foam:
    """Draw the object; its largest line integral is that of the whole of it."""
    shape = setup.scan.rows, setup.scan.columns
    drawn = phantom.foam(shape, RADII, setup.fill, np.random.default_rng(0), setup.cylinder)
    wide = 2 * int(drawn.cylinder) + 3
    return projection.absorb(drawn, setup.absorption, (wide - 1) / 2, (shape[0], wide))


Figure: TypeAlias = Callable[[Path, Setup], str]
"""Reads off a folder of results what the table shows."""


def write(path: Path, setup: Setup) -> None:
    """Simulate a scan."""
    sample = foam(setup)
    frames = acquire(sample, setup.scan, setup.detector, np.random.default_rng(1))
    files.write_scan(path, setup.layout, setup.scan, frames)
    if setup.step > 1 or setup.plain_log:
        _rewrite(path, setup)


def _rewrite(path: Path, setup: Setup) -> None:
    """Keep some projections, or their plain logarithm, of a Data Exchange file."""
    with h5py.File(path, "a") as file:
        group = file["exchange"]
        data, theta = group["data"][:: setup.step], group["theta"][:: setup.step]
        if setup.plain_log:
            white, dark = (group[f"data_{name}"][:].mean(axis=0) for name in ("white", "dark"))
            # Where there is no count, one is assumed.
            data = -np.log(np.maximum(data - dark, 1) / (white - dark)).astype(np.float32)
            del group["data_white"], group["data_dark"]
            group.attrs["kind"] = "attenuation"
        del group["data"], group["theta"]
        group["data"], group["theta"] = data, theta
        group["theta"].attrs["units"] = "degrees"


def psnr(results: Path, setup: Setup) -> str:
    """Compare the reconstruction with the truth inside the object, as far as all projections saw it."""
    return within(setup.radius)(results, setup)


def within(radius: float, margin: int = 0) -> Figure:
    """Compare with the truth up to a distance from the axis, without rows at the top and the bottom."""

    def figure(results: Path, setup: Setup) -> str:
        return f"{_psnr(_full(results), setup, radius, margin):.1f} dB"

    return figure


def section_psnr(results: Path, setup: Setup) -> str:
    """Compare each section with the truth: their mean."""
    found = sections.describe(results)
    each = [_psnr(part, setup, setup.radius) for part in found.read(0, found.depth)[:, 0]]
    return f"{np.mean(each):.1f} dB"


def bias(results: Path, setup: Setup) -> str:
    """Compare the mean attenuation inside the sample, noise or not."""
    volume, size = _full(results), setup.scan.columns
    inside = field_of_view.mask(size, 0.9 * setup.radius)
    true = phantom.truth(foam(setup), size, range(len(volume)))
    return f"{100 * (volume[:, inside].mean() / true[:, inside].mean() - 1):+.2f} % of the mean"


def correlation(results: Path, _: Setup) -> str:
    """Correlate the noise of two halves of the sections near the axis, in a sample that is the same in all rows."""
    found = sections.describe(results)
    parts = found.read(0, found.depth)[:, 0]
    halves = np.stack([sections.mix(parts, found.mixing(half)) for half in ((0, 2), (1, 3))])
    noise = (halves - halves.mean(axis=1, keepdims=True))[..., field_of_view.mask(found.size, NEAR)]
    return f"correlation {np.corrcoef(noise.reshape(2, -1))[0, 1]:.3f}"


def measured_afterglow(results: Path, _: Setup) -> str:
    """Read the share that the correction measured."""
    (share,) = {json.loads(file.read_text())["afterglow"] for file in (results / "corrections").glob("*.json")}
    return "not measured" if share is None else f"share {share:.4f}"


def _full(results: Path) -> FloatArray:
    """Mix the sections to the full reconstruction, (z, y, x)."""
    found = sections.describe(results)
    return sections.mix(found.read(0, found.depth)[:, 0], found.shares)


def _psnr(volume: FloatArray, setup: Setup, radius: float, margin: int = 0) -> float:
    """Compare in dB of the largest attenuation; pixels that were not reconstructed count as air."""
    beyond = max(0, int(np.ceil(radius + 1 - volume.shape[-1] / 2)))
    judged = slice(margin, len(volume) - margin)
    framed = np.pad(volume[judged], ((0, 0), *2 * [(beyond, beyond)]))
    size, sample = framed.shape[-1], foam(setup)
    true = phantom.truth(sample, size, range(judged.start, judged.stop))
    return merit.psnr(framed, true, field_of_view.mask(size, radius), float(sample.attenuations.max()))
