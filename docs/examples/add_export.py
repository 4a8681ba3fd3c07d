"""An export in one module: the volume as a NumPy file, which `numpy.load(..., mmap_mode="r")` opens in place."""

from pathlib import Path

import numpy as np

from tomodenoise.common import files
from tomodenoise.exports.registry import Export
from tomodenoise.storage import ome_zarr


def write(folder: Path, path: Path) -> None:
    """Write the full resolution of an OME-Zarr image, (t, c, z, y, x) float32; rows stream through."""
    image = ome_zarr.read(folder)
    with files.replacing(path) as partial:
        volume = np.lib.format.open_memmap(partial, "w+", np.float32, image.shape)
        for time, channel, rows, values in ome_zarr.blocks(image, 0, image.shape[2]):
            volume[time, channel, rows] = values
        volume.flush()


# The entry for `EXPORTS` in exports/registry.py. Once the module lies next to it as npy.py,
# "add_export:write" becomes "tomodenoise.exports.npy:write".
ENTRY = {"npy": Export("{volume}.npy", "add_export:write", slices=16)}
