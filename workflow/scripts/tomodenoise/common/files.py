"""Write files that are whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to in the same folder, which takes the place of ``path`` once the block has ended.

    Missing folders are made. If the block raises, or the process is killed, ``path`` is as it was, and what was written
    stays as ``*.partial``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)
