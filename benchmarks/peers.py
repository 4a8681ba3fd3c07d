"""Quality of other packages on the foam of `quality.py`: same sections, rows and figures, equal CPU time of training.

Each package is run as its own pages do it: Noise2Noise between the mean of three sections and the fourth, which is
Noise2Inverse. By default each gets the CPU time that the row `default: unet, K=4` takes, which is trained first. A
package that is not installed is listed as skipped. They need an environment of their own, see `RESULTS.md`.

    python benchmarks/peers.py
    python benchmarks/peers.py --only careamics --seconds 62
"""

import argparse
import contextlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, simulated

from tomodenoise.common.arrays import FloatArray
from tomodenoise.metrics import merit
from tomodenoise.storage.sections import Sections

DEFAULT = "default: unet, K=4"
SECTIONS = contestants.CONTESTANTS[DEFAULT].sections

Denoise = Callable[[FloatArray], FloatArray]
"""From sections (section, z, y, x) to a volume (z, y, x), attenuation per pixel."""


class Pairs(NamedTuple):
    """Slices (n, y, x) and what a network shall make of them."""

    inputs: FloatArray
    targets: FloatArray


@dataclass(frozen=True)
class Peer:
    """A package, and how it is run."""

    package: str
    """As pip knows it, with the version that was tried."""
    module: str
    train: Callable[[FloatArray, float, int, Path], Denoise]
    """From sections (section, z, y, x), CPU seconds, a seed and a folder for its files."""

    @property
    def missing(self) -> str | None:
        """Reason for skipping it, or None."""
        there = importlib.util.find_spec(self.module) is not None
        return None if there else f"{self.module} is not installed: pip install {self.package}"


def stack(written: Sections, rows: tuple[int, int]) -> FloatArray:
    """Read rows of sections of a single channel: (section, z, y, x) float32."""
    return written.read(*rows)[:, 0]


def pairs(parts: FloatArray) -> Pairs:
    """Pair the mean of all sections but one (section, z, y, x), of equally many angles, with that one."""
    others = (len(parts) * parts.mean(axis=0) - parts) / (len(parts) - 1)
    return Pairs(others.reshape(-1, *parts.shape[2:]), parts.reshape(-1, *parts.shape[2:]))


def careamics(parts: FloatArray, seconds: float, seed: int, folder: Path) -> Denoise:
    """Train the 2-D Noise2Noise of CAREamics with its defaults, on batches of 8 patches."""
    from careamics import CAREamist  # noqa: PLC0415 - optional
    from careamics.config import create_advanced_n2n_config  # noqa: PLC0415
    from lightning.pytorch.callbacks import LambdaCallback  # noqa: PLC0415

    # Workers would spend CPU time that this process does not see; one epoch lasts until the time is spent.
    config = create_advanced_n2n_config(
        experiment_name="peer",
        data_type="array",
        axes="SYX",
        patch_size=[64, 64],
        batch_size=8,
        num_epochs=10**6,
        num_workers=0,
        seed=seed + 1,
    )
    end = time.process_time() + seconds

    def stop_in_time(trainer, *_):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN002, ANN202 - optional
        trainer.should_stop = time.process_time() > end

    callback = LambdaCallback(on_train_batch_end=stop_in_time)
    careamist = CAREamist(config, work_dir=folder, callbacks=[callback], enable_progress_bar=False)
    inputs, targets = pairs(parts)
    careamist.train(train_data=inputs, train_data_target=targets)
    print(f"careamics: {careamist.trainer.global_step} steps", file=sys.stderr)
    return lambda noisy: np.concatenate(careamist.predict(noisy.mean(axis=0), batch_size=1)[0])


def autoden(features: int) -> Callable[[FloatArray, float, int, Path], Denoise]:
    """Return the training of auto-denoise's tutorial on Noise2Inverse, with flips, and batches of one slice."""

    def train(parts: FloatArray, seconds: float, seed: int, _: Path) -> Denoise:
        import autoden as ad  # noqa: PLC0415 - optional

        np.random.seed(seed)  # noqa: NPY002 - the package draws from it
        torch.manual_seed(seed)

        def run(epochs: int) -> ad.N2N:
            network = ad.NetworkParamsUNet(n_features=features)
            denoiser = ad.N2N(network, reg_val=3e-6, batch_size=1, augmentation="flip", device="cpu", verbose=False)
            denoiser.train(*denoiser.prepare_data(parts, strategy="X:1"), epochs=epochs)
            return denoiser

        began = time.process_time()
        run(1)
        epochs = max(1, round(seconds / (time.process_time() - began)) - 1)
        print(f"auto-denoise, {features} features: {epochs} epochs", file=sys.stderr)
        denoiser = run(epochs)
        return lambda noisy: denoiser.infer(denoiser.prepare_data(noisy, strategy="X:1")[0])

    return train


PEERS = {
    "careamics, Noise2Noise, 2-D": Peer("careamics==0.3.5", "careamics", careamics),
    "auto-denoise, 24 features (its tutorial)": Peer("auto-denoise==3.0.0", "autoden", autoden(24)),
    "auto-denoise, 8 features": Peer("auto-denoise==3.0.0", "autoden", autoden(8)),
}


def fitted(image: FloatArray, truth: FloatArray, mask: np.ndarray) -> FloatArray:
    """Return the image (z, y, x) with the scale and offset that suit the truth best where the mask (y, x) is set."""
    scale, offset = np.polyfit(image[:, mask].ravel(), truth[:, mask].ravel(), 1)
    return np.asarray(scale * image + offset, dtype=np.float32)


def measure(peer: Peer, seconds: float, scan: simulated.Scan, seed: int, folder: Path) -> dict[str, float]:
    """Train on the rows that contestants learn from, and judge the rows on which they are judged."""
    trained, judged = (
        simulated.write(folder / name, scan, rows, SECTIONS)
        for name, rows in (("trained", simulated.TRAINED), ("judged", simulated.JUDGED))
    )
    parts, noisy = stack(trained, (0, trained.depth)), stack(judged, (0, judged.depth))
    (folder / "scratch").mkdir()
    began = time.process_time()
    with contextlib.redirect_stdout(sys.stderr):  # the table alone goes to the output
        denoise = peer.train(parts, seconds, seed, folder / "scratch")
        spent = time.process_time() - began
        result = denoise(noisy)
    truth = scan.truth[slice(*simulated.JUDGED)]
    fit = merit.psnr(fitted(result, truth, scan.mask), truth, scan.mask, 1)
    return contestants.figures(result, scan) | {"psnr_fit": fit, "cpu_seconds": spent}


def rows(options: argparse.Namespace, scan: simulated.Scan) -> Iterator[str]:
    """Yield the lines of the table."""
    seconds = options.seconds
    with tempfile.TemporaryDirectory() as folder:
        if seconds is None:
            one = contestants.CONTESTANTS[DEFAULT]
            found = contestants.compete(one, contestants.options(one, 34e6, options.seed), scan, Path(folder))
            seconds = found["cpu_seconds"]
            yield f"| {DEFAULT} | {found['psnr']:.2f} | | {found['ssim']:.3f} | {seconds:.0f} |"
    for name, peer in PEERS.items():
        if options.only and not any(part in name for part in options.only):
            continue
        if peer.missing:
            yield f"| {name} | skipped: {peer.missing} | | | |"
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = measure(peer, seconds, scan, options.seed, Path(folder))
        numbers = f"{found['psnr']:.2f} | {found['psnr_fit']:.2f} | {found['ssim']:.3f} | {found['cpu_seconds']:.0f}"
        yield f"| {name} | {numbers} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, help="CPU time of each training; by default that of ours")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of the peers to run")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| | PSNR / dB | after a linear fit / dB | SSIM | CPU s |\n|---|---:|---:|---:|---:|", flush=True)
    for line in rows(options, simulated.foam()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
