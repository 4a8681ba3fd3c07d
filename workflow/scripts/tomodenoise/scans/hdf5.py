"""HDF5 as beamlines write it: links that point nowhere, attributes of any type, and files that are damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  registers the compression filters of detectors
import numpy as np

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError
from tomodenoise.scans import links

NO_HDF5 = "not an HDF5 file: is it the right one, and whole?"

FAILURES = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)
"""Raised by h5py where the bytes of a file contradict each other."""


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; unlocked, as raw data may lie on a read-only or network file system.

    Raises
    ------
    UserError
        If the file cannot be opened, or h5py cannot read it within the block. Other exceptions of the block are bugs of
        this program and pass.
    """
    _check_file(file)
    try:
        handle = h5py.File(file, "r", locking=False)
    except PermissionError as error:
        raise UserError(f"{file} {paths.FORBIDDEN}") from error
    except OSError as error:
        if not _is_hdf5(file):
            raise UserError(f"{file} is {NO_HDF5}") from error
        raise UserError(
            f"{file} cannot be opened: {_line(error)}: wait until it is written, or copy it again"
        ) from error
    with handle:
        try:
            yield handle
        except FAILURES as error:
            if not is_of_h5py(error):
                raise
            raise UserError(f"{file} cannot be read, {_cause(error)}") from error


def is_of_h5py(error: Exception) -> bool:
    """Tell whether h5py raised an error over the bytes of a file, not this program over its own.

    The innermost frame decides, apart from those of numpy, which both call. A path that does not exist is no damage:
    who opens one without asking has a bug.
    """
    trace, module = error.__traceback__, ""
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).split(".", 1)[0]
        module = module if package == "numpy" else package
        trace = trace.tb_next
    return module == "h5py" and not (isinstance(error, KeyError) and "doesn't exist" in str(error))


def dataset(root: h5py.Group, path: str) -> h5py.Dataset | None:
    """Open the dataset at ``path``; None where there is none.

    Raises
    ------
    UserError
        If a link on the way points nowhere.
    """
    place = f"{root.file.filename}: {root.name.rstrip('/')}/{path.lstrip('/')}"
    try:
        found = root.get(path) if path in root else None
    except RuntimeError as error:
        raise UserError(f"{place} is a link in a circle: repair it") from error
    if isinstance(found, h5py.Dataset):
        _check_type(found)
        return found
    if target := links.missing_target(root, path):
        raise UserError(f"{place} links to {target}")
    return None


def child(group: h5py.Group, path: str) -> h5py.HLObject | None:
    """Open what is at ``path``; None where nothing is or a link on the way is broken."""
    try:
        return group.get(path) if path in group else None
    except RuntimeError as error:
        if "too many links" not in str(error):
            raise
        return None


def has_numbers(found: h5py.Dataset) -> bool:
    """Tell whether a dataset holds real numbers."""
    try:
        return found.dtype.kind in "iuf"
    except TypeError:  # what h5py makes of types that contradict themselves
        return False


def text(node: h5py.HLObject, *names: str) -> str:
    """First of the attributes that exists, as text; empty where there is none."""
    name = next((name for name in names if name in node.attrs), None)
    return "" if name is None else as_text(node.attrs[name])


def as_text(value: Any) -> str:  # noqa: ANN401 - whatever h5py makes of a value
    """Text of any value, the first where there are several. Bytes that are no UTF-8 count as Latin-1."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    if isinstance(value, str):
        value = value.encode(errors="surrogateescape")  # what h5py makes of bytes that are no UTF-8
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def frame_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of a stack (frame, row, column): all, or those that are left without axes of length one.

    Of these the first is left out, then the last, then one between, until three axes are left.
    """
    axes = list(range(len(shape)))
    while len(axes) > 3:
        order = [0, len(axes) - 1, *range(1, len(axes) - 1)]
        single = next((place for place in order if shape[axes[place]] == 1), None)
        if single is None:
            break
        del axes[single]
    return tuple(axes)


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
    paths.check(file, f"{file}: no such file: correct the scan's 'file'")
    if file.is_dir():
        raise UserError(f"{file} is a folder: name the HDF5 file in it")
    if not file.is_file():  # a pipe would keep its reader waiting
        raise UserError(f"{file} is {NO_HDF5}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _cause(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it takes more memory than there is: free some, or if it is small, it is damaged: copy it again"
    return f"it is damaged or the disk is: {_line(error)}: copy it again"


def _is_hdf5(file: Path) -> bool:
    try:
        return bool(h5py.is_hdf5(file))
    except OSError:
        return False


def _check_type(found: h5py.Dataset) -> None:
    try:
        _ = found.dtype
    except TypeError as error:
        raise UserError(f"{found.file.filename}: {found.name} cannot be read: {error}: copy the file again") from error
