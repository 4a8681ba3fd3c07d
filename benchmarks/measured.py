"""Measured scans, reconstructed plainly and with remedies, as pictures for a person to look at.

For each scan, and each energy channel of the rock, a picture FOLDER/NAME.png holds the middle slice twice: on the left
with nothing but its center found, on the right with the remedies of the table. Both have the same grey values, 0.5 to
99.5 % of the right one inside the circle.

    python benchmarks/measured.py FOLDER [tooth wood …]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import runs
from tests.data import FOLDER

from tomodenoise.common.arrays import FloatArray
from tomodenoise.storage import sections

ROCK = FOLDER / "rock_spectral/Sinogram_Rock_sample_2D_channels.nxs"
CHANNELS = 5
SCANS: Mapping[str, Mapping[str, object]] = {
    "tooth": {"file": "tooth/tooth.h5"},
    "basalt": {"file": "basalt/basalt_dx.h5"},
    "wood": {"file": "wood360/wood360_dx.h5"},
    "needle": {"file": "haadf_needle/haadf_needle_aligned_dx.h5", "rows": [112, 144]},
    **{f"rock{channel}": {} for channel in range(CHANNELS)},
}
PLAIN = {"zingers": "none", "stripes": "none"}
REMEDIES: Mapping[str, Mapping[str, object]] = {
    "tooth": {"zingers": 10, "stripes": "sorting"},
    "basalt": {"stripes": "vo"},
    "wood": {"stripes": "sorting"},
    "needle": {"stripes": "sorting"},
    **{f"rock{channel}": {"stripes": "vo"} for channel in range(CHANNELS)},
}


def source(name: str) -> Path:
    """Give the measured file."""
    return FOLDER / str(SCANS[name]["file"]) if SCANS[name] else ROCK


def entry(name: str, folder: Path) -> dict[str, object]:
    """Give a scan's entry of the configuration; a channel of the rock becomes a file of its own in a folder."""
    if SCANS[name]:
        return {**SCANS[name], "file": str(source(name)), "pixel_size": 1.0}
    file = folder / f"{name}.h5"
    with h5py.File(ROCK) as rock, h5py.File(file, "w") as target:
        group = rock["entry1/tomo_entry/data"]
        exchange = target.create_group("exchange")
        exchange.attrs["kind"] = "attenuation"
        exchange["data"] = group["data"][int(name.removeprefix("rock"))][:, None]
        exchange["theta"] = np.degrees(group["rotation_angle"][:])
        exchange["theta"].attrs["units"] = "degrees"
    return {"file": str(file), "pixel_size": 1.0}


def reconstruct(folder: Path, scans: Mapping[str, object], correct: Mapping[str, object], cores: int) -> Path:
    """Run the workflow up to the sections: the folder of results."""
    config = {"scans": scans, "correct": correct, "split": {"sections": 2, "input": 1}}
    runs.run(folder, config, "reconstruct", cores)
    return folder / "results"


def middle(results: Path) -> tuple[FloatArray, str]:
    """Read the middle slice from all projections, nothing outside the circle, and what is said of its center."""
    found = sections.describe(results)
    row = found.depth // 2
    (image,) = sections.mix(found.read(row, row + 1)[:, 0], found.shares)
    center = json.loads((results / "center.json").read_text())
    return np.where(found.visible, image, np.nan), f"{center['center']:.2f} | {center['warning'] or ''}"


def picture(file: Path, before: FloatArray, after: FloatArray) -> None:
    """Write two slices side by side."""
    dark, bright = np.nanpercentile(after, (0.5, 99.5))
    both = np.concatenate([before, after], axis=1)
    grey = np.nan_to_num((both - dark) / (bright - dark)).clip(0, 1)
    Image.fromarray((255 * grey).astype(np.uint8)).save(file)


def main() -> None:
    """Run what is there, and say what is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("scans", nargs="*", default=list(SCANS))
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    names = [name for name in options.scans if source(name).is_file()]
    for name in set(options.scans) - set(names):
        print(f"skipped {name}: {source(name)} is not there")
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        scans = {name: entry(name, folder) for name in names}
        plain = reconstruct(folder / "plain", scans, PLAIN, options.cores)
        for number, remedies in enumerate({repr(REMEDIES[name]): REMEDIES[name] for name in scans}.values()):
            chosen = {name: scans[name] for name in scans if REMEDIES[name] == remedies}
            mended = reconstruct(folder / str(number), chosen, {**PLAIN, **remedies}, options.cores)
            for name in chosen:
                (before, _), (after, center) = middle(plain / name), middle(mended / name)
                picture(options.pictures / f"{name}.png", before, after)
                lines[name] = f"| {name} | {remedies} | {center} |"
    print("| scan | remedies | center | warning |\n|---|---|---:|---|", *map(lines.__getitem__, scans), sep="\n")


if __name__ == "__main__":
    main()
