"""Weak scaling of training: as many patches for each process, on one and on several, in turns.

Starts what the workflow starts. Without graphics cards the processes talk by gloo, one thread each. Prints a markdown
table.

    python benchmarks/scaling.py --processes 1 2 --pixels 4e6
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import counting
from tests.unit import scans_on_disk

from tomodenoise.common import devices
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.training.options import Train

LAUNCHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def speed(folder: Path, network: str, processes: int, pixels: float, batch: int) -> float:
    """Train on so many pixels for each process, and return pixels a second of all."""
    train = Train(pixels=pixels * processes, batch=batch * processes, evaluations=1, reproject=0)
    config = {"train": train.as_json(), "network": asdict(specs.complete(Network(name=network))), "scans": {"scan": {}}}
    request = {"config": config, "sources": {"scan": ""}, "start": None, "origin": None}
    history, script = folder / "history.jsonl", ROOT / "workflow/scripts/train_model.py"
    launcher = [*LAUNCHER, str(processes)] if processes > 1 else []
    command = [sys.executable, *launcher, str(script), json.dumps(request), "{}", str(folder / "model.safetensors")]
    subprocess.run([*command, str(history)], cwd=folder, check=True, capture_output=True)
    last = json.loads(history.read_text().splitlines()[-1])
    (folder / "checkpoint.pt").unlink()
    return float(last["pixels"] / last["seconds"])


def main() -> None:
    """Measure the numbers of processes given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pixels", type=float, default=4e6, help="for each process [%(default)g]")
    parser.add_argument("--batch", type=int, default=4, help="patches for each process [%(default)s]")
    parser.add_argument("--network", default="unet")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans_on_disk.write(folder / "results/scan", scans_on_disk.blobs(32, 256))
        (folder / "results/scan/scan.json").write_text(json.dumps({"pixel_size_micrometre": 1.0}))
        rounds = [
            [speed(folder, options.network, count, options.pixels, options.batch) for count in options.processes]
            for _ in range(options.repeats)
        ]
    torch.set_num_threads(1)
    print(f"{options.network}, {options.batch} patches a process; {counting.machine(torch.device(devices.best()))}\n")
    print("| processes | Mpx/s | speed-up | efficiency |\n|---:|---:|---:|---:|")
    for number, count in enumerate(options.processes):
        gain = median(each[number] / each[0] for each in rounds) * options.processes[0]
        print(f"| {count} | {median(each[number] for each in rounds) / 1e6:.2f} | {gain:.2f} | {gain / count:.2f} |")


if __name__ == "__main__":
    main()
