"""What products take of the disk: names and sizes of files are looked at, no content is read."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PRODUCTS = {
    "projections": ("projections.zarr",),
    "sections": ("sections.zarr",),
    "denoised volume": ("denoised.ome.zarr",),
    "exports": ("reconstruction.ome.zarr", "*.h5", "*.ozx", "*_tiff*"),
    "figures and records": ("*",),
}
"""Name for a person to patterns of the entries of `results/NAME`; what fits several belongs to the first."""


@dataclass(frozen=True)
class Use:
    """What a product takes."""

    files: int
    size: int
    """Bytes."""

    def __add__(self, other: "Use") -> "Use":
        return Use(self.files + other.files, self.size + other.size)


NONE = Use(0, 0)


def usage(folder: Path) -> dict[str, Use]:
    """Measure each entry of a folder; name to use, the largest first."""
    found = {entry.name: _of(entry) for entry in os.scandir(folder)}
    return dict(sorted(found.items(), key=lambda item: -item[1].size))


def of(path: Path) -> Use:
    """Measure a file, or all files within a folder; what does not exist takes nothing."""
    if path.is_dir():
        return _total(usage(path).values())
    return Use(1, path.stat().st_size) if path.is_file() else NONE


def products(folder: Path, model: Path, raw: Iterable[Path]) -> dict[str, Use]:
    """Measure the products of a scan.

    Parameters
    ----------
    folder : `results/NAME`.
    model : file of its model, or the folder that training wrote it to.
    raw : files that the scan is read from; one that is gone takes nothing.

    Returns
    -------
    Name to use in the order in which they are made. What has no file is left out.
    """
    left, found = usage(folder), {"raw file": _total(map(of, raw))}
    for name, patterns in PRODUCTS.items():
        mine = [entry for entry in left if any(Path(entry).match(pattern) for pattern in patterns)]
        found[name] = _total([left.pop(entry) for entry in mine])
    found["model"] = of(model)
    return {name: use for name, use in found.items() if use.files}


def _of(entry: os.DirEntry[str]) -> Use:
    if entry.is_dir(follow_symlinks=False):
        return _total(map(_of, os.scandir(entry.path)))
    return Use(1, entry.stat(follow_symlinks=False).st_size)


def _total(uses: Iterable[Use]) -> Use:
    return sum(uses, start=NONE)
