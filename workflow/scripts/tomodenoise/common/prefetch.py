"""Let one stage of a job prepare the next piece while another works on this one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield ``items`` in order, the next one being made in a thread of its own meanwhile.

    At most two items wait or are worked on here. What their maker raises is raised where they are asked for.
    """
    maker, end = iter(items), object()
    with ThreadPoolExecutor(1, "ahead") as thread:
        upcoming = thread.submit(next, maker, end)
        while (item := upcoming.result()) is not end:
            upcoming = thread.submit(next, maker, end)
            yield item  # type: ignore[misc]
