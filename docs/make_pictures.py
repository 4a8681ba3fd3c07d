"""Make the README's pictures from a measured tooth by the whole workflow: make_pictures.py TOOTH.h5 [FOLDER].

The file is source/tomopy/data/tooth.h5 of https://github.com/tomopy/tomopy. A picture of the report needs chromium.
FOLDER keeps the results, so that a second call only draws.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from tomodenoise.storage import sections, zarr_arrays

IMAGES = ROOT / "docs" / "images"
ROW, CROP = 1, np.s_[200:480, 200:470]
"""The slice, and the part of it that shows the tooth."""
WINDOW = (-0.001, 0.0085)
"""Attenuation per pixel from black to white."""
SETTINGS = {"train": {"pixels": 3e7, "mask": "sample"}}
"""Four minutes of training on one core, on what is not air."""


def main(raw: Path, folder: Path) -> None:
    """Denoise the scan and draw."""
    IMAGES.mkdir(exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"scans": {"tooth": {"file": str(raw.resolve())}}, **SETTINGS}))
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    profile = str(ROOT / "profiles" / "local")
    subprocess.run([*snakemake, "--profile", profile, "--configfile", str(config)], check=True)
    draw_slices(folder / "results" / "tooth", IMAGES / "before_after.png")
    draw_report(folder / "results" / "report.html", IMAGES / "report.jpg")


def draw_slices(results: Path, picture: Path) -> None:
    """Put one slice before and after side by side, in 8 bits, enlarged."""
    scan = sections.describe(results)
    noisy = sections.mix(scan.read(ROW, ROW + 1)[:, 0], scan.shares)[0]
    denoised = zarr_arrays.read(results / "denoised.ome.zarr" / "0", (0, 0))[ROW]
    gap = np.full((CROP[0].stop - CROP[0].start, 4), WINDOW[1])
    pair = np.hstack([noisy[CROP], gap, denoised[CROP]])
    grey = np.clip((pair - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1)
    image = Image.fromarray((255 * grey).astype(np.uint8))
    size = int(1.5 * image.width), int(1.5 * image.height)
    image.resize(size, Image.Resampling.BICUBIC).save(picture, optimize=True)


def draw_report(report: Path, picture: Path) -> None:
    """Photograph the top of the report."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "report.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1000,1330"]
        subprocess.run(["chromium", *options, f"--screenshot={shot}", report.resolve().as_uri()], check=True)
        image = Image.open(shot).convert("RGB")
        image.resize((800, 1064), Image.Resampling.LANCZOS).save(picture, quality=85, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(sys.argv[1]), Path(place))
