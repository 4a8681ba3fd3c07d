"""HDF5 as beamlines write it: links that point nowhere, attributes of any type, numbers with units."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  registers the compression filters of detectors
import numpy as np

from tomodenoise import given
from tomodenoise.arrays import FloatArray
from tomodenoise.errors import UserError

MICROMETRES = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e6),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e3),
    **dict.fromkeys(("um", "\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m", "micron", "microns"), 1.0),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-3),
}

NO_HDF5 = "not an HDF5 file: give the raw scan as 'file'"

DAMAGE = (OSError, RuntimeError, KeyError, ValueError, MemoryError)
"""What h5py raises where a file's bytes contradict each other."""


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; unlocked, as raw data may lie on a read-only or network file system."""
    _check_file(file)
    try:
        handle = h5py.File(file, "r", locking=False)
    except PermissionError as error:
        raise UserError(f"{file} {given.FORBIDDEN}") from error
    except OSError as error:
        if not _is_hdf5(file):
            raise UserError(f"{file} is {NO_HDF5}") from error
        raise UserError(
            f"{file} cannot be opened: {_line(error)}: wait until it is written, or copy it anew"
        ) from error
    with handle:
        try:
            yield handle
        except PermissionError as error:  # of a file that this one is made of
            raise UserError(f"{error.filename or file} {given.FORBIDDEN}") from error
        except DAMAGE as error:
            raise UserError(
                f"{file} cannot be read, it is damaged or the disk is: {_line(error)}: copy it anew"
            ) from error


def dataset(root: h5py.Group, path: str) -> h5py.Dataset | None:
    """Open the dataset at ``path``; None where there is none.

    Raises
    ------
    UserError
        If a link on the way points nowhere.
    """
    try:
        found = root.get(path) if path in root else None
    except RuntimeError as error:
        place = f"{root.file.filename}: {root.name.rstrip('/')}/{path}"
        raise UserError(f"{place} is a link in a circle: repair it") from error
    if isinstance(found, h5py.Dataset):
        _check_type(found)
        _check_sources(found)
        return found
    if target := missing_target(root, path):
        raise UserError(f"{root.file.filename}: {root.name.rstrip('/')}/{path} links to {target}")
    return None


def missing_target(group: h5py.Group, path: str) -> str | None:
    """Say in words what the first broken link on a path points to; None where no link is broken."""
    node = group.file if path.startswith("/") else group
    for name in filter(None, path.split("/")):
        link = node.get(name, getlink=True)
        child = None if link is None else node.get(name)
        if isinstance(child, h5py.Group):
            node = child
            continue
        if child is not None or link is None:
            return None
        if isinstance(link, h5py.SoftLink):
            return missing_target(node, link.path) or f"{link.path}, which does not exist: repair the link"
        if isinstance(link, h5py.HardLink):
            return "what cannot be opened: the file is damaged, copy it anew"
        return _missing_file(Path(node.file.filename), link)
    return None


def text(node: h5py.HLObject, *names: str) -> str:
    """First of the attributes that exists, as text; empty where there is none."""
    name = next((name for name in names if name in node.attrs), None)
    if name is None:
        return ""
    try:
        value: Any = node.attrs[name]
    except TypeError as error:  # what h5py makes of types that contradict themselves
        raise ValueError(str(error)) from error
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def radians(angles: h5py.Dataset, units: str | None = None) -> FloatArray:
    """Angles (n,) as float64 radians, by ``units`` or else their own; degrees where there are none, as layouts have it.

    Raises
    ------
    UserError
        If the angles are no list of finite numbers, or their units are of no angle.
    """
    name = f"{angles.file.filename}: {angles.name}"
    if angles.ndim != 1 or angles.dtype.kind not in "iuf":
        raise UserError(
            f"{name} has shape {angles.shape} and type {angles.dtype}, but angles are a list of numbers: write one"
        )
    values: FloatArray = np.asarray(angles[()], dtype=np.float64)
    if not np.isfinite(values).all():
        number = int(np.flatnonzero(~np.isfinite(values))[0])
        raise UserError(f"{name}: angle {number} is {values[number]}, not a finite number: repair it in the file")
    units = units or text(angles, "units", "unit").strip().lower() or "degrees"
    if units.startswith("rad"):
        return values
    if units.startswith(("deg", "°")):
        return np.asarray(np.radians(values))
    raise UserError(f"{name} has units '{units}': write degrees or radians into that attribute")


def first_length(root: h5py.Group, paths: Iterable[str]) -> float | None:
    """First of the datasets that holds a length, in micrometre; a broken link to one counts as none."""
    found = (root.get(path) for path in paths)
    lengths = (_micrometres(each) for each in found if isinstance(each, h5py.Dataset))
    return next((length for length in lengths if length is not None), None)


def sources(found: h5py.Dataset) -> list[Path]:
    """Files in which the numbers of a dataset lie: its own, or those that a virtual dataset is put together from."""
    home = Path(found.file.filename)
    if not found.is_virtual:
        return [home]
    names = {source.file_name for source in found.virtual_sources()}
    return [home, *(home.parent / name for name in sorted(names) if name != "." and "%" not in name)]


def check_filters(found: h5py.Dataset) -> None:
    """Refuse a dataset that is compressed by a filter which is not installed.

    Raises
    ------
    UserError
        With the filter's registered number.
    """
    made = found.id.get_create_plist()
    for number in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            raise UserError(
                f"{found.file.filename}: {found.name} is compressed with HDF5 filter {code}"
                f" ({name.decode(errors='replace') or 'unnamed'}), which is not installed: set HDF5_PLUGIN_PATH to the"
                " folder of its plugin"
            )


def _check_file(file: Path) -> None:
    given.check(file, f"{file}: no such file: correct the scan's 'file'")
    if file.is_dir():
        raise UserError(f"{file} is a folder: name the HDF5 file in it")
    if not file.is_file():  # a pipe would keep its reader waiting
        raise UserError(f"{file} is {NO_HDF5}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _is_hdf5(file: Path) -> bool:
    try:
        return bool(h5py.is_hdf5(file))
    except OSError:
        return False


def _micrometres(length: h5py.Dataset) -> float | None:
    """Length in micrometre; None unless it is one positive number with units of length."""
    factor = MICROMETRES.get(text(length, "units", "unit").strip().lower())
    if factor is None or length.dtype.kind not in "iuf" or length.size != 1:
        return None
    value = float(length[()].item()) * factor
    return value if np.isfinite(value) and value > 0 else None


def _check_type(found: h5py.Dataset) -> None:
    try:
        _ = found.dtype
    except TypeError as error:
        raise UserError(f"{found.file.filename}: {found.name} cannot be read: {error}: copy the file anew") from error


def _check_sources(found: h5py.Dataset) -> None:
    """Refuse a virtual dataset that lacks a source: HDF5 itself would read zeros there without a word."""
    for file in sources(found)[1:]:
        if not file.is_file() and not Path(file.name).is_file():
            raise UserError(
                f"{found.file.filename}: {found.name} is made of {file}, which is missing: copy that file there"
            )


def _missing_file(home: Path, link: h5py.ExternalLink) -> str:
    target = home.parent / link.filename
    if target.is_file():
        target.open("rb").close()  # HDF5 does not tell a file that may not be read from one that lacks the object
        return f"{target}, which holds no {link.path}: is that file complete?"
    return f"{target}, which is missing: copy that file there"
