"""Denoising from file to file without the network, by several checkouts: what reading, means and writing take.

Each checkout denoises the first slab of a scan of 512 rows with a network that returns the middle slice of its input.
It uses its own `denoise_slab.py` in a process of its own, in turns with the others. Prints a markdown table of medians;
ends with an error if the volumes differ.

    git worktree add old 8b2389b
    python benchmarks/file_to_file.py . old
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

ROWS, DEPTH, SECTIONS = 16, 512, 4


def write_scan(folder: Path, size: int) -> None:
    """Write the first two slabs of the sections of a scan, a smooth pattern with noise."""
    import numpy as np  # noqa: PLC0415 - here and below: each process imports the library of its checkout

    from tomodenoise.geometry import rotation_axis  # noqa: PLC0415
    from tomodenoise.splitting import by_angle, model  # noqa: PLC0415
    from tomodenoise.storage import zarr_arrays  # noqa: PLC0415

    split = by_angle.split(np.linspace(0, np.pi, 30 * SECTIONS, endpoint=False), SECTIONS, SECTIONS - 1)
    (folder / "split.json").write_text(json.dumps(model.to_json(split)))
    axis = rotation_axis.Geometry(size, (size - 1) / 2)
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(axis)))
    shard = (SECTIONS, 1, ROWS, size, size)
    for name, shape, stored in (
        ("sections.zarr", (SECTIONS, 1, DEPTH, size, size), shard),
        ("image", (1, 1, DEPTH, size, size), (1, *shard[1:])),
    ):
        chunk, compressed = zarr_arrays.chunk(stored), name == "image"
        zarr_arrays.allocate(folder / name, shape, stored, chunk, names="kczyx", attributes={}, compressed=compressed)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    for number in range(2):
        noise = np.random.default_rng(number).standard_normal(shard, np.float32)
        data = np.sin(x / 50) * np.cos(y / 70) + 0.2 * noise
        zarr_arrays.write_shard(folder / "sections.zarr", (0, 0, ROWS * number, 0, 0), data.astype(np.float32))


def denoise(folder: Path, threads: int) -> dict[str, Any]:
    """Denoise the first slab, and return seconds, those of the processor, peak memory and the sum of the result."""
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    import zarr  # noqa: PLC0415

    import denoise_slab  # noqa: PLC0415
    from tomodenoise.networks import model_file, models, specs  # noqa: PLC0415
    from tomodenoise.networks.options import Network  # noqa: PLC0415

    class Middle(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, 2:3]

    spec = specs.complete(Network.model_validate({"name": "unet"}))
    model = models.Model(Middle(), spec, models.Normalisation((0.3,), (2.0,)), {})
    models.load = lambda *_: model
    model_file.describe, model_file.concerns = (lambda *_: None), (lambda *_: [])  # type: ignore[assignment]
    job = SimpleNamespace(
        threads=threads,
        input=SimpleNamespace(model="", split=folder / "split.json", array=folder / "image/zarr.json"),
        output=SimpleNamespace(planes=folder / "planes.npz"),
        params=SimpleNamespace(rows=(0, ROWS), times=(0, 1), mode="full", ensemble=1, pixel_size=None),
    )
    started, before = time.perf_counter(), time.process_time()
    denoise_slab.main(job)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    image = np.ascontiguousarray(zarr.open_array(folder / "image", mode="r")[:, :, :ROWS])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "sum": hashlib.sha256(image.tobytes()).hexdigest()}


def measured(checkout: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run this file in a process of its own with the library of a checkout."""
    command = [sys.executable, __file__, str(checkout.resolve()), "--within", str(folder)]
    command += ["--size", str(options.size), "--threads", str(options.threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Compare checkouts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path, nargs="+")
    parser.add_argument("--size", type=int, default=1024, help="of the slices, pixels [%(default)s]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.within:
        sys.path[:0] = [str(options.checkouts[0] / "workflow/scripts")]
        if not (options.within / "split.json").exists():
            write_scan(options.within, options.size)
        print(json.dumps(denoise(options.within, options.threads)))
        return
    with tempfile.TemporaryDirectory() as folder:
        turns = [[measured(path, Path(folder), options) for path in options.checkouts] for _ in range(options.repeats)]
    if len({result["sum"] for turn in turns for result in turn}) > 1:
        sys.exit("the volumes differ")
    voxels = ROWS * options.size**2 / 1e6
    print("| checkout | Mvox/s | times the first, same turn | CPU, ns/voxel | peak, MB |\n|---|---:|---:|---:|---:|")
    for number, path in enumerate(options.checkouts):
        own = [turn[number] for turn in turns]
        ratio = median(turn[0]["seconds"] / turn[number]["seconds"] for turn in turns)
        speed, cpu, peak = (median(result[key] for result in own) for key in ("seconds", "cpu", "peak"))
        print(f"| {path} | {voxels / speed:.1f} | {ratio:.1f} | {1e3 * cpu / voxels:.0f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
