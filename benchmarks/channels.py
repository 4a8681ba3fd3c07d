"""All channels through one network against one network for each channel, on XRD-CT whose truth is known.

python benchmarks/channels.py [--times 1 0.7 0.2] [--pixels 6e6] [--seeds 1] [--results FILE]

A network for all channels is shown as many pixels of all of them as each of the others is shown of its own: these take
as many times the work as there are channels. One more channel holds noise alone: what a network for all channels makes
of it must have nothing of the others. Prints a table; with --results it goes on where it was left.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import particles
from tests.data import FOLDER

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.geometry import field_of_view, rotation_axis
from tomodenoise.metrics import merit
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.reconstruction.engines import registry
from tomodenoise.simulation import xrdct
from tomodenoise.splitting import by_angle
from tomodenoise.splitting import model as splitting_model
from tomodenoise.storage import sections, zarr_arrays
from tomodenoise.training import distributed, tasks
from tomodenoise.training.loop import train
from tomodenoise.training.options import Train

DATA = FOLDER / "for_simulation"
SHAPE, ANGLES, CHANNELS, COUNTS, EMPTY = (3, 109), 180, 11, (1.0, 50.0), 10.0
Line = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Scan:
    """Sinograms, the last channel noise alone."""

    angles: FloatArray
    """(angle,) radians."""
    data: FloatArray
    """(channel, angle, z, column)."""
    truth: FloatArray
    """(channel, z, y, x)."""


def simulate(time: float, seed: int = 0) -> Scan:
    """Measure the same sample for a longer or a shorter time; particles and patterns are drawn where none are there."""
    draw, lines, noise = np.random.default_rng(seed).spawn(3)
    if DATA.is_dir():
        sample = particles.particles(DATA / "catalyst_particles_medium.tif", SHAPE, draw)
        patterns = particles.patterns(DATA / "Patterns.h5", CHANNELS)
    else:
        sample, patterns = xrdct.spheres(SHAPE, draw), xrdct.peaks(CHANNELS, lines)
    patterns = xrdct.scaled(patterns, sample, COUNTS)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    frames = np.stack(list(xrdct.acquire(sample, patterns, angles, time, EMPTY, noise)))
    return Scan(angles, frames.swapaxes(0, 1), xrdct.volume(sample, patterns, EMPTY))


def write(folder: Path, scan: Scan, channels: Sequence[int]) -> sections.Sections:
    """Reconstruct some channels in three sections, and write what describes them."""
    folder.mkdir(parents=True)
    split, (depth, size) = by_angle.split(scan.angles, 3, 2), SHAPE
    parts = np.empty((3, len(channels), depth, size, size), dtype=np.float32)
    for section, part in zip(split.sections, parts, strict=True):
        plan = registry.plan("torch", "fbp", section.angles, section.weights, size)
        for number, channel in enumerate(channels):
            part[number] = plan(scan.data[channel, section.indices].swapaxes(0, 1), (size - 1) / 2)
    (folder / "split.json").write_text(json.dumps(splitting_model.to_json(split)))
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(rotation_axis.Geometry(size, (size - 1) / 2))))
    array, shard = folder / "sections.zarr", parts.shape
    zarr_arrays.allocate(array, shard, shard, zarr_arrays.chunk(shard), names=tuple("kczyx"), attributes={})
    zarr_arrays.write_shard(array, (0, 0, 0, 0, 0), parts)
    return sections.describe(folder)


def denoise(scan: sections.Sections, network: str, pixels: float, seed: int) -> FloatArray:
    """Train on a scan and apply the network to it: (channel, z, y, x)."""
    spec = specs.complete(Network(name=network, slices=1), scan.channels)
    task = tasks.Task([scan], spec, Train(pixels=pixels, seed=seed, evaluations=10), {})
    model = train(task, distributed.alone("cpu"), lambda *_: None)
    return inference.volume(model, scan, (0, scan.depth))


def raw(scan: Scan, folder: Path) -> FloatArray:
    """Reconstruct without a network."""
    written = write(folder / "all", scan, range(len(scan.data)))
    return sections.mix(written.read(0, written.depth), written.shares)


def jointly(scan: Scan, folder: Path, network: str, pixels: float, seed: int) -> FloatArray:
    """Put all channels through one network."""
    return denoise(write(folder / "all", scan, range(len(scan.data))), network, pixels, seed)


def singly(scan: Scan, folder: Path, network: str, pixels: float, seed: int) -> FloatArray:
    """Train a network for each channel."""
    each = [write(folder / str(channel), scan, [channel]) for channel in range(len(scan.data))]
    return np.concatenate([denoise(one, network, pixels, seed) for one in each])


def judge(result: FloatArray, before: FloatArray, scan: Scan) -> Line:
    """Compare with the truth, channel by channel; and tell what the channel of noise holds of the others.

    Its `leak` is the largest correlation with the truth of any other channel, `left` its deviation over that before: as
    much of the noise is left, and the product of both is what it received of others, as a part of that noise.
    """
    mask = field_of_view.mask(SHAPE[1], 0.47 * SHAPE[1])
    pairs = [(one, truth, float(truth.max())) for one, truth in zip(result[:-1], scan.truth[:-1], strict=True)]
    noise = result[-1][:, mask].ravel()
    others = [np.corrcoef(noise, truth[:, mask].ravel())[0, 1] for truth in scan.truth[:-1]] if noise.std() else [0.0]
    return {
        "psnr": [merit.psnr(one, truth, mask, most) for one, truth, most in pairs],
        "ssim": [merit.ssim(one, truth, mask, most) for one, truth, most in pairs],
        "leak": float(np.max(np.abs(others))),
        "left": float(noise.std() / before[-1][:, mask].std()),
    }


def table(lines: Sequence[Line]) -> str:
    """Print means over channels and seeds."""
    text = [
        "| time | | PSNR, mean | weakest | strongest | SSIM | noise left | received | correlation |",
        "|---|---|" + "---:|" * 7,
    ]
    for time, name in sorted(
        {(line["time"], line["name"]) for line in lines}, key=lambda row: (-row[0], row[1] != "raw")
    ):
        same = [line for line in lines if (line["time"], line["name"]) == (time, name)]
        psnr, ssim = (np.mean([line[key] for line in same], axis=0) for key in ("psnr", "ssim"))
        noise = np.mean([(line["left"], line["left"] * line["leak"], line["leak"]) for line in same], axis=0)
        figures = f"{psnr.mean():.2f} | {psnr.min():.2f} | {psnr.max():.2f} | {ssim.mean():.3f}"
        text.append(f"| {time:.0%} | {name} | {figures} | {' | '.join(f'{each:.3f}' for each in noise)} |")
    return "\n".join(text)


def main() -> None:
    """Compute what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, nargs="+", default=[1.0, 0.7, 0.2], help="relative [%(default)s]")
    parser.add_argument("--pixels", type=float, default=6e6, help="that a network is shown [%(default)g]")
    parser.add_argument("--network", default="unet", help="[%(default)s]")
    parser.add_argument("--seeds", type=int, default=1, help="of noise and training [%(default)s]")
    parser.add_argument("--results", type=Path, help="file of results, to go on with")
    options = parser.parse_args()
    torch.set_num_threads(1)
    there = options.results.read_text().splitlines() if options.results and options.results.is_file() else []
    lines = [json.loads(line) for line in there]
    how = (options.network, options.pixels)
    ways: dict[str, Callable[[Scan, Path, int], FloatArray]] = {
        "raw": lambda scan, folder, _: raw(scan, folder),
        "all channels together": lambda scan, folder, seed: jointly(scan, folder, *how, seed),
        "channel by channel": lambda scan, folder, seed: singly(scan, folder, *how, seed),
    }
    for time, seed, name in ((t, s, n) for t in options.times for s in range(options.seeds) for n in ways):
        key = {"time": time, "name": name, "seed": seed, "network": options.network, "pixels": options.pixels}
        if any(key.items() <= line.items() for line in lines):
            continue
        with tempfile.TemporaryDirectory() as folder:
            scan = simulate(time, seed)
            found = ways[name](scan, Path(folder) / "way", seed)
            lines.append(key | judge(found, raw(scan, Path(folder) / "raw"), scan))
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
        print(f"done: {time:.0%}, {name}, seed {seed}", file=sys.stderr, flush=True)
    print(table(lines))


if __name__ == "__main__":
    main()
