"""Disk usage of products, from the names and sizes of files alone."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PRODUCTS = {
    "projections": ("projections.zarr",),
    "sections": ("sections.zarr",),
    "denoised volume": ("denoised.ome.zarr",),
    "uncertainty": ("uncertainty.ome.zarr",),
    "exports": ("reconstruction.ome.zarr", "*.h5", "*.ozx", "*_tiff*"),
    "figures and records": ("*",),
}
"""Displayed name to patterns of entries of `results/NAME`; an entry belongs to the first that matches."""


@dataclass(frozen=True)
class Use:
    """Disk usage of a product."""

    files: int
    size: int
    """Bytes."""

    def __add__(self, other: "Use") -> "Use":
        return Use(self.files + other.files, self.size + other.size)


NONE = Use(0, 0)


def usage(folder: Path) -> dict[str, Use]:
    """Return the usage of each entry of a folder by name, the largest first."""
    uses = {entry.name: _of(entry) for entry in os.scandir(folder)}
    return dict(sorted(uses.items(), key=lambda item: -item[1].size))


def of(path: Path) -> Use:
    """Return the usage of a file, or of all files in a folder; zero if it does not exist."""
    if path.is_dir():
        return _total(usage(path).values())
    return Use(1, path.stat().st_size) if path.is_file() else NONE


def products(folder: Path, model: Path, raw: Iterable[Path]) -> dict[str, Use]:
    """Return the usage of the products of a scan.

    Parameters
    ----------
    folder : `results/NAME`.
    model : file of its model, or the folder that training wrote.
    raw : raw files of the scan; missing ones count as 0.

    Returns
    -------
    Usage by displayed name, in the order in which products are made; those without files are left out.
    """
    left = usage(folder)
    uses = {"raw file": _total(map(of, raw))}
    for name, patterns in PRODUCTS.items():
        matching = [entry for entry in left if any(Path(entry).match(pattern) for pattern in patterns)]
        uses[name] = _total([left.pop(entry) for entry in matching])
    uses["model"] = of(model)
    return {name: use for name, use in uses.items() if use.files}


def _of(entry: os.DirEntry[str]) -> Use:
    if entry.is_dir(follow_symlinks=False):
        return _total(map(_of, os.scandir(entry.path)))
    return Use(1, entry.stat(follow_symlinks=False).st_size)


def _total(uses: Iterable[Use]) -> Use:
    return sum(uses, start=NONE)
