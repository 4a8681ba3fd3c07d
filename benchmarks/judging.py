"""Whether the figures that need no truth tell the truth: on simulated scans, where it is known.

1. Networks that were trained differently, and one that blurs: estimated and true error, calibration, and how far the
   cross-FRC is off the true FRC at the worst frequency where it is valid.
2. Scans with noise that sections share, through the whole workflow: the correlation that the quality report finds.

    python benchmarks/judging.py [--only networks | noise]        about 15 minutes on a quiet machine
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, runs, simulated

from tomodenoise.evaluation import cases, figures_of_merit, held_out_slices
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.networks.models import Model
from tomodenoise.simulation import acquisition, detector, files, phantom, projection
from tomodenoise.training import distributed, tasks
from tomodenoise.training.loop import train

JUDGED = (17, 24)
ACQUISITION = Acquisition(None, flats=0, divided=True, shared=False, window="cosine", filtered=True)
NETWORKS: Mapping[str, tuple[Mapping[str, Any], float, Mapping[str, Any]]] = {
    "0.2 Mpx": ({}, 2e5, {}),
    "0.5 Mpx": ({}, 5e5, {}),
    "1 Mpx": ({}, 1e6, {}),
    "2 Mpx": ({}, 2e6, {}),
    "4 Mpx": ({}, 4e6, {}),
    "12 Mpx": ({}, 12e6, {}),
    "34 Mpx": ({}, 34e6, {}),
    "100 Mpx": ({}, 100e6, {}),
    "4 Mpx, 1 slice": ({"slices": 1}, 4e6, {}),
    "2 Mpx, width 4": ({"width": 4}, 2e6, {}),
    "2 Mpx, width 4, depth 2": ({"width": 4, "depth": 2}, 2e6, {}),
    "2 Mpx, slow": ({}, 2e6, {"learning_rate": 1e-4}),
    "2 Mpx, l1": ({}, 2e6, {"loss": "l1"}),
    "1 Mpx, another seed": ({}, 1e6, {"seed": 1}),
}
"""Network, pixels and what else differs in `train`."""

BLUR = 2.0
"""Pixels, deviation of a Gaussian in the place of a network."""

NOISE: Mapping[str, tuple[int, float, str]] = {
    "200 flats, divided": (200, 0.0, "divided"),
    "10 flats, divided": (10, 0.0, "divided"),
    "10 flats, shared": (10, 0.0, "shared"),
    "200 flats, divided, 5 % afterglow": (200, 0.05, "divided"),
    "200 flats, shared": (200, 0.0, "shared"),
}
"""Flats, share of the light one frame later, and `correct.flats`."""


class Blur(torch.nn.Module):
    """A Gaussian filter of the middle slice."""

    def __init__(self) -> None:
        super().__init__()
        line = torch.exp(-0.5 * (torch.arange(-8.0, 9.0) / BLUR) ** 2)
        self.line = torch.nn.Parameter((line / line.sum()).reshape(1, 1, 1, -1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Blur (n, slice, y, x) to (n, 1, y, x)."""
        middle = images[:, images.shape[1] // 2 : images.shape[1] // 2 + 1]
        across = torch.nn.functional.conv2d(middle, self.line, padding=(0, 8))
        return torch.nn.functional.conv2d(across, self.line.transpose(2, 3), padding=(8, 0))


def networks(folder: Path, scan: simulated.Scan) -> Iterator[tuple[str, Model]]:
    """Train each network on some rows."""
    trained = simulated.write(folder / "trained", scan, simulated.TRAINED, 4)
    for name, (network, pixels, keys) in NETWORKS.items():
        contestant = contestants.Contestant({"name": "unet", **network}, train=keys)
        options = contestants.options(contestant, pixels, keys.get("seed", 0))
        task = tasks.Task([trained], contestant.spec, options, {})
        model = train(task, distributed.alone("cpu"), lambda _, __: None)
        yield name, model
    yield f"Gaussian of {BLUR:g} pixels", replace(model, network=Blur())


def compare_networks(folder: Path) -> None:
    """Print a line for each network, and the rank correlation."""
    scan = simulated.foam()
    judged = simulated.write(folder / "judged", scan, (0, simulated.ROWS), 4)
    chosen = held_out_slices.Slices((JUDGED,), scan.mask, held_out=True, why="rows that were not trained on")
    print("| network | uMSE / 1e-3 | true error / 1e-3 | uPSNR / dB | PSNR / dB | slope | cross-FRC off by at most |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    errors = []
    for name, model in networks(folder, scan):
        case = cases.Case(judged, model, chosen, ACQUISITION, truth=lambda _, __: scan.truth[None, chosen.rows])
        found = figures_of_merit.judge(cases.collect(case, 0).select()).figures
        estimated, true, line = found["umse"].values, found["truth"].values, found["calibration"].values
        errors.append((estimated["umse"], true["mse_half"]))
        numbers = (
            f"{1e3 * estimated['umse']:.3f} | {1e3 * true['mse_half']:.3f} | {estimated['upsnr']:.2f}"
            f" | {true['psnr_half']:.2f} | {line['slope']:.3f} ± {line['slope_error']:.3f}"
        )
        print(f"| {name} | {numbers} | {found['cross_frc'].values['off_truth']:.3f} |", flush=True)
    rank = spearmanr(*np.transpose(errors[:-1]))
    print(f"\nSpearman correlation of uMSE and true error over {len(errors) - 1} networks: {rank.statistic:.3f}\n")


def compare_noise(folder: Path, cores: int) -> None:
    """Print a line for each scan: all denoised by a network that was trained on another one."""
    shape = acquisition.Scan(columns=256, rows=24, angles=512, flats=200)
    quiet = detector.Detector(drift=0)
    for number, (flats, afterglow, _) in enumerate([(200, 0.0, ""), *NOISE.values()]):
        rng = np.random.default_rng(number)
        drawn = phantom.foam((shape.rows, shape.columns), (2.5, 6), 0.25, rng)
        sample = projection.absorb(drawn, 2.0, shape.axis, (shape.rows, shape.columns))
        plan, worn = replace(shape, flats=flats), replace(quiet, afterglow=afterglow)
        frames = acquisition.acquire(sample, plan, worn, rng)
        files.write_scan(folder / f"raw/{number}.h5", "exchange", plan, frames)
    scans = {f"scan{i}": {"file": str(folder / f"raw/{i}.h5"), "center": shape.axis} for i in range(len(NOISE) + 1)}
    trained = {"scans": {"scan0": scans["scan0"]}, "train": {"pixels": 6e6, "evaluations": 4}}
    runs.run(folder / "trained", trained, "train", cores)
    model = {"file": str(folder / "trained/results/models/scan0/model.safetensors")}
    print("| scan | r < 5 px | 5 to 20 px | beyond | reported for the flats, r < 5 and 5 to 20 | in time | verdict |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for how in ("divided", "shared"):
        chosen = {name: i for i, (name, noise) in enumerate(NOISE.items(), 1) if noise[2] == how}
        entries = {f"scan{i}": {**scans[f"scan{i}"], "model": "given"} for i in chosen.values()}
        config = {"scans": entries, "models": {"given": model}, "correct": {"flats": how, "zingers": "none"}}
        runs.run(folder / how, config, "judge", cores)
        for name, number in chosen.items():
            print(_noise_line(name, json.loads((folder / how / f"results/scan{number}/quality.json").read_text())))


def _noise_line(name: str, quality: Mapping[str, Any]) -> str:
    found = quality["figures"]["independence"]
    zones = [f"{zone['correlation']:.3f} ± {zone['error']:.3f}" for zone in found["zones"]]
    share = ", ".join(f"{value:.3f}" for value in found["flats_share"][:2]) if found["flats_share"] else ""
    verdict = next(verdict["text"] for verdict in quality["verdicts"] if verdict["figure"] == "independence")
    in_time = f"{found['in_time']:.3f} ± {found['in_time_error']:.3f}"
    return f"| {name} | {' | '.join(zones)} | {share} | {in_time} | {verdict} |"


def main() -> None:
    """Run all, or a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["networks", "noise"])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "noise":
            compare_networks(Path(folder))
        if options.only != "networks":
            compare_noise(Path(folder) / "noise", options.cores)


if __name__ == "__main__":
    main()
