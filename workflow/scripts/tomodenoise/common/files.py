"""Write files that are either complete or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to in the same folder; it replaces ``path`` once the block has ended.

    Missing folders are made. If the block raises, or the process is killed, ``path`` is as it was, and what was written
    stays as ``*.partial``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)
