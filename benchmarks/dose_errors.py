"""Whether the standard errors of a dose study are right: the networks of one study, judged on other scans.

    python benchmarks/dose_errors.py FOLDER [--only honeycomb] [--scans 40] [--first 1001]

FOLDER is that of `benchmarks/dose.py`. The same object is measured again with other noise. Three pairs of rows of each
scan are denoised and judged by the photons left out, as in a study. Nothing is trained, so a scan takes 40 s. Prints
for each part of the dose how far estimates are off the true error, in their standard errors.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import dose, simulated

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import photons
from tomodenoise.denoising import inference
from tomodenoise.evaluation import aside
from tomodenoise.evaluation.aside import Process
from tomodenoise.metrics import independent
from tomodenoise.networks.models import Model
from tomodenoise.scans import description
from tomodenoise.scans.thinning import Thinning
from tomodenoise.storage.sections import Sections

PAIRS = ((4, 6), (11, 13), (18, 20))
HALO = 2
"""Rows that the network sees on either side."""
OBJECTS = {"foam": simulated.foam, "honeycomb": simulated.honeycomb}
Part = tuple[Sections, Model]


def measured(results: Path, file: Path) -> tuple[Process, float]:
    """Return how the scan of a file is processed, as that of a study but for its gain, and the error of the gain."""
    process = aside.read(results, results / "dose/0.5", {}, {}, None)
    header = (results / "scan.json").read_text().replace('"raw.h5"', json.dumps(str(file)))
    scan = description.from_json(json.loads(header))
    counted = photons.examine(scan, process.measured.measures)
    measures = replace(process.measured.measures, gain=counted.gain)
    return replace(process, scan=scan, measured=replace(process.measured, measures=measures)), counted.gain_error or 0.0


def denoise(process: Process, kept: Thinning, rows: tuple[int, int], part: Part) -> FloatArray:
    """Denoise rows of a part of the dose, (z, y, x), with the network of a study."""
    trained, model = part
    whole = aside.reconstruct(process, kept, [(rows[0] - HALO, rows[1] + HALO)])[0]
    with tempfile.TemporaryDirectory() as folder:
        alike = np.stack([whole] * len(trained.split.sections))  # only their mean is read
        stored = simulated.store(Path(folder) / "sections", alike, trained.split)
        return np.asarray(inference.volume(model, stored, (HALO, len(whole) - HALO))[0])


def deviations(process: Process, doubt: float, fraction: float, part: Part, truth: FloatArray) -> Iterator[float]:
    """Yield estimate minus true error of each pair of rows, in standard errors; truth is (pair, z, y, x)."""
    kept = Thinning(fraction=fraction, by="photons")
    mask = part[0].visible
    for rows, exact in zip(PAIRS, truth, strict=True):
        first, second = (images[0] for images in aside.halves(process, kept, [rows]))
        image = denoise(process, kept, rows, part)
        full_dose = float(np.var((first - second)[:, mask])) / 2 * kept.of("first").share
        found = independent.compare(image, first, second, mask, doubt * full_dose)
        yield (found.error - float(np.mean((image - exact)[:, mask] ** 2))) / found.error_error


def main() -> None:
    """Print a line for each part of the dose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=list(OBJECTS), default="honeycomb")
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--first", type=int, default=1001, help="seed of the noise of the first scan [%(default)d]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    study = options.folder.resolve() / options.only
    results = study / f"results/{dose.NAME}"
    scan = OBJECTS[options.only]()
    fractions = [part["fraction"] for part in json.loads((results / "dose.json").read_text())["parts"]]
    parts = {fraction: dose.part_of(study, fraction) for fraction in fractions}
    off: dict[float, list[float]] = {fraction: [] for fraction in fractions}
    for seed in range(options.first, options.first + options.scans):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "raw.h5"
            case = dose.Case(dose.frames(file, scan, seed), {}, {})
            process, doubt = measured(results, file)
            truth = dose.noise_free(results, process.scan, case, PAIRS, 0)[0]
            truth = truth.reshape(len(PAIRS), -1, *truth.shape[1:])
            for fraction, part in parts.items():
                off[fraction] += deviations(process, doubt, fraction, part, truth)
        print(seed, *(f"{value:+.1f}" for values in off.values() for value in values[-len(PAIRS) :]), flush=True)
    print("\n| dose | mean | rms | largest |\n|---|---:|---:|---:|")
    for fraction, values in off.items():
        rms = np.sqrt(np.mean(np.square(values)))
        print(f"| {fraction:g} | {np.mean(values):+.2f} | {rms:.2f} | {max(values, key=abs):+.1f} |")


if __name__ == "__main__":
    main()
