"""Time-resolved scans against their truth: gains outside of the training window, the front, ghosts, groups.

python benchmarks/dynamic.py FOLDER [--pixels 1e7] [--cores 2]: three minutes for each entrant on a busy core; FOLDER
keeps raw files and results.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.fft import dctn, idctn
from scipy.optimize import minimize_scalar

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import runs, sliding
from benchmarks.simulated import HONEYCOMB

import simulate_series
from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation import classical
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import merit
from tomodenoise.simulation import cell, series
from tomodenoise.storage import sections, zarr_arrays

COLUMNS, QUIET, STEPS, GUEST = 128, 36, 72, 60
FILTERED = (40, 50, 60, 70)
"""Steps that the classical filters are tuned and judged on."""

SCENES: Mapping[str, tuple[str, ...]] = {
    "noisy": ("--projections", "59.92", "--photons", "500", "--guest", str(GUEST)),
    "sparse": ("--projections", "29.92", "--photons", "20000", "--guest", str(GUEST)),
    "early": ("--projections", "59.92", "--photons", "500", "--guest", "10"),
    "other": ("--projections", "59.92", "--photons", "500", "--guest", str(GUEST), "--seed", "7"),
    "even": ("--projections", "30", "--shifts", "8", "--photons", "20000", "--guest", str(GUEST)),
    "block": ("--projections", "59.92"),
}
"""Simulated scans, k11's detector: the window ends where movement begins. `block` is measured slices that slide."""


@dataclass(frozen=True)
class Entrant:
    """A way to train on a scene."""

    scene: str
    steps: Mapping[str, object]
    sections: int = 2
    """Of a step, where it is split by angle."""
    model: str | None = None
    seen: int = 1
    """Time steps that the network sees."""


ENTRANTS: Mapping[str, Entrant] = {
    "noisy-auto": Entrant("noisy", {}),
    "noisy-2": Entrant("noisy", {"group": 2}),
    "noisy-angle-2": Entrant("noisy", {"split": "angle"}),
    "noisy-angle-4": Entrant("noisy", {"split": "angle"}, 4),
    "sparse-auto": Entrant("sparse", {}),
    "sparse-2": Entrant("sparse", {"group": 2}),
    "sparse-6": Entrant("sparse", {"group": 6}),
    "sparse-angle-2": Entrant("sparse", {"split": "angle"}),
    "sparse-angle-4": Entrant("sparse", {"split": "angle"}, 4),
    "even-auto": Entrant("even", {}),
    "even-2": Entrant("even", {"group": 2}),
    "early-auto": Entrant("early", {}),
    "other-object": Entrant("other", {}, model="noisy-auto"),
    "noisy-seen-3": Entrant("noisy", {}, seen=3),
    "noisy-seen-5": Entrant("noisy", {}, seen=5),
    "block-auto": Entrant("block", {}),
    "block-seen-3": Entrant("block", {}, seen=3),
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A series and its truth, (t, z, y, x) each."""

    raw: FloatArray
    denoised: FloatArray
    truth: FloatArray

    @property
    def mask(self) -> BoolArray:
        """(y, x), what is judged."""
        return field_of_view.mask(COLUMNS, 0.44 * COLUMNS)

    def psnr(self, volumes_: FloatArray, steps: slice) -> float:
        """Mean PSNR of some steps, dB."""
        pairs = zip(volumes_[steps], self.truth[steps], strict=True)
        return float(np.mean([merit.psnr(*pair, self.mask, float(self.truth.max())) for pair in pairs]))


def main() -> None:
    """Simulate, run the workflow, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pixels", type=float, default=1e7, help="that each model is shown [%(default)g]")
    parser.add_argument("--cores", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--only", nargs="*", default=list(ENTRANTS), help="entrants")
    options = parser.parse_args()
    for scene in {ENTRANTS[name].scene for name in options.only}:
        simulated(options.folder / "raw", scene)
    entered = {name: ENTRANTS[name] for name in options.only}
    for kind in dict.fromkeys((e.sections, e.seen) for e in entered.values()):
        chosen = {name: e for name, e in entered.items() if (e.sections, e.seen) == kind}
        configured(options.folder, chosen, kind, options.pixels, options.cores)
    print(f"\n{'':18}{'raw':>8}{'inside':>8}{'outside':>8}{'least gain':>12}{'front/px':>16}{'guest':>8}{'ghost':>8}")
    for name in options.only:
        print(line(name, outcome(options.folder, name)))
    for name in {"noisy-auto", "block-auto"} & set(options.only):
        print(f"\n{name}, filters tuned with the truth, steps", *FILTERED)
        for title, value in filtered(outcome(options.folder, name)):
            print(f"{title:24}{value:8.2f}")


def simulated(folder: Path, scene: str) -> None:
    """Simulate a scene, once."""
    if not (folder / f"{scene}.h5").exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept = ["--quiet", str(QUIET), "--steps", str(STEPS), "--columns", str(COLUMNS)]
        truth = folder / f"{scene}.npy"
        if scene != "block":
            simulate_series.main([str(folder / f"{scene}.h5"), "--truth", str(truth), *kept, *SCENES[scene]])
            return
        turns = series.Turns(columns=COLUMNS, steps=STEPS)
        sample = sliding.sample(sliding.read(HONEYCOMB, COLUMNS), turns, quiet=QUIET, speed=1.4)
        series.write_truth(truth, sample, turns)
        detector = replace(series.K11, photons=500.0)
        _, noise = np.random.default_rng(0).spawn(2)
        series.write(folder / "block.h5", sample, turns, detector, noise, "continuous")


def configured(folder: Path, entrants: Mapping[str, Entrant], kind: tuple[int, int], pixels: float, cores: int) -> None:
    """Run the workflow on some entrants together; ``kind``: sections of a step, steps that the network sees."""
    scans = {}
    for name, entrant in entrants.items():
        options = list(SCENES[entrant.scene])
        projections = float(options[options.index("--projections") + 1])
        steps = {"projections": projections, "train": [0, QUIET], **entrant.steps}
        scans[name] = {"file": f"raw/{entrant.scene}.h5", "mode": "dynamic", "steps": steps}
        if entrant.model:
            scans[name]["model"] = entrant.model
    trained = {e.model: {"scans": [e.model]} for e in entrants.values() if e.model}
    config = {"scans": scans, "models": trained, "train": {"pixels": pixels}}
    kinds = {"split": {"sections": kind[0]}, "network": {"name": "unet", "steps": kind[1]}}
    runs.run(folder, config | kinds, "denoise", cores)


def outcome(folder: Path, name: str) -> Outcome:
    """Read what came of an entrant."""
    results = folder / "results" / name
    scan = sections.describe(results)
    steps = [scan.at(time) for time in range(scan.split.times)]
    raw = np.stack([sections.mix(step.read(0, scan.depth), step.shares)[0] for step in steps])
    denoised = zarr_arrays.read(results / "denoised.ome.zarr" / "0", (slice(None), 0))
    return Outcome(raw, denoised, np.load(folder / "raw" / f"{ENTRANTS[name].scene}.npy")[: len(raw)])


def line(name: str, found: Outcome) -> str:
    """Row of the table."""
    outside = slice(QUIET, None)
    gains = [
        found.psnr(found.denoised, slice(t, t + 1)) - found.psnr(found.raw, slice(t, t + 1))
        for t in range(QUIET, STEPS)
    ]
    line = (
        f"{name:18}{found.psnr(found.raw, outside):8.2f}{found.psnr(found.denoised, slice(0, QUIET)):8.2f}"
        f"{found.psnr(found.denoised, outside):8.2f}{min(gains):12.2f}"
    )
    if ENTRANTS[name].scene == "block":
        return line
    off = front(found.denoised) - front(found.truth)
    guest, ghost = contrasts(found, 10 if ENTRANTS[name].scene == "early" else GUEST)
    return line + f"{off[QUIET:].mean():+9.3f}±{np.abs(off[QUIET:]).max():.2f}{guest:8.3f}{ghost:8.3f}"


def front(series: FloatArray) -> FloatArray:
    """Column (t,) where the liquid ends: half way between liquid and gas on the mean profile of the channel."""
    middle, half = (COLUMNS - 1) / 2 - cell.CHANNEL_AT * COLUMNS, cell.CHANNEL[1] * COLUMNS / 4
    profiles = series[:, :, int(middle - half) : int(middle + half) + 1].mean(axis=(1, 2))
    left = int((COLUMNS - 1) / 2 - cell.CHANNEL[0] * COLUMNS) + 2
    right = int((COLUMNS - 1) / 2 + cell.CHANNEL[0] * COLUMNS) - 2
    found = []
    for profile in profiles:
        gas, liquid = profile[right - 8 : right].mean(), profile[left : left + 4].mean()
        inside = profile[left:right]
        after = int(np.argmax(inside < (gas + liquid) / 2))
        above, below = inside[after - 1], inside[after]
        found.append(left + after - 1 + (above - (gas + liquid) / 2) / (above - below))
    return np.array(found)


def contrasts(found: Outcome, step: int) -> tuple[float, float]:
    """Contrast of the guest in its step, and the largest in the steps around it, in parts of the true one."""
    x, y, radius = np.multiply(cell.GUEST, COLUMNS)
    z, v, u = np.indices(found.truth.shape[1:])
    middle = (COLUMNS - 1) / 2
    distance = np.sqrt((z - (found.truth.shape[1] - 1) / 2) ** 2 + (v - middle + y) ** 2 + (u - middle - x) ** 2)
    inner, outer = distance < 0.7 * radius, (distance > 1.1 * radius) & (distance < 1.4 * radius)

    def contrast(volume: FloatArray) -> float:
        return float(volume[inner].mean() - volume[outer].mean())

    true = contrast(found.truth[step]) - contrast(found.truth[step - 1])
    quiet = np.median([contrast(found.denoised[t]) for t in range(step - 9, step + 10) if t != step])
    around = [abs(contrast(found.denoised[t]) - quiet) for t in (step - 2, step - 1, step + 1, step + 2)]
    return (contrast(found.denoised[step]) - quiet) / true, max(around) / true


def filtered(found: Outcome) -> Iterator[tuple[str, float]]:
    """Yield the classical filters at their best, and ours on the same steps, PSNR in dB."""
    scale = float(found.truth.max())
    each: dict[str, list[float]] = {}
    for step in FILTERED:
        raw, truth = found.raw[step], found.truth[step]
        for result in classical.best_filters(raw, truth, found.mask, scale):
            each.setdefault(result.name, []).append(result.psnr)
        each.setdefault("Paganin-like, 3-D", []).append(best(lowpass, raw, truth, found.mask, scale))
        each.setdefault("none", []).append(merit.psnr(raw, truth, found.mask, scale))
        each.setdefault("ours", []).append(merit.psnr(found.denoised[step], truth, found.mask, scale))
    yield from sorted(((name, float(np.mean(values))) for name, values in each.items()), key=lambda pair: pair[1])


def lowpass(volume: FloatArray, strength: float) -> FloatArray:
    """Damp frequencies k by 1 / (1 + strength k²), which is what Paganin's filter does to what is reconstructed."""
    waves = [np.pi * np.arange(length) / length for length in volume.shape]
    square = sum(wave**2 for wave in np.ix_(*waves))
    return np.asarray(idctn(dctn(volume) / (1 + strength * square)))


def best(
    apply: Callable[[FloatArray, float], FloatArray], raw: FloatArray, truth: FloatArray, mask: BoolArray, scale: float
) -> float:
    """PSNR of a filter at the strength that makes it highest."""
    found = minimize_scalar(
        lambda log: -merit.psnr(apply(raw, float(np.exp(log))), truth, mask, scale), bounds=(-3, 7), method="bounded"
    )
    return float(-found.fun)


if __name__ == "__main__":
    main()
