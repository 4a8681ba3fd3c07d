"""Few angles: plain training against rounds on projected copies, `train.reproject`, on scans whose truth is known.

Prints a markdown table: the model of each round, and one that was trained plainly on as many pixels as all rounds.

    python benchmarks/reprojection.py foam --angles 64 --photons 5000
    python benchmarks/reprojection.py foam --angles 128 --photons 5000 --wedge 60
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, simulated
from benchmarks.contestants import Contestant

from tomodenoise.metrics import merit
from tomodenoise.networks.models import Model
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.storage.sections import Sections
from tomodenoise.training import distributed, loop, rounds, tasks

UNET = Contestant(contestants.UNET, 2)


def main() -> None:
    """Simulate a scan, train, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phantom", choices=["foam", "honeycomb"])
    parser.add_argument("--angles", type=int, default=128)
    parser.add_argument("--photons", type=float, default=450)
    parser.add_argument("--wedge", type=float, default=0, help="degrees without projections [%(default)g]")
    parser.add_argument("--pixels", type=float, default=5e6, help="of each training [%(default)g]")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    scan = simulate(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = simulated.write(folder / "trained", scan, simulated.TRAINED, 2)
        judged = simulated.write(folder / "judged", scan, (0, simulated.ROWS), 2)
        print("| | PSNR / dB | SSIM |\n|---|---:|---:|")
        for title, model in models(trained, options.pixels, options.rounds, folder / "copies"):
            found, truth = (
                contestants.apply(model, judged, simulated.JUDGED, "full"),
                scan.truth[slice(*simulated.JUDGED)],
            )
            psnr = merit.psnr(found, truth, scan.mask, 1)
            print(f"| {title} | {psnr:.2f} | {merit.ssim(found, truth, scan.mask, 1):.3f} |", flush=True)


def simulate(options: argparse.Namespace) -> simulated.Scan:
    """Simulate a scan, without the projections of the wedge."""
    simulated.ANGLES, simulated.PHOTONS = options.angles, options.photons
    scan: simulated.Scan = getattr(simulated, options.phantom)("cosine")
    kept = np.degrees(scan.angles) < 180 - options.wedge
    return replace(scan, angles=scan.angles[kept], exact=scan.exact[kept], noisy=scan.noisy[kept])


def models(scan: Sections, pixels: float, number: int, folder: Path) -> Iterator[tuple[str, Model]]:
    """Yield the models to compare, those of the rounds last."""
    ranks, source = distributed.alone(), {"source": {"scan": ""}}
    longer = contestants.options(UNET, (1 + number) * pixels, 0)
    yield (
        f"plain, {longer.pixels / 1e6:g} Mpx",
        loop.train(tasks.Task([scan], UNET.spec, longer, {}), ranks, lambda *_: None),
    )
    made: list[Model] = []

    def keep(*arguments: object) -> Model:
        made.append(train(*arguments))  # type: ignore[arg-type]
        return made[-1]

    train = loop.train
    settings = contestants.options(UNET, pixels, 0).model_copy(update={"reproject": number})
    with mock.patch.object(loop, "train", keep):
        task = tasks.Task([scan], UNET.spec, settings, source)
        reconstruction = [Reconstruct(filter="cosine", pad="zero")]
        first = partial(keep, task, ranks, lambda *_: None)
        rounds.train(
            task, ranks, reconstruction, folder, first, lambda line: print(line, file=sys.stderr), lambda: False
        )
    for round_, model in enumerate(made):
        yield f"round {round_}" if round_ else f"plain, {pixels / 1e6:g} Mpx", model


if __name__ == "__main__":
    main()
