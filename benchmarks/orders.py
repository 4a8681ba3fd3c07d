"""Orders of reconstructing, splitting and denoising, with one network, loop and number of training pixels.

The orders are those of A. Hendriksen, "Self-supervised deep denoising for synchrotron tomography", ESRF seminar of 1
July 2021: Noise2Self [Batson & Royer, ICML 2019] splits the pixels of the reconstruction, or those of the projections
before it; Noise2Inverse splits the projections. There: 15.4, 20.6 and 26.3 dB. Prints a markdown table.

    python benchmarks/orders.py --pixels 34e6
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, simulated
from benchmarks.contestants import Contestant

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.networks import registry
from tomodenoise.networks.models import Model
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.model import Role, Split
from tomodenoise.storage.sections import Sections
from tomodenoise.training import distributed, loop, tasks

SPACING = 4
"""Pixels from one blind spot to the next."""

ROWS = (simulated.TRAINED, (0, simulated.ROWS))
"""To learn from, and to denoise."""


class BlindSpots(nn.Module):
    """The default network, which does not see the pixel that it predicts.

    In training a grid of spots is predicted, another one at each step. Elsewhere the result is the noisy pixel, which
    is its own target, so its error is zero. Without gradients every pixel is predicted, one grid after the other.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.network = registry.build(replace(spec, name="unet"))
        self.middle = spec.inputs // 2
        self.turn = 0

    def forward(self, stack: Tensor) -> Tensor:
        """Map (n, images, y, x) to (n, 1, y, x)."""
        result = stack[:, self.middle : self.middle + 1]
        turns = [self.turn % SPACING**2] if torch.is_grad_enabled() else range(SPACING**2)
        self.turn += torch.is_grad_enabled()
        for turn in turns:
            spots = torch.zeros(stack.shape[-2:], dtype=torch.bool, device=stack.device)
            spots[turn // SPACING :: SPACING, turn % SPACING :: SPACING] = True
            result = torch.where(spots, self.network(blinded(stack, self.middle, spots)), result)
        return result


def blinded(stack: Tensor, middle: int, spots: Tensor) -> Tensor:
    """Replace the spots (y, x) of the middle image by means of their neighbours; the stack is (n, images, y, x)."""
    image = stack[:, middle : middle + 1]
    kernel = stack.new_tensor([[1, 2, 1], [2, 0, 2], [1, 2, 1]])[None, None] / 12
    means = functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="replicate"), kernel)
    return torch.cat([stack[:, :middle], torch.where(spots, means, image), stack[:, middle + 1 :]], dim=1)


def loss(prediction: Tensor, target: Tensor, mask: Tensor, iteration: int) -> Tensor:
    """Sum the squared errors of the spots, and count each for all the pixels around it: (n,)."""
    return SPACING**2 * loop.squared(prediction, target, mask, iteration)


ENTRY = {"unet_blind": replace(NETWORKS["unet"], module="benchmarks.orders:BlindSpots", reach=lambda spec: None)}
# An evaluation takes 16 passes.
BLIND = Contestant({"name": "unet_blind"}, train={"evaluations": 3}, loss=loss)


def reconstructed_first(scan: simulated.Scan, pixels: float, folder: Path) -> FloatArray:
    """Denoise the reconstruction by Noise2Self: the judged rows (z, y, x)."""
    volumes = simulated.full(scan, (0, simulated.ROWS))[None]
    return np.asarray(noise2self(write(folder, volumes), pixels)[0])


def denoised_first(scan: simulated.Scan, pixels: float, folder: Path) -> FloatArray:
    """Denoise the sinograms by Noise2Self, in squares of as many angles as columns, and reconstruct them."""
    angles, rows, columns = scan.noisy.shape
    squares = scan.noisy.reshape(-1, columns, rows, columns).swapaxes(1, 2)
    everywhere = [replace(part, radius=columns) for part in write(folder, squares)]
    denoised = noise2self(everywhere, pixels).swapaxes(1, 2).reshape(angles, -1, columns)
    weights = np.full(angles, np.pi / angles)
    return simulated.reconstruct(scan, denoised, (0, denoised.shape[1]), np.arange(angles), scan.angles, weights)


def split_first(scan: simulated.Scan, pixels: float, folder: Path) -> FloatArray:
    """Denoise by Noise2Inverse, as the default does."""
    default = contestants.CONTESTANTS["default: unet, K=4"]
    trained, every = (simulated.write(folder / str(rows), scan, rows, default.sections) for rows in ROWS)
    return contestants.apply(fit(default, trained, pixels), every, simulated.JUDGED, "full")


def write(folder: Path, volumes: FloatArray) -> list[Sections]:
    """Write volumes (volume, z, y, x) as sections of which each is its own target: rows to learn from, and all."""
    count, size = len(volumes), volumes.shape[-1]
    sections = by_angle.split(np.arange(2 * size) * np.pi / (2 * size), max(count, 2), 1).sections[:count]
    shared = tuple(replace(section, share=1 / count) for section in sections)
    split = Split(shared, tuple(Role((number,), (number,)) for number in range(count)), 0.0)
    return [simulated.store(folder / str(rows), volumes[:, slice(*rows)], split) for rows in ROWS]


def noise2self(written: Sequence[Sections], pixels: float) -> FloatArray:
    """Train on some rows, and denoise the judged ones of each volume."""
    trained, every = written
    model = fit(BLIND, trained, pixels)
    alone = [replace(every, split=replace(every.split, roles=(role,))) for role in every.split.roles]
    return np.stack([contestants.apply(model, scan, simulated.JUDGED, "section") for scan in alone])


def fit(contestant: Contestant, trained: Sections, pixels: float) -> Model:
    """Train a network."""
    task = tasks.Task([trained], contestant.spec, contestants.options(contestant, pixels, 0), {})
    return loop.train(task, distributed.alone(devices.best()), lambda *_: None, loss=contestant.loss)


ORDERS = {
    "reconstruct, split, denoise": reconstructed_first,
    "split, denoise, reconstruct": denoised_first,
    "split, reconstruct, denoise": split_first,
}


def main() -> None:
    """Run the orders in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=float, default=34e6, help="that the network is shown [%(default)g]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    NETWORKS.update(ENTRY)
    scan = simulated.foam()
    print("| order | PSNR / dB | SSIM | CPU s |\n|---|---:|---:|---:|")
    for name, order in ORDERS.items():
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            found = contestants.figures(order(scan, options.pixels, Path(folder)), scan)
        spent = time.process_time() - began
        print(f"| {name} | {found['psnr']:.2f} | {found['ssim']:.3f} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
