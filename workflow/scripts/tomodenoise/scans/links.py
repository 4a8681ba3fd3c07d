"""Other files that an HDF5 file refers to: where HDF5 looks for them, and which link leads nowhere."""

import os
from collections.abc import Iterator
from pathlib import Path

import h5py

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError

EXTERNAL_LINK = "HDF5_EXT_PREFIX"
VIRTUAL = "HDF5_VDS_PREFIX"
ORIGIN = "${ORIGIN}"
"""At the start of a prefix: the folder of the file that refers."""


def home_of(found: h5py.Dataset) -> Path:
    """Path of the file that a dataset lies in; of its attribute `file` h5py makes an object each time."""
    return Path(os.fsdecode(h5py.h5f.get_name(found.id)))


def places(home: Path, name: str, variable: str) -> Iterator[Path]:
    """Paths at which HDF5 looks for another file, in its order.

    Parameters
    ----------
    home : the file that refers to it, as it was opened.
    name : as it stands in that file.
    variable : of the environment, with folders to look in: `EXTERNAL_LINK` or `VIRTUAL`.

    Notes
    -----
    As documented for H5Pset_virtual_prefix and H5Pset_elink_prefix, with the working directory and the folder of the
    real file as HDF5 2.0 adds them; tests compare each place with what HDF5 opens.
    """
    if Path(name).is_absolute():
        yield Path(name)
        name = os.path.basename(name)  # noqa: PTH119 - a Path would drop a trailing slash
    given_prefix = os.environ.get(variable, "")
    yield from (Path(prefix, name) for prefix in given_prefix.split(":") if prefix)
    if variable == VIRTUAL and given_prefix.startswith(ORIGIN):
        yield Path(f"{home.absolute().parent}{given_prefix.removeprefix(ORIGIN)}", name)
    yield home.parent / name
    yield Path(name)
    yield home.resolve().parent / name


def located(home: Path, name: str, variable: str) -> Path | None:
    """First of the `places` where something is; None where nothing is.

    Raises
    ------
    UserError
        If nothing is found, but a folder is closed to this user.
    """
    closed = None
    for place in places(home, name, variable):
        try:
            place.stat()
        except PermissionError:
            closed = closed or place
        except (OSError, ValueError):
            continue
        else:
            return place
    if closed:
        raise UserError(f"{closed} {paths.FORBIDDEN}")
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
            return "what cannot be opened: the file is damaged, copy it again"
        return _missing_file(Path(node.file.filename), link)
    return None


def passed(group: h5py.Group, path: str) -> list[Path]:
    """Files that the links on a path lead through, with that of the object at its end; none where all is in one file.

    The path must exist.
    """
    node, files = (group.file if path.startswith("/") else group), []
    for name in filter(None, path.split("/")):
        link, child = node.get(name, getlink=True), node.get(name)
        if isinstance(link, h5py.SoftLink):
            files += passed(node, link.path)
        elif isinstance(link, h5py.ExternalLink):
            files += _through(Path(node.file.filename), link)
            files.append(Path(child.file.filename))
        node = child
    return files


def _through(home: Path, link: h5py.ExternalLink) -> list[Path]:
    file = located(home, link.filename, EXTERNAL_LINK)
    if file is None:
        return []
    with h5py.File(file, "r", locking=False) as opened:
        return [file, *passed(opened, link.path)]


def _missing_file(home: Path, link: h5py.ExternalLink) -> str:
    target = located(home, link.filename, EXTERNAL_LINK)
    if target is None:
        return f"{home.parent / link.filename}, which is missing: copy that file there"
    try:
        target.open("rb").close()  # HDF5 does not tell a file that may not be read from one that lacks the object
    except PermissionError as error:
        raise UserError(f"{target} {paths.FORBIDDEN}") from error
    return f"{target}, which holds no {link.path}: is that file complete?"
