"""A shard in the making: threads encode its chunks, and one thread appends them to the file in the order they came.

A shard is whole or absent, and is never in memory as a whole.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tomodenoise.common import files
from tomodenoise.common.arrays import FloatArray
from tomodenoise.storage import shard_format
from tomodenoise.storage.shard_format import Bytes, Form, Shape


@dataclass(frozen=True)
class Writer:
    """Takes the chunks of a shard."""

    form: Form
    file: BinaryIO
    encoders: ThreadPoolExecutor
    appender: ThreadPoolExecutor
    waiting: int
    """Largest number of chunks that are not yet in the file."""
    places: dict[Shape, tuple[int, int]] = field(default_factory=dict)
    """Offset and length of the chunks in the file."""
    pending: "deque[Future[None]]" = field(default_factory=deque)
    layers: dict[Shape, tuple[int, list[FloatArray]]] = field(default_factory=dict)
    """Number of whole layers of chunks by their lead, and the rows of the next one."""

    def put(self, index: Shape, data: FloatArray | Sequence[FloatArray]) -> None:
        """Take a chunk, which must not change later; wait if many are under way.

        Parameters
        ----------
        index : of the chunk in the shard.
        data : float32, the chunk or a list of its rows (y, x), cut at the array's end.

        Raises
        ------
        OSError
            If an earlier chunk could not be written.
        """
        while len(self.pending) >= self.waiting:
            self.pending.popleft().result()
        encoded = self.encoders.submit(self.form.encode, data)
        self.pending.append(self.appender.submit(self._append, index, encoded))

    def add_row(self, lead: Shape, row: FloatArray) -> None:
        """Take the next row (y, x), which must not change later; a layer of chunks is put once it has all its rows.

        Parameters
        ----------
        lead : position in the shard along the axes before the rows, of which a chunk has one entry.
        """
        layer, rows = self.layers.get(lead, (0, []))
        rows.append(row)
        self.layers[lead] = (layer, rows)
        if len(rows) == self.form.chunk[-3]:
            self._put_layer(lead, layer, rows)

    def _put_layer(self, lead: Shape, layer: int, rows: list[FloatArray]) -> None:
        for (y, x), (ys, xs) in shard_format.parts(self.form.chunk[-2:], rows[0].shape):
            self.put((*lead, layer, y, x), [row[ys, xs] for row in rows])
        self.layers[lead] = (layer + 1, [])

    def finish(self) -> None:
        """Put the last rows, wait for all chunks and append the index."""
        for lead, (layer, rows) in self.layers.items():
            if rows:
                self._put_layer(lead, layer, rows)
        while self.pending:
            self.pending.popleft().result()
        self.file.write(shard_format.index_bytes(self.form, self.places))

    def _append(self, index: Shape, encoded: "Future[tuple[Bytes, bytes]]") -> None:
        content, checksum = encoded.result()
        self.places[index] = (self.file.tell(), content.nbytes + len(checksum))
        self.file.write(content.data)
        self.file.write(checksum)


@contextmanager
def writing(path: Path, form: Form, threads: int) -> Iterator[Writer]:
    """Give a writer of a shard, which appears at ``path`` when the block has ended, unless it raises."""
    with files.replacing(path) as partial:
        try:
            with (
                partial.open("wb") as file,
                ThreadPoolExecutor(1, "append") as appender,
                ThreadPoolExecutor(threads, "encode") as encoders,
            ):
                writer = Writer(form, file, encoders, appender, 2 * threads + 2)
                yield writer
                writer.finish()
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
