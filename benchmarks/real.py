"""Quality on measured scans, where nobody knows the truth: from the raw files by the workflow.

The split loss is the smallest one, on pixels that were kept from training; it compares at equal K only. The rest needs
K = 4, and is judged on these pixels, with f = network(sections 0 and 2) against the sections a = 1 and b = 3, which are
independent of it and of each other. The error is the uMSE, mean (a - f)(b - f), in dB below that of the network's
input; it is too good where sections have few angles for their width, so angles/(K columns) is printed too.
The calibration is the straight line b = intercept + slope f, the intercept in deviations of f: 1 and 0 without bias.

    python benchmarks/real.py --pixels 30e6 --cores 2
    python benchmarks/real.py --sections 2 --optimizer adam --pixels 5e6
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, runs
from tests.data import FOLDER

from tomodenoise.metrics import merit
from tomodenoise.networks import models
from tomodenoise.storage import sections
from tomodenoise.training import sampling

SCANS = {
    "tooth": "tooth/tooth.h5",
    "basalt": "basalt/basalt_dx.h5",
    "needle": "haadf_needle/haadf_needle_aligned_dx.h5",
}
HEADER = "| scan | split loss | pixels judged | angles/(K columns) | uMSE, dB below the input's | slope | offset |"


def row(folder: Path, name: str) -> str:
    """Judge a scan by itself."""
    results = folder / "results"
    trained = results / "models" / name
    scan, model = sections.describe(results / name), models.load(trained / "model.safetensors")
    lines = [json.loads(line) for line in (trained / "history.jsonl").read_text().splitlines()]
    loss = f"{min(line['held_out_loss'] for line in lines):.4f}"
    if len(scan.split.sections) != 4:
        return f"| {name} | {loss} | | | | | |"
    _, part = sampling.divide(scan, scan.visible, model.spec.slices // 2, 0.1)
    first, last = int(part.rows.min()), int(part.rows.max()) + 1
    mask = np.isin(np.arange(first, last), part.rows)[:, None, None] & part.mask
    noisy, split = scan.read(first, last)[:, 0], scan.split.sections
    found = contestants.apply(model, contestants.halved(scan), (first, last), "section")
    given = sections.mix(noisy, scan.mixing((0, 2)))
    before, after = (merit.umse(image, noisy[1], noisy[3], mask) for image in (given, found))
    slope, intercept = np.polyfit(found[mask].astype(float), noisy[3][mask].astype(float), 1)
    offset = (intercept + (slope - 1) * found[mask].mean(dtype=float)) / found[mask].std(dtype=float)
    sampled = sum(len(section.indices) for section in split) / (len(split) * scan.size)
    gain = f"{merit.decibels(after, 1) - merit.decibels(before, 1):.1f}" if after > 0 else "error below 0"
    return f"| {name} | {loss} | {mask.sum()} | {sampled:.2f} | {gain} | {slope:.3f} | {offset:+.3f} |"


def main() -> None:
    """Run what is there, and say what is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="*", default=list(SCANS))
    parser.add_argument("--pixels", type=float, default=30e6)
    parser.add_argument("--sections", type=int, default=4, help="K [%(default)s]")
    parser.add_argument("--optimizer", default="auto", help="[%(default)s]")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [name for name in options.scans if (FOLDER / SCANS[name]).is_file()]
    for name in set(options.scans) - set(names):
        print(f"skipped {name}: {FOLDER / SCANS[name]} is not there")
    scans = {name: {"file": str(FOLDER / SCANS[name])} for name in names}
    train = {"pixels": options.pixels, "optimizer": options.optimizer, "evaluations": 10}
    config = {"scans": scans, "split": {"sections": options.sections}, "train": train}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if names:
            runs.run(folder, config, "train", options.cores)
            print(HEADER, "|---|" + "---:|" * (HEADER.count("|") - 2), sep="\n")
            print(*(row(folder, name) for name in names), sep="\n")


if __name__ == "__main__":
    main()
