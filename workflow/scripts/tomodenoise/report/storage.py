"""What the products of a scan take of the disk."""

from collections.abc import Mapping
from dataclasses import dataclass

from tomodenoise.common import formatting
from tomodenoise.common.disk_usage import Use


@dataclass(frozen=True)
class Storage:
    """A table and a note on it."""

    rows: list[tuple[str, int, str]]
    """Product, files, size; the last is the sum."""
    deleted: list[str]
    """Intermediates without their pixels."""


INTERMEDIATE = ("projections", "sections")


def storage(uses: Mapping[str, Use]) -> Storage | None:
    """Lay out what `disk.products` measured; None where nothing was."""
    if not uses:
        return None
    total = sum(uses.values(), start=Use(0, 0))
    rows = [(name, use.files, formatting.size(use.size)) for name, use in {**uses, "all": total}.items()]
    # One file, the description of the array, is what `intermediates: delete` leaves.
    return Storage(rows, [name for name in INTERMEDIATE if name in uses and uses[name].files == 1])
