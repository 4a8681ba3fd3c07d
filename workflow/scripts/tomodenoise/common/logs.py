"""One log file for each job, and one line on the console for an error of the user."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tomodenoise.common import cards
from tomodenoise.common.errors import UserError

logger = logging.getLogger("tomodenoise")

Item = TypeVar("Item")

Job: TypeAlias = Any
"""snakemake.iocontainers.Snakemake, which has no types: `input`, `output`, `params`, `threads` and `wildcards`."""


def run(main: Callable[[Job], None]) -> None:
    """Run the script of a rule on the job that Snakemake puts into it as `snakemake`, with a log file."""
    job = vars(sys.modules["__main__"])["snakemake"]
    os.environ[cards.ATTEMPT] = str(job.resources.get("attempt", 1))
    with to(job.log[0]):
        main(job)


@contextmanager
def to(path: Path | str) -> Iterator[None]:
    """Log to a file; end the process with status 1 and one line on a `UserError` or a full GPU."""
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
    except Exception as error:
        if line := cards.out_of_memory(error):
            logger.error("%s", line)
            sys.exit(f"tomodenoise: {line}")
        logger.exception("this is a bug in tomodenoise, not your mistake: please report it with this log")
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


def progress(items: Iterable[Item], count: int, what: str) -> Iterator[Item]:
    """Yield items and log the number done and the time left, at most once a minute."""
    started = logged = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if (now := time.monotonic()) - logged >= 60:
            logged = now
            left = (now - started) * (count - done) / done
            logger.info("%d of %d %s, about %.0f min left", done, count, what, left / 60)
