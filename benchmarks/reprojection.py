"""Few angles: plain training against rounds on projected copies, `train.reproject`, on scans whose truth is known.

Prints a markdown table: the model of each round, and one that was trained plainly on as many pixels as all of them.

    python benchmarks/reprojection.py foam --angles 64 --photons 5000
    python benchmarks/reprojection.py foam --angles 128 --photons 5000 --wedge 60
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
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
    parser.add_argument("--pixels", type=float, default=9e6, help="budget, rounds included [%(default)g]")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of phantom, noise and training [%(default)d]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scan = simulate(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = simulated.write(folder / "trained", scan, simulated.TRAINED, 2)
        judged = simulated.write(folder / "judged", scan, (0, simulated.ROWS), 2)
        print("| | PSNR / dB | SSIM |\n|---|---:|---:|")
        for title, model in models(trained, options, folder / "copies"):
            found, truth = (
                contestants.apply(model, judged, simulated.JUDGED, "full"),
                scan.truth[slice(*simulated.JUDGED)],
            )
            psnr = merit.psnr(found, truth, scan.mask, 1)
            print(f"| {title} | {psnr:.2f} | {merit.ssim(found, truth, scan.mask, 1):.3f} |", flush=True)


def simulate(options: argparse.Namespace) -> simulated.Scan:
    """Simulate a scan, without the projections of the wedge."""
    simulated.ANGLES, simulated.PHOTONS = options.angles, options.photons
    scan: simulated.Scan = getattr(simulated, options.phantom)("cosine", options.seed)
    kept = np.degrees(scan.angles) < 180 - options.wedge
    return replace(scan, angles=scan.angles[kept], exact=scan.exact[kept], noisy=scan.noisy[kept])


def models(scan: Sections, options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Model]]:
    """Yield the models to compare, those of the rounds last."""
    ranks, source = distributed.alone(), {"source": {"scan": ""}}
    settings = contestants.options(UNET, options.pixels, options.seed).model_copy(update={"reproject": options.rounds})
    reconstruct = [Reconstruct(filter="cosine", pad="zero")]
    task = tasks.Task([scan], UNET.spec, settings, source, reconstruct=reconstruct)
    yield "plain", loop.train(task, ranks, lambda *_: None)
    made: list[Model] = []

    def keep(*arguments: object) -> Model:
        made.append(train(*arguments))  # type: ignore[arg-type]
        return made[-1]

    def first(part: tasks.Task) -> Model:
        return keep(part, ranks, lambda *_: None)

    train = loop.train
    with mock.patch.object(loop, "train", keep):
        rounds.train(task, ranks, folder, first, lambda line: print(line, file=sys.stderr), lambda: False)
    for round_, model in enumerate(made):
        yield f"round {round_}" if round_ else "before the rounds", model


if __name__ == "__main__":
    main()
