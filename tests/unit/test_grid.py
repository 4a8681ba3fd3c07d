"""Slabs cover, halos reach, tiles lie on the pooling grid."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.geometry import field_of_view
from tomodenoise.storage import grid
from tomodenoise.storage.layout import Layout


@given(depth=st.integers(1, 5000), rows=st.integers(1, 300))
def test_slabs_cover_every_row_once(depth: int, rows: int) -> None:
    slabs = grid.slabs(depth, rows)
    assert [row for slab in slabs for row in range(slab.start, slab.stop)] == list(range(depth))
    assert all(slab.start == number * rows for number, slab in enumerate(slabs))


@given(depth=st.integers(1, 500), rows=st.integers(1, 70), data=st.data())
def test_covering_names_exactly_the_slabs_that_hold_the_rows(depth: int, rows: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, depth - 1))
    stop = data.draw(st.integers(start + 1, depth))
    expected = [n for n, slab in enumerate(grid.slabs(depth, rows)) if slab.start < stop and slab.stop > start]
    assert list(grid.covering(start, stop, rows)) == expected


@given(row_bytes=st.integers(1, 2**34), depth=st.integers(1, 5000))
def test_a_slab_is_a_power_of_two_that_fits_a_shard(row_bytes: int, depth: int) -> None:
    rows = grid.rows_per_slab(row_bytes, depth)
    assert rows & (rows - 1) == 0
    assert rows == 1 or rows * row_bytes <= grid.SHARD_BYTES
    assert rows < 2 * depth


@given(
    shape=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    size=st.integers(1, 220),
    halo=st.integers(0, 60),
    multiple=st.sampled_from([1, 2, 8, 16]),
)
def test_tiles_cover_the_image_once_and_their_windows_lie_on_one_grid(
    shape: tuple[int, int], size: int, halo: int, multiple: int
) -> None:
    seen = np.zeros(shape, dtype=int)
    for tile in grid.tiles(shape, size, halo, multiple):
        (y0, y1), (x0, x1) = tile.core
        seen[y0:y1, x0:x1] += 1
        for (a, b), (start, stop) in zip(tile.core, tile.window, strict=True):
            assert start % multiple == stop % multiple == 0
            assert start <= a - halo
            assert stop >= b + halo
    assert (seen == 1).all()


def test_clipped_windows_end_with_the_image() -> None:
    (first, last) = grid.tiles((10, 4), 5, 3, 1, clipped=True)
    assert first.window == ((0, 8), (0, 4))
    assert last.window == ((2, 10), (0, 4))


@st.composite
def coverings(draw: st.DrawFn) -> tuple[int, int, int]:
    length, edge = draw(st.integers(1, 300)), draw(st.integers(1, 100))
    return length, edge, draw(st.integers(0, edge - 1))


@given(coverings())
def test_pieces_are_a_partition_of_unity_up_to_both_ends(covering: tuple[int, int, int]) -> None:
    length, edge, _ = covering
    total = np.zeros(length)
    for piece in grid.overlapping(*covering):
        assert piece.stop - piece.start == len(piece.weights) == min(edge, length)
        assert (piece.weights > 0).all()
        total[piece.start : piece.stop] += piece.weights
    np.testing.assert_allclose(total, 1, rtol=0, atol=3e-7)


@given(coverings(), st.data())
def test_a_slab_is_blended_from_the_pieces_that_touch_it_alone(
    covering: tuple[int, int, int], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, covering[0] - 1))
    stop = data.draw(st.integers(start + 1, covering[0]))
    pieces = grid.overlapping(*covering)
    touching = grid.touching(pieces, start, stop)
    total = np.zeros(covering[0])
    for piece in touching:
        total[piece.start : piece.stop] += piece.weights
    np.testing.assert_allclose(total[start:stop], 1, rtol=0, atol=3e-7)
    assert pieces[0].start == 0
    assert pieces[-1].stop == covering[0]
    assert touching[-1].stop - touching[0].start < (stop - start) + 2 * covering[1]


def test_beyond_the_edge_its_pixel_is_repeated() -> None:
    assert grid.repeated_edge(-2, 5, 3).tolist() == [0, 0, 0, 1, 2, 2, 2]


@given(shape=st.tuples(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 4000)))
def test_a_pyramid_halves_until_a_slice_is_small(shape: tuple[int, int, int]) -> None:
    levels = grid.pyramid(shape)
    assert levels[0] == shape
    assert max(levels[-1][1:]) <= 256
    assert all(max(level[1:]) > 256 for level in levels[:-1])
    for finer, coarser in itertools.pairwise(levels):
        assert coarser == tuple((n + 1) // 2 for n in finer)


def test_the_field_of_view_ends_at_the_nearer_edge() -> None:
    assert field_of_view.radius(640, 295.5) == 295.5
    assert field_of_view.radius(640, 400) == 239
    mask = field_of_view.mask(9, 3)
    assert mask[4].tolist() == [False, *[True] * 7, False]
    assert mask.sum() == 29


def test_a_large_scan_is_a_few_hundred_jobs() -> None:
    layout = Layout(angles=2048, depth=2048, columns=2048, size=2048, stored=4, slab_bytes=2**30)
    assert layout.rows == 16
    assert layout.projection_rows == 64
    assert layout.image_rows == 128
    jobs = len(layout.projection_slabs) + len(layout.slabs)
    jobs += sum(len(layout.image_slabs(level)) for level in range(len(layout.levels)))
    assert 180 <= jobs <= 300


@given(
    angles=st.integers(1, 4000),
    depth=st.integers(1, 3000),
    columns=st.integers(1, 3000),
    wider=st.integers(0, 3000),
    stored=st.integers(2, 9),
    megabytes=st.integers(1, 2000),
)
def test_the_rows_of_a_slab_of_sections_lie_in_one_slab_of_projections(
    angles: int, depth: int, columns: int, wider: int, stored: int, megabytes: int
) -> None:
    layout = Layout(angles, depth, columns, columns + wider, stored, megabytes * 2**20)
    for slab in (layout.slabs[0], layout.slabs[-1]):
        around = layout.projection_slabs[slab.start // layout.projection_rows]
        assert around.start <= slab.start < slab.stop <= around.stop


@pytest.mark.parametrize("depth", [1, 2, 3, 22, 24, 100, 1023])
def test_coarser_slabs_average_whole_finer_slabs(depth: int) -> None:
    layout = Layout(angles=90, depth=depth, columns=600, size=600, stored=4, slab_bytes=2**23)
    for level in range(1, len(layout.levels)):
        finer = layout.levels[level - 1].shape[2]
        for number, slab in enumerate(layout.image_slabs(level)):
            averaged = [layout.image_slabs(level - 1)[index] for index in layout.finer_slabs(level, number)]
            assert averaged[0].start == 2 * slab.start < finer
            assert averaged[-1].stop == min(2 * slab.stop, finer)
