"""The kinds of exports by name. To add one that is a single file, write its module and its entry in `EXPORTS`."""

from dataclasses import dataclass

from tomodenoise.storage.grid import CHUNK


@dataclass(frozen=True)
class Export:
    """A format of other programs, or another volume, selected by `export` in the configuration."""

    file: str
    """The file that completes it, in the folder of a scan; `{volume}` is denoised or reconstruction."""
    write: str | None = None
    """Import path of its function, ``package.module:function``.

    It takes the folder of an OME-Zarr image and the path of the file to write. None for a kind with rules of its own.
    """
    slices: int = 0
    """Slices that its job holds in memory, as float32."""
    share: float = 1.0
    """Bytes written per byte of the volume."""
    by_slab: bool = False
    """Whether each slab of the volume has a job of its own."""

    @property
    def suffix(self) -> str:
        """Ending of the name of the file."""
        return self.file.rpartition(".")[2]


EXPORTS: dict[str, Export] = {
    "tiff": Export("{volume}_tiff/volume.json", by_slab=True),
    "tiff16": Export("{volume}_tiff16/volume.json", by_slab=True, share=0.5),
    "tiff8": Export("{volume}_tiff8/volume.json", by_slab=True, share=0.25),
    "hdf5": Export("{volume}.h5", "tomodenoise.exports.hdf5:write", slices=4 * CHUNK[0]),
    "ozx": Export("{volume}.ozx", "tomodenoise.exports.ozx:write"),
    "reconstruction": Export("reconstruction.ome.zarr/zarr.json"),
}


def single_files() -> dict[str, Export]:
    """Kinds that one job writes to one file, by the ending of its name."""
    return {record.suffix: record for record in EXPORTS.values() if record.write}
