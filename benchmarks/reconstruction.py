"""Time and accuracy of the reconstruction engine against the FFTs that no Fourier method can do without.

The floor is measured in the same run, in turns with the engine, so that the ratio holds on a busy machine too: for each
slice the real FFT of its padded sinogram, and the inverse real FFT of its grid. Then the CPU time of whole jobs. Prints
markdown tables.

    python benchmarks/reconstruction.py --threads 1 512 1024 2048
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from tests.unit import phantoms

from tomodenoise.geometry import directions
from tomodenoise.reconstruction.engines.gridding import gridding_plan

SLICES = 8
ROWS, SECTIONS = 16, 4
JOBS = ((1024, 900), (2048, 1500))


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def floor(size: int, length: int, angles: int) -> Callable[[], None]:
    """Return what does the FFTs of one slice and nothing else: contiguous, between buffers made beforehand."""
    projections, spectra = torch.ones(angles, length), torch.ones(angles, length // 2 + 1, dtype=torch.complex64)
    half, image = torch.ones(size // 2 + 1, size, dtype=torch.complex64), torch.ones(size, size)
    turned = half.mT.contiguous()

    def transform() -> None:
        torch.fft.rfft(projections, out=spectra)
        torch.fft.ifft(half, out=half)
        torch.fft.irfft(turned, n=size, out=image)

    return transform


def measure(columns: int, repeats: int) -> str:
    """Return one row of the table."""
    angles = np.arange(int(columns * np.pi / 2)) * np.pi / int(columns * np.pi / 2)
    weights, center = np.full(len(angles), np.pi / len(angles)), (columns - 1) / 2
    ellipses = phantoms.random_ellipses(seed=0)
    sinograms = np.stack([phantoms.sinogram(ellipses, angles, columns, center)] * SLICES)
    start = time.perf_counter()
    plan = gridding_plan(angles, weights, columns, "ram-lak", "zero", "cpu")
    setup = time.perf_counter() - start
    accuracy = phantoms.psnr(plan(sinograms[:1], center)[0], phantoms.truth(ellipses, columns))
    bare = floor(plan.raster.size, plan.raster.length, len(angles))
    runs = [(seconds(lambda: plan(sinograms, center)) / SLICES, seconds(bare)) for _ in range(repeats)]
    engine, least = (1e3 * median(times) for times in zip(*runs, strict=True))
    ratio = median(a / b for a, b in runs)
    return f"| {columns} | {len(angles)} | {setup:.2f} | {engine:.1f} | {least:.1f} | {ratio:.2f} | {accuracy:.1f} |"


def job(columns: int, angles: int) -> str:
    """Return one row of the table of jobs: what the workflow does for a slab, its reading and writing left out."""
    theta = np.arange(angles) * np.pi / angles
    sinograms = np.random.default_rng(0).standard_normal((ROWS, angles, columns), np.float32)
    setup = work = 0.0
    for indices in directions.interleave(theta, SECTIONS):
        weights = np.full(len(indices), np.pi / len(indices))
        start = time.process_time()
        plan = gridding_plan(theta[indices], weights, columns, "ram-lak", "edge", "cpu")
        ready = time.process_time()
        plan(sinograms[:, indices], (columns - 1) / 2)
        setup, work = setup + ready - start, work + time.process_time() - ready
    return f"| {columns} | {angles} | {setup:.2f} | {work:.2f} | {(setup + work) / ROWS:.3f} |"


def main() -> None:
    """Measure the sizes given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", type=int, nargs="*", default=[512, 1024, 2048])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), {SLICES} slices a call\n")
    print("| columns | angles | set-up, s | engine, ms a slice | FFTs alone, ms | ratio | PSNR, dB |")
    print("|---|---|---|---|---|---|---|")
    for columns in arguments.columns:
        print(measure(columns, arguments.repeats), flush=True)
    print(f"\nCPU seconds of a job of {ROWS} rows and {SECTIONS} sections\n")
    print("| columns | angles | set-up | slices | together, a row |")
    print("|---|---|---|---|---|")
    for columns, angles in JOBS:
        print(job(columns, angles), flush=True)


if __name__ == "__main__":
    main()
