"""Compare the demo's volume with the truth, next to classical filters tuned on it: compare_demo.py FOLDER."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.image import imsave

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import greys
from tomodenoise.evaluation import classical
from tomodenoise.geometry import field_of_view
from tomodenoise.metrics import merit
from tomodenoise.storage import sections, zarr_arrays


def main(folder: Path) -> None:
    """Print a table of PSNR and SSIM, and save one slice before and after."""
    truth = np.load(folder / "raw" / "foam_truth.npy")
    scan = sections.describe(folder / "results" / "foam")
    noisy = sections.mix(scan.read(0, scan.depth)[:, 0], scan.shares)
    denoised = zarr_arrays.read(folder / "results" / "foam" / "denoised.ome.zarr" / "0", (0, 0))
    inside = field_of_view.mask(scan.size, 0.46 * scan.size)
    scale = float(truth.max())

    def line(name: str, volume: FloatArray) -> str:
        figures = merit.psnr(volume, truth, inside, scale), merit.ssim(volume, truth, inside, scale)
        return f"{name:34}{figures[0]:10.2f}{figures[1]:10.3f}"

    print(f"\n{'':34}{'PSNR / dB':>10}{'SSIM':>10}", line("raw reconstruction", noisy), sep="\n")
    for result in classical.best_filters(noisy, truth, inside, scale):
        print(line(f"{result.name}, tuned with the truth", result.volume))
    print(line("tomodenoise, without the truth", denoised))
    low, high = greys.window(truth[scan.depth // 2], inside)
    pair = np.hstack([noisy[scan.depth // 2], denoised[scan.depth // 2]])
    imsave(folder / "before_after.png", pair, cmap="gray", vmin=low, vmax=high)
    results = folder.resolve() / "results"
    print(f"\nreport: {results / 'report.html'}\nvolume: {results / 'foam' / 'denoised.ome.zarr'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
