"""A sheet of twelve slices of each finished scan: jpeg_sheets.py FOLDER < NOTE, as a command of `notify`.

It needs the Python of tomodenoise, for zarr and Pillow.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from PIL import Image

ROWS, COLUMNS = 3, 4
WIDTH = 512
"""Largest width of a slice, pixels: the finest resolution within it is shown."""


def sheet(volume: Path) -> bytes:
    """Return a JPEG of slices of the last time step and first channel, evenly spaced in z, in the volume's greys."""
    image: Any = zarr.open_group(volume, mode="r")
    described = image.attrs["ome"]
    levels = [image[dataset["path"]] for dataset in described["multiscales"][0]["datasets"]]
    level = next((level for level in levels if level.shape[-1] <= WIDTH), levels[-1])
    window = described["omero"]["channels"][0]["window"]
    depth, height, width = level.shape[2:]
    page = np.zeros((ROWS * height, COLUMNS * width), np.uint8)
    for place, z in enumerate(np.linspace(0, depth - 1, ROWS * COLUMNS).round().astype(int)):
        row, column = divmod(place, COLUMNS)
        grey = (level[-1, 0, z] - window["start"]) / (window["end"] - window["start"])
        page[row * height : (row + 1) * height, column * width : (column + 1) * width] = np.clip(255 * grey, 0, 255)
    stream = io.BytesIO()
    Image.fromarray(page).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def main(folder: Path) -> None:
    """Write the sheets, each whole or not at all."""
    note = json.load(sys.stdin)
    folder.mkdir(parents=True, exist_ok=True)
    for scan in note["scans"]:
        if scan["state"] == "done" and scan["volume"]:
            partial = folder / f".{scan['name']}.partial"
            partial.write_bytes(sheet(Path(note["folder"], scan["volume"])))
            partial.replace(folder / f"{scan['name']}.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
