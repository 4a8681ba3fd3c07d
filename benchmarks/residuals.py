"""Whether a residual shows rings or the outline of the sample: measured and simulated scans, figures and pictures.

For each scan the workflow trains, denoises and judges; a line gives the shares of the residual's variance in rings and
along edges, its strength, and the verdict. FOLDER/NAME.png shows the middle slice: raw, denoised, what was removed, and
the noise of the data (the difference of two halves), the last two with the same grey values.

    python benchmarks/residuals.py FOLDER [--pixels 5e6] [--cores 2]          45 minutes on one busy core
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import measured, runs

import simulate
from tomodenoise.metrics import residuals
from tomodenoise.splitting import by_angle
from tomodenoise.storage import sections, zarr_arrays

MEASURED = ("basalt", "needle", "rock0", "rock2", "tooth", "wood")
SIMULATED: Mapping[str, tuple[str, ...]] = {
    "foam": (),
    "foam, 20 stripes": ("--stripes", "20"),
    "bright foam": ("--photons", "5000"),
    "bright foam, 10 stripes": ("--photons", "5000", "--stripes", "10"),
}
SHAPE = ("--columns", "200", "--rows", "24", "--angles", "320", "--radii", "2,8")
SHORT = 5e5
"""Pixels of a training that is too short."""


def simulated(folder: Path) -> dict[str, dict[str, object]]:
    """Simulate scans; give their entries of the configuration."""
    entries: dict[str, dict[str, object]] = {}
    for number, (name, options) in enumerate(SIMULATED.items()):
        file = folder / f"{number}.h5"
        simulate.main([str(file), *SHAPE, *options, "--seed", str(number)])
        entries[name.replace(", ", "_").replace(" ", "_")] = {"file": str(file)}
    return entries


def picture(file: Path, results: Path) -> None:
    """Write the middle slice four times side by side."""
    scan = sections.describe(results)
    row, visible = scan.depth // 2, scan.visible
    stored = scan.read(row, row + 1)[:, 0, 0]
    raw, (denoised,) = (
        sections.mix(stored, scan.shares),
        zarr_arrays.read(results / "denoised.ome.zarr/0", (0, 0, slice(row, row + 1))),
    )
    role = by_angle.halves(len(scan.split.sections))
    first, second = (sections.mix(stored, scan.mixing(side)) for side in (role.inputs, role.targets))
    shares = [sum(scan.split.sections[i].share for i in side) for side in (role.inputs, role.targets)]
    noise, removed = residuals.half_difference(first, second, (shares[0], shares[1])), raw - denoised
    dark, bright = np.quantile(raw[visible], (0.005, 0.995))
    limit = 3 * float(removed[visible].std())
    grey = [(image - dark) / (bright - dark) for image in (raw, denoised)]
    grey += [image / (2 * limit) + 0.5 for image in (removed, noise)]
    joined = np.concatenate([np.where(visible, image.clip(0, 1), 0.5) for image in grey], axis=1)
    Image.fromarray((255 * joined).astype(np.uint8)).save(file)


def line(name: str, quality: Mapping[str, Any]) -> str:
    """Give a line of the table."""
    found = quality["figures"]["residual"]
    rings, outline = ("" if found[key] is None else f"{found[key]:.3f}" for key in ("rings", "outline"))
    verdicts = [verdict for verdict in quality["verdicts"] if verdict["figure"] == "residual"]
    said = "; ".join(f"{verdict['level']}: {verdict['text'].partition('(')[0].strip()}" for verdict in verdicts)
    return f"| {name} | {rings} | {outline} | {found['deviation'] / found['noise']:.2f} | {said} |"


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--pixels", type=float, default=5e6)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        real = {name: measured.entry(name, folder) for name in MEASURED if measured.source(name).is_file()}
        foam = simulated(folder)
        sets: list[tuple[str, Mapping[str, Any], str, float]] = [
            ("stripes left", real | foam, "none", options.pixels),
            ("stripes removed", real, "sorting", options.pixels),
            ("short training", foam, "none", SHORT),
        ]
        print("| scan | rings | outline | strength | verdict |\n|---|---:|---:|---:|---|")
        for number, (label, scans, stripes, pixels) in enumerate(sets):
            config = {"scans": scans, "correct": {"stripes": stripes}, "train": {"pixels": pixels, "evaluations": 4}}
            runs.run(folder / str(number), config, "all", options.cores)
            for name in scans:
                results = folder / str(number) / "results" / name
                print(line(f"{name}, {label}", json.loads((results / "quality.json").read_text())), flush=True)
                picture(options.pictures / f"{label} {name}.png".replace(" ", "_"), results)


if __name__ == "__main__":
    main()
