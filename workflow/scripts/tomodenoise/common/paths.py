"""Check of paths given by a user: they exist and are readable."""

from pathlib import Path

from tomodenoise.common.errors import UserError

FORBIDDEN = "is not readable by you: ask its owner for read permission"


def check(path: Path, missing: str) -> None:
    """Check that there is something at a path.

    Parameters
    ----------
    path : of a file or folder.
    missing : message if nothing is there, with the fix.

    Raises
    ------
    UserError
        If nothing is there, a link is broken, or a folder in the path is not accessible to this user.
    """
    try:
        path.stat()
    except PermissionError as error:
        raise UserError(f"{path} {FORBIDDEN}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is a broken link: repair it" if _is_link(path) else missing) from error


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # a name that is too long
        return False
