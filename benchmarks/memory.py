"""Peak memory of training and of denoising a slab, against the depth of the volume, at one setting of the memory.

Every point is a process of its own. Slices have 256 x 256 pixels in 4 sections; a slab has 32 rows; training may hold
32 MiB of sections, which is what the first volume takes as a whole. Prints a markdown table.

    python benchmarks/memory.py --network unet 32 64 128 256
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from tests.unit import scans_on_disk

from tomodenoise.common import devices
from tomodenoise.denoising import inference
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.storage import sections
from tomodenoise.training import distributed, loop, tasks
from tomodenoise.training.options import Train

SIZE, SLAB, HELD = 256, 32, 2**-5
"""Pixels, rows, GiB."""


def train(scan: sections.Sections, spec: specs.Spec) -> None:
    """Train through several turns of what is in memory."""
    settings = Train(pixels=1e6, evaluations=6, memory=HELD, patch=48 if spec.volumetric else 96)
    task = tasks.Task([scan], spec, settings, {})
    loop.train(task, distributed.alone(devices.best()), lambda *_: None)


def denoise(scan: sections.Sections, spec: specs.Spec) -> None:
    """Collect the middle slab, as a job does."""
    network = registry.build(spec).to(devices.best()).eval()
    first = scan.depth // SLAB // 2 * SLAB
    slices = inference.denoise(Model(network, spec, Normalisation((0,), (1,)), {}), scan, (first, first + SLAB))
    np.stack([after for _, after in slices])


def measure(work: str, folder: str, network: str) -> None:
    """Do what a job does, and print the host's and the device's peak in bytes."""
    torch.set_num_threads(1)
    if work != "nothing":
        {"train": train, "denoise": denoise}[work](
            sections.describe(Path(folder)), specs.complete(Network(name=network))
        )
    # The usual ru_maxrss is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text().split()
    device = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    print(json.dumps([int(status[status.index("VmHWM:") + 1]) * 1024, device]))


def peaks(work: str, folder: Path, network: str) -> str:
    """Measure in a process of its own: MB of the host, and of the device where there is one."""
    command = [sys.executable, __file__, "--measure", work, str(folder), "--network", network]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    host, device = (round(number / 1e6) for number in json.loads(out))
    return f"{host} + {device}" if device else f"{host}"


def main() -> None:
    """Measure the depths given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("depths", type=int, nargs="*", default=[32, 64, 128, 256])
    parser.add_argument("--network", default="unet")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        work, folder = options.measure
        measure(work, folder, options.network)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"{options.network}; Python and torch alone {peaks('nothing', Path(folder), options.network)} MB\n")
        print("| rows | sections on disk, MB | training, MB | denoising a slab, MB |\n|---:|---:|---:|---:|")
        for depth in options.depths:
            results = Path(folder) / str(depth)
            scans_on_disk.write(results, scans_on_disk.blobs(depth, SIZE))
            used = [peaks(work, results, options.network) for work in ("train", "denoise")]
            print(f"| {depth} | {4 * 4 * depth * SIZE**2 / 1e6:.0f} | {used[0]} | {used[1]} |", flush=True)


if __name__ == "__main__":
    main()
