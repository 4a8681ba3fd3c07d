"""Paths that a user gave: something is there, and it may be looked at."""

from pathlib import Path

from tomodenoise.common.errors import UserError

FORBIDDEN = "is not yours to read: ask its owner for the right to"


def check(path: Path, missing: str) -> None:
    """Refuse a path at which nothing can be found.

    Parameters
    ----------
    path : of a file or folder.
    missing : what to say where nothing is, with the mend.

    Raises
    ------
    UserError
        If nothing is there, a link leads nowhere, or a folder on the way is closed to this user.
    """
    try:
        path.stat()
    except PermissionError as error:
        raise UserError(f"{path} {FORBIDDEN}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} leads to no file: repair the link" if _is_link(path) else missing) from error


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # a name that is too long
        return False
