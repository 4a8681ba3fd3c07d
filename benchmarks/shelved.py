"""Models from a shelf on families of simulated scans: decibels lost as they are, fine-tuned, and trained.

A model of each family that is named with --found is trained on one foam, then judged on another foam of each family: as
it is, in the grey scale of its own training and in that of the new scan; fine-tuned with a tenth of the budget; against
a model that is trained on the new scan. Each decibel is of the PSNR against the truth on rows that no model has seen.
With --results each line is kept in a file, and what is there is not computed again.

    python benchmarks/shelved.py --pixels 10e6 --results shelved.jsonl
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, simulated

from tomodenoise.common import devices
from tomodenoise.networks.models import Model
from tomodenoise.simulation import phantom, projection
from tomodenoise.storage.sections import Sections
from tomodenoise.training import dataset, distributed, grading, loop, tasks
from tomodenoise.training.options import Train

SPEC = contestants.Contestant(contestants.UNET).spec


COLUMNS = 128
"""Fewer than in the other benchmarks: a dozen scans are to be trained on in minutes."""

RATES = (0.003, 0.001)
"""Learning rates of fine-tuning; 0.003 is that of a training."""


@dataclass(frozen=True)
class Family:
    """Scans that differ in the foam only."""

    photons: float = simulated.PHOTONS
    angles: int = 2 * COLUMNS
    pixel_size: float = 1.0
    """Relative: the spheres are smaller in pixels where pixels are larger."""


FAMILIES: Mapping[str, Family] = {
    "alike": Family(),
    "photons x 4": Family(photons=1800),
    "photons x 2": Family(photons=900),
    "photons / 2": Family(photons=225),
    "photons / 4": Family(photons=112),
    "angles x 1.5": Family(angles=3 * COLUMNS),
    "angles / 1.33": Family(angles=3 * COLUMNS // 2),
    "angles / 2": Family(angles=COLUMNS),
    "pixels x 1.25": Family(pixel_size=1.25),
    "pixels x 1.5": Family(pixel_size=1.5),
    "pixels / 1.5": Family(pixel_size=1 / 1.5),
}


def simulate(family: Family, seed: int) -> simulated.Scan:
    """Simulate a scan of a family, as `simulated.foam` does."""
    draw, noise = np.random.default_rng(seed).spawn(2)
    radii = (3 / family.pixel_size, 4.67 / family.pixel_size)
    shape = (simulated.ROWS, COLUMNS)
    # The cylinder fills 0.44 of the columns it is drawn for: on 128 columns it has a radius of 60.
    spheres = phantom.foam((simulated.ROWS, 137), radii, 0.2996, draw)
    angles = np.arange(family.angles) * np.pi / family.angles
    middle = (COLUMNS - 1) / 2
    exact = np.stack([projection.project(spheres, angle, middle, shape) for angle in angles]).astype(np.float32)
    scale = simulated.ABSORPTION / exact.max()
    counts = noise.poisson(family.photons * np.exp(-scale * exact))
    noisy = (-np.log((counts + 0.5) / family.photons) / scale).astype(np.float32)
    truth = phantom.truth(spheres, COLUMNS, range(simulated.ROWS))
    return simulated.Scan("foam", angles, exact, noisy, truth, "cosine")


def write(folder: Path, family: Family, scan: simulated.Scan, rows: tuple[int, int]) -> Sections:
    """Write the sections that `split.sections: auto` gives."""
    return simulated.write(folder, scan, rows, 4 if family.angles >= 1.5 * COLUMNS else 2)


def train(
    scan: Sections, pixels: float, seed: int, start: Model | None = None, rate: float | str = "auto"
) -> tuple[Model, float]:
    """Train a model, from another one if given; return it with its CPU seconds."""
    evaluations = 5 if start is None else 2
    options = Train(pixels=pixels, evaluations=evaluations, seed=seed, learning_rate=rate)
    began = time.process_time()
    ranks = distributed.alone(devices.best())
    model = loop.train(tasks.Task([scan], SPEC, options, {}, start), ranks, lambda *_: None)
    return model, time.process_time() - began


def grade(model: Model, scan: Sections) -> dict[str, float | None]:
    """Grade a model on the held-out part of a scan, as the workflow does."""
    ranks = distributed.alone(devices.best())
    data = dataset.prepare(tasks.Task([scan], SPEC, Train(), {}, model), ranks)
    measured = grading.measure(data, ranks)
    grades = grading.grade(model.network.to(ranks.device), data, measured, ranks)
    return {
        "gain": grades.gain,
        "skill": grades.skill,
        "slope": grades.slope,
        "noise": measured.as_json()["noise"],
    }


def judge(model: Model, scan: simulated.Scan, judged: Sections) -> float:
    """Return the PSNR of the denoised rows that no model was trained on."""
    return contestants.figures(contestants.apply(model, judged, simulated.JUDGED, "full"), scan)["psnr"]


def compare(found: Model, family: Family, pixels: float, seed: int, folder: Path) -> dict[str, Any]:
    """Compare a found model with one that is trained on a scan of a family."""
    scan = simulate(family, 100 + seed)
    new = write(folder / "new", family, scan, simulated.TRAINED)
    judged = write(folder / "judged", family, scan, (0, simulated.ROWS))
    trained, seconds = train(new, pixels, seed)
    scaled = replace(found, normalisation=trained.normalisation)
    models, spent = {"found": found, "scaled": scaled, "trained": trained}, {"trained": seconds}
    for rate in RATES:
        name = f"tuned at {rate}"
        models[name], spent[name] = train(new, pixels / 10, seed, scaled, rate)
    psnr = {name: judge(model, scan, judged) for name, model in models.items()}
    grades = {name: grade(model, new) for name, model in models.items() if name != "found"}
    return {"psnr": psnr, "grades": grades, "seconds": spent}


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Set the lines as a table in Markdown; what is lost is relative to the model that is trained on the new scan."""
    tuned = [f"tuned at {rate}" for rate in RATES]
    header = ["trained on", "new scan", "noise / contrast", "trained / dB", "lost in old greys", "lost as it is"]
    header += [f"lost {name}" for name in tuned]
    header += ["skill short, as it is", "slope as it is", "CPU s trained", "CPU s tuned"]
    text = [f"| {' | '.join(header)} |", "|---|---|" + "---:|" * (len(header) - 2)]
    for line in lines:
        psnr, grades = line["psnr"], line["grades"]
        lost = [f"{psnr['trained'] - psnr[name]:.2f}" for name in ("found", "scaled", *tuned)]
        short = line["own"]["skill"] - (grades["scaled"]["skill"] or np.nan)
        cells = [line["found"], line["new"], f"{grades['trained']['noise']:.2f}", f"{psnr['trained']:.2f}", *lost]
        cells += [f"{short:.2f}", f"{grades['scaled']['slope']:.3f}"]
        cells += [f"{line['seconds'][name]:.0f}" for name in ("trained", tuned[0])]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


def main() -> None:
    """Compute what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=float, default=10e6, help="that a training is shown [%(default)g]")
    parser.add_argument("--found", nargs="+", default=["alike"], help="families that found models come from")
    parser.add_argument("--new", nargs="+", default=list(FAMILIES), help="families of new scans")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="file of results, to go on with and to print")
    options = parser.parse_args()
    torch.set_num_threads(1)
    there = options.results.read_text().splitlines() if options.results and options.results.is_file() else []
    lines = [json.loads(text) for text in there]
    for name in options.found:
        keys = [{"found": name, "new": new, "pixels": options.pixels, "seed": options.seed} for new in options.new]
        missing = [key for key in keys if not any(key.items() <= line.items() for line in lines)]
        for line in results(name, missing, options.pixels, options.seed) if missing else ():
            lines.append(line)
            print(f"done: {line['found']}, {line['new']}", file=sys.stderr, flush=True)
            if options.results:
                with options.results.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    print(table(lines))


def results(name: str, keys: Sequence[Mapping[str, Any]], pixels: float, seed: int) -> Iterator[dict[str, Any]]:
    """Train a model of a family, and yield what becomes of it on the new scans."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        old = write(folder / "old", FAMILIES[name], simulate(FAMILIES[name], seed), simulated.TRAINED)
        found, _ = train(old, pixels, seed)
        own = grade(found, old)
        for number, key in enumerate(keys):
            compared = compare(found, FAMILIES[key["new"]], pixels, seed, folder / str(number))
            yield {**key, "own": own, **compared}


if __name__ == "__main__":
    main()
