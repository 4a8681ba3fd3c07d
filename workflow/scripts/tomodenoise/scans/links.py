"""Files that an HDF5 file refers to: where HDF5 looks for them, and which links are broken."""

import os
from collections.abc import Iterator
from pathlib import Path

import h5py

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError

EXTERNAL_LINK = "HDF5_EXT_PREFIX"
VIRTUAL = "HDF5_VDS_PREFIX"
ORIGIN = "${ORIGIN}"  # start of a prefix that stands for the folder of the referring file


def home_of(data: h5py.Dataset) -> Path:
    """Return the path of the file that holds a dataset, without the h5py.File object that ``data.file`` creates."""
    return Path(os.fsdecode(h5py.h5f.get_name(data.id)))


def places(home: Path, name: str, variable: str) -> Iterator[Path]:
    """Yield the paths at which HDF5 looks for another file, in its order.

    Parameters
    ----------
    home : the referring file, under the path by which it was opened.
    name : the other file, as written in the referring one.
    variable : environment variable that lists folders: `EXTERNAL_LINK` or `VIRTUAL`.

    Notes
    -----
    The order is documented for H5Pset_virtual_prefix and H5Pset_elink_prefix; HDF5 2.0 adds the working directory and
    the folder of the real file. The tests compare each path with the file that HDF5 opens.
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


def as_given(target: Path, file: Path) -> Path:
    """Return the path of a linked file, relative if that of the main file is; HDF5 makes it absolute."""
    home = Path.cwd() / file.parent
    if target.is_relative_to(home):
        return file.parent / target.relative_to(home)
    return target


def located(home: Path, name: str, variable: str) -> Path | None:
    """Return the first of the `places` that exists, or None; refuse a folder without access."""
    forbidden = None
    for path in places(home, name, variable):
        try:
            path.stat()
        except PermissionError:
            forbidden = forbidden or path
        except (OSError, ValueError):
            continue
        else:
            return path
    if forbidden:
        raise UserError(f"{forbidden} {paths.FORBIDDEN}")
    return None


def missing_target(group: h5py.Group, path: str) -> str | None:
    """Describe the target of the first broken link on a path; return None if no link is broken."""
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
            return "an object that cannot be opened: the file is damaged, copy it again"
        return _missing_file(Path(node.file.filename), link)
    return None


def passed(group: h5py.Group, path: str) -> list[Path]:
    """Return the files that the external links on a path lead through, up to the one that holds the object.

    The path must exist. The result is empty if it stays within one file.
    """
    node = group.file if path.startswith("/") else group
    files: list[Path] = []
    for name in filter(None, path.split("/")):
        link = node.get(name, getlink=True)
        child = node.get(name)
        if isinstance(link, h5py.SoftLink):
            files += passed(node, link.path)
        elif isinstance(link, h5py.ExternalLink):
            file = located(Path(node.file.filename), link.filename, EXTERNAL_LINK)
            if file is not None:
                with h5py.File(file, "r", locking=False) as opened:
                    files += [file, *passed(opened, link.path)]
            files.append(Path(child.file.filename))
        node = child
    return files


def _missing_file(home: Path, link: h5py.ExternalLink) -> str:
    target = located(home, link.filename, EXTERNAL_LINK)
    if target is None:
        return f"{home.parent / link.filename}, which is missing: copy that file there"
    try:
        target.open("rb").close()  # HDF5 reports an unreadable file as a missing object
    except PermissionError as error:
        raise UserError(f"{target} {paths.FORBIDDEN}") from error
    return f"{link.path} in {target}, which does not exist: is that file complete?"
