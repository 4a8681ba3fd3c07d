"""One log file for each job, and one line for a user's mistake."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tomodenoise.errors import UserError

logger = logging.getLogger("tomodenoise")


@contextmanager
def to(path: Path | str) -> Iterator[None]:
    """Send log lines to a file, and end the process with status 1 and one line after a `UserError`."""
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except UserError as mistake:
        logger.error("%s", mistake)
        sys.exit(f"tomodenoise: {mistake}")
    except Exception:
        logger.exception("this is a bug of tomodenoise, not a mistake of yours: please report it with this log")
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()
