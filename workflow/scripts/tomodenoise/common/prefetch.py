"""Prefetching: a thread prepares the next piece while the job works on the current one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield ``items`` in order while a thread makes the next one.

    At most two items exist at a time. Exceptions of the iterator are raised in the consumer.
    """
    source = iter(items)
    end = object()
    with ThreadPoolExecutor(1, "ahead") as thread:
        upcoming = thread.submit(next, source, end)
        while (item := upcoming.result()) is not end:
            upcoming = thread.submit(next, source, end)
            yield item  # type: ignore[misc]
