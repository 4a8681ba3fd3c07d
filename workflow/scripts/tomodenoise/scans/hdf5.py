"""Robust access to HDF5 files from beamlines: broken links, attributes of any type, damaged files."""

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

NO_HDF5 = "not an HDF5 file: is it the right one, and complete?"
# Exceptions that h5py raises over inconsistent bytes of a file
FAILURES = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, without a lock, as raw data may be on a read-only or network file system.

    Raises
    ------
    UserError
        If the file cannot be opened, or h5py fails to read it within the block. Other exceptions in the block are bugs
        of this program and propagate.
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
            f"{file} cannot be opened: {_line(error)}: wait until it is completely written, or copy it again"
        ) from error
    with handle:
        try:
            yield handle
        except FAILURES as error:
            if not is_of_h5py(error):
                raise
            cause = f"the file or the disk is damaged: {_line(error)}: copy the file again"
            if isinstance(error, MemoryError):
                cause = (
                    "there is not enough memory: free some; a small file that needs this much is damaged: copy it again"
                )
            raise UserError(f"{file} cannot be read: {cause}") from error


def is_of_h5py(error: Exception) -> bool:
    """Return whether h5py raised an error over the bytes of a file, as opposed to a bug of this program.

    The innermost stack frame decides, ignoring numpy, which both call. A path that does not exist is not damage:
    opening one without a check is a bug.
    """
    trace = error.__traceback__
    module = ""
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).split(".", 1)[0]
        module = module if package == "numpy" else package
        trace = trace.tb_next
    return module == "h5py" and not (isinstance(error, KeyError) and "doesn't exist" in str(error))


def dataset(root: h5py.Group, path: str) -> h5py.Dataset | None:
    """Open the dataset at ``path``; return None if there is none.

    Raises
    ------
    UserError
        If a link on the path is broken.
    """
    name = f"{root.file.filename}: {root.name.rstrip('/')}/{path.lstrip('/')}"
    try:
        node = root.get(path) if path in root else None
    except RuntimeError as error:
        raise UserError(f"{name} is a circular link: repair it") from error
    if isinstance(node, h5py.Dataset):
        _check_type(node)
        return node
    if target := links.missing_target(root, path):
        raise UserError(f"{name} links to {target}")
    return None


def child(group: h5py.Group, path: str) -> h5py.HLObject | None:
    """Open the object at ``path``; return None if there is none or a link on the path is broken."""
    try:
        return group.get(path) if path in group else None
    except RuntimeError as error:
        if "too many links" not in str(error):
            raise
        return None


def datasets(file: h5py.File) -> list[h5py.Dataset]:
    """Return all datasets of a file; links to other files are not followed."""
    nodes: list[h5py.HLObject] = []
    file.visititems(lambda _, node: nodes.append(node))
    return [node for node in nodes if isinstance(node, h5py.Dataset)]


def candidates(file: h5py.File, most: int) -> str:
    """List some datasets with two to ``most`` axes, which the user may have meant."""
    names = [f"{data.name} {data.shape}" for data in datasets(file) if 2 <= data.ndim <= most]
    return f"candidates are {', '.join(names[:5])}" if names else f"no dataset has 2 to {most} axes"


def has_numbers(data: h5py.Dataset) -> bool:
    """Return whether a dataset holds real numbers."""
    try:
        return data.dtype.kind in "iuf"
    except TypeError:  # raised by h5py for inconsistent types
        return False


def text(node: h5py.HLObject, *names: str) -> str:
    """Return the first of the named attributes that exists, as text; empty if there is none."""
    name = next((name for name in names if name in node.attrs), None)
    return "" if name is None else as_text(node.attrs[name])


def as_text(value: Any) -> str:  # noqa: ANN401 - any value that h5py returns
    """Convert a value, or the first of several, to text. Bytes that are not UTF-8 are decoded as Latin-1."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else ""
    if isinstance(value, str):
        value = value.encode(errors="surrogateescape")  # h5py's encoding of bytes that are not UTF-8
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def frame_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes (frame, row, column) of a stack that may have further axes of length one.

    Axes of length one are dropped until three axes are left: the first, then the last, then one in between. More or
    fewer than three axes are returned if the shape does not fit.
    """
    axes = list(range(len(shape)))
    while len(axes) > 3:
        order = [0, len(axes) - 1, *range(1, len(axes) - 1)]
        single = next((index for index in order if shape[axes[index]] == 1), None)
        if single is None:
            break
        del axes[single]
    return tuple(axes)


def check_filters(data: h5py.Dataset) -> None:
    """Refuse a dataset that is compressed with a filter that is not installed."""
    properties = data.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            raise UserError(
                f"{data.file.filename}: {data.name} is compressed with HDF5 filter {code}"
                f" ({name.decode(errors='replace') or 'unnamed'}), which is not installed: set HDF5_PLUGIN_PATH to the"
                " folder of its plugin"
            )


def _check_file(file: Path) -> None:
    paths.check(file, f"{file}: no such file: correct the scan's 'file'")
    if file.is_dir():
        raise UserError(f"{file} is a folder: give the path of the HDF5 file in it")
    if not file.is_file():  # reading a pipe would block
        raise UserError(f"{file} is {NO_HDF5}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _is_hdf5(file: Path) -> bool:
    try:
        return bool(h5py.is_hdf5(file))
    except OSError:
        return False


def _check_type(data: h5py.Dataset) -> None:
    try:
        _ = data.dtype
    except TypeError as error:
        raise UserError(f"{data.file.filename}: {data.name} cannot be read: {error}: copy the file again") from error
