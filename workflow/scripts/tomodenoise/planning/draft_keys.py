"""Keys of a drafted scan that follow from the files around it: patterns of TIFF files, and files of flats and darks."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tomodenoise.common.errors import UserError
from tomodenoise.scans import angles, file_names, tiff

WORDS = {
    "darks": re.compile(r"dark|bias|offset|(^|[_-])d[fc]([_-]|$)", re.IGNORECASE),
    "flats": re.compile(r"flat|white|bright|open|gain|(^|[_-])(ff|ref|brightfield|i0|ob)([_-]|$)", re.IGNORECASE),
}
LISTS = (".txt", ".dat", ".csv")  # of angles
REDUCED = (".h5", ".hdf5")  # of tomoscan


def of_images(place: Path) -> dict[str, object] | None:
    """Return the keys of a folder of TIFF files, or of a TIFF file; None for anything else.

    Names decide what holds flats and darks. Without a text file with one number for each projection, `angles` is an
    example.
    """
    if place.is_dir():
        files = tiff.within(place)
    elif tiff.is_tiff(place):
        files = [place]
    else:
        return None
    kinds: dict[str, dict[str, list[Path]]] = {"projections": {}, "flats": {}, "darks": {}}
    for file in files:
        kinds[_kind(file.stem)].setdefault(re.sub(r"\d+", "*", file.name), []).append(file)
    if not kinds["projections"]:
        return None
    named = {kind: _names(place, groups) for kind, groups in kinds.items() if groups}
    keys: dict[str, object] = {"file": named.pop("projections")}
    keys["angles"] = _angles(place if place.is_dir() else place.parent, keys["file"])
    return keys | {kind: {"file": names} for kind, names in named.items()}


def reduced(file: Path) -> Mapping[str, dict[str, str]]:
    """Return the keys `flats` and `darks` for files of reduced frames next to a scan, or in a folder `references`."""
    folders = (file.parent, file.parent / "references", file.parent.parent / "references")
    found = {}
    for kind in ("flats", "darks"):
        places = (folder / f"{file.stem}_{kind}{suffix}" for folder in folders for suffix in REDUCED)
        if (place := next((place for place in places if place.is_file()), None)) is not None:
            found[kind] = {"file": str(place)}
    return found


def _kind(stem: str) -> str:
    return next((kind for kind, words in WORDS.items() if words.search(stem)), "projections")


def _names(place: Path, groups: Mapping[str, list[Path]]) -> str | list[str]:
    """Return a pattern for each group of files whose names differ in numbers only; the path of a single file."""
    names = [str(files[0]) if len(files) == 1 else str(place / pattern) for pattern, files in sorted(groups.items())]
    return names[0] if len(names) == 1 else names


def _angles(folder: Path, given: object) -> object:
    """Return the text file in a folder with one number for each projection, or an example of angles."""
    try:
        files = file_names.expand(given if isinstance(given, str) else [str(name) for name in given])  # type: ignore[attr-defined]
        count = sum(len(tiff.layout(file).offsets) for file in files)
    except UserError:
        return {"first": 0, "last": 180}
    fitting = next(_fitting(folder, count), None)
    return {"first": 0, "last": round(180 * (count - 1) / count, 6)} if fitting is None else str(fitting)


def _fitting(folder: Path, count: int) -> Iterator[Path]:
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in LISTS:
            try:
                angles.read(str(file), None, count, "")
            except UserError:
                continue
            yield file
