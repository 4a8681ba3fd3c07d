"""One log file for each job, and one line for an error of the user's."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tomodenoise.common.errors import UserError

logger = logging.getLogger("tomodenoise")

Item = TypeVar("Item")


@contextmanager
def to(path: Path | str) -> Iterator[None]:
    """Send log lines to a file, and end the process with status 1 and one line after a `UserError`."""
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except UserError as error:
        logger.error("%s", error)
        sys.exit(f"tomodenoise: {error}")
    except KeyboardInterrupt:
        logger.error("interrupted")
        raise
    except Exception:
        logger.exception("this is a bug of tomodenoise, not an error of yours: please report it with this log")
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


def progress(items: Iterable[Item], count: int, what: str, every: float = 60) -> Iterator[Item]:
    """Yield items, and log every so many seconds how many of them are done and when the others will be."""
    started = told = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if (now := time.monotonic()) - told >= every:
            told, left = now, (now - started) * (count - done) / done
            logger.info("%d of %d %s, about %.0f min left", done, count, what, left / 60)
