"""Dose studies of scans whose truth is known: the error that the data left out show against the true one.

    python benchmarks/dose.py FOLDER [--only foam honeycomb xrdct dynamic] [--pixels 3e6] [--seed 0]

Runs `snakemake dose` in a folder for each scan, which goes on where it was left. The truth is the reconstruction of the
same scan without noise, as the mean of the data left out is. Prints a table; for XRD-CT also the PSNR against the true
volume, as in `benchmarks/channels.py`; and the CPU time of all jobs of the study.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import channels, particles, runs, simulated

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.evaluation import dose
from tomodenoise.evaluation.dose_answer import NETWORK, RAW, REUSED
from tomodenoise.geometry import field_of_view, rotation_axis
from tomodenoise.metrics import merit
from tomodenoise.networks import models
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import description
from tomodenoise.simulation import acquisition, detector, files, xrdct
from tomodenoise.simulation.xrdct import Patterns
from tomodenoise.splitting import by_angle
from tomodenoise.storage import sections

NAME = "scan"
HOW: dose.Denoise = {"input": "full", "ensemble": 1}


@dataclass(frozen=True)
class Case:
    """A raw file, and what is known of it."""

    exact: FloatArray
    """(channel, z, projection, column) line integrals without noise."""
    keys: Mapping[str, Any]
    """Of the scan in the configuration."""
    sections: Mapping[str, Any]
    """Other sections of the configuration."""
    truth: FloatArray | None = None
    """(channel, z, y, x)"""


def frames(file: Path, scan: simulated.Scan, seed: int, moments: int = 1) -> FloatArray:
    """Write counts of a detector behind a known object, again and again; return the exact line integrals."""
    lines = scan.exact * (simulated.ABSORPTION / scan.exact.max())
    depth, columns = lines.shape[1:]
    plan = acquisition.Scan(columns, depth, moments * len(lines), span=moments * 180.0, center=(columns - 1) / 2)
    behind = (np.exp(-line) for _ in range(moments) for line in lines)
    random = np.random.default_rng(seed)
    taken = acquisition.record(acquisition.image_keys(plan), behind, (depth, columns), detector.Detector(), random)
    files.write_scan(file, "exchange", plan, taken)
    return np.asarray(lines.swapaxes(0, 1)[None])


def still(file: Path, scan: simulated.Scan, seed: int) -> Case:
    """Measure an object at rest."""
    exact = frames(file, scan, seed)
    return Case(exact, {"center": (exact.shape[3] - 1) / 2, "dose": {}}, {})


def moving(file: Path, seed: int) -> Case:
    """Measure the foam in steps of 128 projections, which interlace in fours."""
    scan = simulated.foam()
    order = np.concatenate([np.arange(start, len(scan.angles), 4) for start in (0, 2, 1, 3)])
    turned = replace(scan, angles=scan.angles[order], exact=scan.exact[order])
    exact = frames(file, turned, seed, 3)
    rewrite_angles(file, np.tile(np.degrees(turned.angles), 3))
    keys = {"mode": "dynamic", "steps": {"projections": 128, "group": 4}, "dose": {"fractions": [0.5, 0.25]}}
    return Case(np.tile(exact, (1, 1, 3, 1)), {"center": 127.5, **keys}, {})


def rewrite_angles(file: Path, degrees: FloatArray) -> None:
    """Replace the angles of a Data Exchange file."""
    import h5py  # noqa: PLC0415

    with h5py.File(file, "r+") as content:
        content["exchange/theta"][...] = degrees


def counted(file: Path) -> Case:
    """Count photons in the channels of XRD-CT, as `benchmarks/channels.py` without its channel of noise."""
    scan = channels.simulate(1.0)
    data, truth = scan.data[:-1], scan.truth[:-1]
    named = Patterns("channel", "", np.arange(len(data), dtype=np.float64), np.empty(0))
    shape = data.shape[2], data.shape[3]
    files.write_sinograms(file, shape, named, scan.angles, data.swapaxes(0, 1), empty=False)
    keys = {"mode": "xrdct", "center": (shape[1] - 1) / 2, "dose": {"fractions": [0.7, 0.2]}}
    own = {"network": {"slices": 1}, "correct": {"stripes": "none"}}
    return Case(exact_sinograms(), keys, own, truth)


def exact_sinograms() -> FloatArray:
    """Return the mean counts of that scan: (channel, z, projection, column)."""
    draw, lines, _ = np.random.default_rng(0).spawn(3)
    if channels.DATA.is_dir():
        sample = particles.particles(channels.DATA / "catalyst_particles_medium.tif", channels.SHAPE, draw)
        patterns = particles.patterns(channels.DATA / "Patterns.h5", channels.CHANNELS)
    else:
        sample, patterns = xrdct.spheres(channels.SHAPE, draw), xrdct.peaks(channels.CHANNELS, lines)
    patterns = xrdct.scaled(patterns, sample, channels.COUNTS)
    angles = np.arange(channels.ANGLES) * np.pi / channels.ANGLES
    each = [np.tensordot(patterns.intensities.T, sample.integrals(float(angle)), 1) for angle in angles]
    return np.stack(each, axis=2)


CASES: Mapping[str, Callable[[Path, int], Case]] = {
    "foam": lambda file, seed: still(file, simulated.foam(), seed),
    "honeycomb": lambda file, seed: still(file, simulated.honeycomb(), seed),
    "xrdct": lambda file, _: counted(file),
    "dynamic": moving,
}


def study(folder: Path, name: str, pixels: float, seed: int) -> Case:
    """Run a study, one training after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    case = CASES[name](folder / ("again.h5" if (folder / "raw.h5").exists() else "raw.h5"), seed)
    train = {"pixels": pixels, "evaluations": 10, **({} if name == "xrdct" else {"batch": 2, "patch": 64})}
    config = {"scans": {NAME: {"file": "raw.h5", **case.keys}}, "train": train, **case.sections}
    runs.run(folder, config, "dose", 1)
    return case


def rows(folder: Path, case: Case) -> Iterator[str]:
    """Yield a line of the table for each part and result."""
    results = folder / "results" / NAME
    scan = description.read(results / "scan.json")
    record = json.loads((results / "dose.json").read_text())
    full = models.load(folder / f"results/models/{NAME}/model.safetensors", "cpu")
    whole = dose.choose(sections.describe(results), full, scan.identity, None)
    for part in record["parts"]:
        own, model = part_of(folder, part["fraction"])
        judged = dose.common(whole.slices, dose.choose(own, model, scan.identity, None).slices)
        time = record["step"]
        truth = noise_free(results, scan, case, judged.runs, time)
        raw, network = dose.denoised(own, model, judged, HOW, time)
        _, reused = dose.denoised(own, full, judged, HOW, time)
        for name, images in ((RAW, raw), (NETWORK, network), (REUSED, reused)):
            wrong = images.mean(axis=0) - truth.mean(axis=0)
            true = float(np.mean(wrong[:, judged.mask] ** 2))
            error, spread = (part["results"][name][key] for key in ("error", "error_error"))
            figures = f"{true:.3g} | {error:.3g} ± {spread:.1g} | {(error - true) / spread:+.1f}"
            yield f"| {part['fraction']:g} | {name} | {figures} | {each(part, name, images - truth, judged.mask)} |"


def each(part: Mapping[str, Any], name: str, wrong: FloatArray, mask: Any) -> str:  # noqa: ANN401 - a mask
    """Return the root mean square of the deviations of the channels, in their standard errors."""
    if "channels" not in part:
        return ""
    true = np.mean(wrong[:, :, mask] ** 2, axis=(1, 2))
    found = part["channels"][name]
    off = (np.array(found["error"]) - true) / np.array(found["error_error"])
    return f"{np.sqrt(np.mean(off**2)):.1f}"


def noise_free(results: Path, scan: description.Scan, case: Case, runs_: Any, time: int) -> FloatArray:  # noqa: ANN401
    """Reconstruct the exact line integrals of the judged rows and time step: (channel, z, y, x)."""
    axis = rotation_axis.read(results / "center.json")
    firsts = [*np.flatnonzero(np.diff(scan.steps, prepend=-1)).tolist(), None] if scan.steps is not None else [0, None]
    step = slice(firsts[time], firsts[time + 1])
    whole = by_angle.union(by_angle.split(scan.angles[step], 2, 1), (0, 1))
    plan = slices.prepare(whole, axis, Reconstruct(), "cpu")
    chosen = np.concatenate([np.arange(*run) for run in runs_])
    lines = case.exact[:, chosen][:, :, step][:, :, whole.indices].astype(np.float32)
    return np.stack([plan(np.ascontiguousarray(line), axis.centers(chosen)) for line in lines])


def psnr(folder: Path, case: Case) -> Iterator[str]:
    """Yield PSNR against the true volume, the mean over channels and slices, raw and denoised."""
    assert case.truth is not None  # noqa: S101 - for the type
    mask = field_of_view.mask(case.truth.shape[-1], 0.47 * case.truth.shape[-1])
    whole = sections.describe(folder / "results" / NAME)
    model = models.load(folder / f"results/models/{NAME}/model.safetensors", "cpu")
    fractions = [part["fraction"] for part in json.loads((whole.array.parent / "dose.json").read_text())["parts"]]
    for fraction, (own, network) in {1.0: (whole, model), **{f: part_of(folder, f) for f in fractions}}.items():
        pairs = list(inference.denoise(network, own, (0, own.depth)))
        figures = []
        for state in (0, 1):
            images = np.stack([pair[state] for pair in pairs], axis=1)
            each_ = [merit.psnr(i, t, mask, float(t.max())) for i, t in zip(images, case.truth, strict=True)]
            figures.append(f"{np.mean(each_):.2f} | {min(each_):.2f} | {max(each_):.2f}")
        yield f"| {fraction:.0%} | {' | '.join(figures)} |"


def part_of(folder: Path, fraction: float) -> tuple[sections.Sections, models.Model]:
    """Return the sections and the model of a part of the dose."""
    name = f"{NAME}/dose/{fraction:g}"
    own = sections.describe(folder / "results" / name)
    return own, models.load(folder / f"results/models/{name}/model.safetensors", "cpu")


def cost(folder: Path) -> tuple[float, float]:
    """Return the CPU seconds of all jobs, and of those of the study alone."""
    seconds = {file: _seconds(file) for file in folder.glob("benchmarks/**/*.tsv")}
    return sum(seconds.values()), sum(value for file, value in seconds.items() if "dose" in file.parts)


def _seconds(file: Path) -> float:
    with file.open() as lines:
        return sum(float(row["cpu_time"]) for row in csv.DictReader(lines, delimiter="\t") if row["cpu_time"] != "NA")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--pixels", type=float, default=3e6, help="of each training [%(default)g]")
    parser.add_argument("--seed", type=int, default=0, help="of the noise, but for XRD-CT [%(default)d]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.only:
        folder = options.folder.resolve() / name
        case = study(folder, name, options.pixels, options.seed)
        print(f"\n{name}: {json.loads((folder / f'results/{NAME}/dose.json').read_text())['answer']}\n")
        print("| dose | | true error | estimated | off by, standard errors | channels off by, rms |")
        print("|---|---|---:|---:|---:|---:|")
        print(*rows(folder, case), sep="\n", flush=True)
        if case.truth is not None:
            print("\n| dose | raw, dB | weakest | strongest | denoised, dB | weakest | strongest |")
            print("|---|" + "---:|" * 6)
            print(*psnr(folder, case), sep="\n", flush=True)
        every, own = cost(folder)
        print(f"\n{every:.0f} CPU seconds, of them {own:.0f} for the study")


if __name__ == "__main__":
    main()
