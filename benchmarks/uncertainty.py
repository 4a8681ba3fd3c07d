"""The stated uncertainty of each voxel against the true error, on a foam whose truth is known.

    python benchmarks/uncertainty.py [--pixels 3e6 10e6] [--sections 4 3] [--phantom foam | honeycomb]

A network is trained on some rows and calibrated on others, as for a scan that `denoise.uncertainty` is asked for. The
true error of the result for all sections is that against the reconstruction without noise, which is all that unseen
sections can show, and that against the object itself. Prints rms errors in bins of the stated one.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, simulated

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.evaluation import uncertainty
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.networks.models import Model
from tomodenoise.training import distributed, tasks
from tomodenoise.training.loop import train

BINS = 10
PHANTOMS = {"foam": simulated.foam, "honeycomb": simulated.honeycomb}


def trained(folder: Path, scan: simulated.Scan, sections: int, pixels: float) -> Model:
    """Train on some rows."""
    contestant = contestants.Contestant({"name": "unet"})
    options = contestants.options(contestant, pixels, 0)
    rows = simulated.write(folder / "trained", scan, simulated.TRAINED, sections)
    return train(tasks.Task([rows], contestant.spec, options, {}), distributed.alone("cpu"), lambda *_: None)


def compare(folder: Path, scan: simulated.Scan, sections: int, pixels: float) -> Iterator[str]:
    """Yield lines of the table."""
    model = trained(folder, scan, sections, pixels)
    judged = simulated.write(folder / "judged", scan, (0, simulated.ROWS), sections)
    chosen = Slices((simulated.JUDGED,), scan.mask, held_out=True, why="")
    found = uncertainty.measure(model, judged, chosen, 0, 1)
    calibration = uncertainty.calibrate(found, chosen)
    stated = uncertainty.apply(calibration, found.variance)[0][:, scan.mask].ravel()
    denoised = np.concatenate([after for _, after in inference.denoise(model, judged, simulated.JUDGED)])
    noise_free = simulated.full(scan, simulated.JUDGED, exact=True)
    truth = scan.truth[slice(*simulated.JUDGED)]
    wrong = [(denoised - other)[:, scan.mask].ravel() for other in (noise_free, truth)]
    checked = calibration[0]
    yield f"\n{scan.name}, {sections} sections, {pixels / 1e6:g} Mpx:"
    yield f"{ {key: value for key, value in checked.items() if key != 'bins'} }\n"
    yield "| stated | true, noise-free | ratio | true, object |"
    yield "|---:|---:|---:|---:|"
    for part in np.array_split(np.argsort(stated, kind="stable"), BINS):
        yield line(stated[part], *(error[part] for error in wrong))
    yield line(stated, *wrong).replace("| ", "| all: ", 1)


def line(stated: FloatArray, *wrong: FloatArray) -> str:
    """Format root mean squares of some voxels."""
    said, noise_free, truth = (float(np.sqrt(np.mean(np.square(values, dtype=float)))) for values in (stated, *wrong))
    return f"| {said:.4f} | {noise_free:.4f} | {noise_free / said:.2f} | {truth:.4f} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=float, nargs="+", default=[3e6, 10e6], help="of training [%(default)s]")
    parser.add_argument("--sections", type=int, nargs="+", default=[4, 3], help="[%(default)s]")
    parser.add_argument("--phantom", choices=list(PHANTOMS), default="foam", help="[%(default)s]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scan = PHANTOMS[options.phantom]()
    for sections, pixels in ((s, p) for s in options.sections for p in options.pixels):
        with tempfile.TemporaryDirectory() as folder:
            print(*compare(Path(folder), scan, sections, pixels), sep="\n", flush=True)


if __name__ == "__main__":
    main()
