"""Patches equal plain slicing and turning; every pixel, slice and role occurs; memory is bounded."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.networks import symmetries
from tomodenoise.networks.models import Normalisation
from tomodenoise.splitting import by_angle, time_steps
from tomodenoise.training import cutting, patches, sampling, store
from tomodenoise.training.cutting import Batch
from tomodenoise.training.patches import Draw, Field, Pairs, Shape

CPU = torch.device("cpu")
NORM = Normalisation((0.5,), (2.0,))
DEPTH, SIZE = 12, 40


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[store.Source]:
    """Make two scans of different sizes, the first with more rows than a run."""
    folder = tmp_path_factory.mktemp("scans")
    scans = [
        scans_on_disk.write(folder / "a", scans_on_disk.blobs(DEPTH, SIZE)),
        scans_on_disk.write(folder / "b", scans_on_disk.blobs(9, 33), seed=1),
    ]
    return [store.Source(scan, sampling.divide(scan, scan.visible, 0, 0.2)[0]) for scan in scans]


def turned(volume: FloatArray, turn: symmetries.Turn) -> FloatArray:
    """Turn the last axes by plain transposition and flips."""
    lead = volume.ndim - len(turn.axes)
    result = np.transpose(volume, (*range(lead), *(lead + axis for axis in turn.axes)))
    return np.flip(result, [lead + axis for axis, flip in enumerate(turn.flips) if flip])


def everything(sources: Sequence[store.Source], shape: Shape) -> store.Store:
    runs = [store.Run(number, 0, source.scan.depth) for number, source in enumerate(sources)]
    return store.load(sources, runs, shape.halo, NORM, CPU)


def cut(held: store.Store, field: Field, pairs: Pairs, shape: Shape, drawn: Draw) -> Batch:
    """Cut the patches of the first step."""
    return cutting.cut(held, field, pairs, shape, cutting.locate(held, field, pairs, shape, drawn)[0])


@settings(max_examples=40)
@given(data=st.data(), volumetric=st.booleans(), number=st.integers(0, 1))
def test_a_patch_is_what_slicing_and_turning_gives(
    sources: list[store.Source], data: st.DataObject, volumetric: bool, number: int
) -> None:
    shape = Shape(8, 1 if volumetric else 3, volumetric)
    scan, part = sources[number].scan, sources[number].part
    turns = symmetries.cube() if volumetric else symmetries.square()
    z = data.draw(st.integers(0, scan.depth - (8 if volumetric else 1)))
    y, x = (data.draw(st.integers(0, scan.size - 8)) for _ in range(2))
    role, turn = data.draw(st.integers(0, 3)), data.draw(st.integers(0, len(turns) - 1))
    drawn = Draw(*(np.array([[value]]) for value in (number, [z, y, x], role, turn)))
    pairs = patches.pairs(sources, scan.split.roles)
    batch = cut(everything(sources, shape), patches.field(sources, CPU), pairs, shape, drawn)
    rows = np.arange(z, z + 8) if volumetric else np.clip([z - 1, z, z + 1], 0, scan.depth - 1)
    window = (slice(None), rows, slice(y, y + 8), slice(x, x + 8))
    sections = (scan.read(0, scan.depth)[:, 0][window] - NORM.mean[0]) / NORM.scale[0]
    chosen = scan.split.roles[role]
    inputs, targets = (np.tensordot(scan.mixing(side), sections, 1) for side in (chosen.inputs, chosen.targets))
    mask = (part.mask & np.isin(np.arange(scan.depth), part.rows)[:, None, None])[window[1:]]
    if not volumetric:
        targets, mask = targets[1:2], part.mask[None, y : y + 8, x : x + 8]
    lead = (slice(None),) if not volumetric else (None,)
    np.testing.assert_allclose(batch.inputs[0], turned(inputs[lead], turns[turn]), atol=4e-3)
    np.testing.assert_allclose(batch.targets[0], turned(targets[lead], turns[turn]), atol=4e-3)
    np.testing.assert_array_equal(batch.masks[0], turned(mask[lead], turns[turn]))


@pytest.mark.parametrize("volumetric", [False, True])
def test_a_network_of_several_steps_sees_neighbours_it_does_not_predict(tmp_path: Path, volumetric: bool) -> None:
    numbered = np.arange(6, dtype=np.float32)[:, None, None, None] * np.ones((1, 9, 16, 16), np.float32)
    (run,) = scans_on_disk.write_series(tmp_path, numbered, group=6, noise=0).trained((0, 6))
    series = [store.Source(run, sampling.Part(np.arange(9), run.visible))]
    shape = Shape(8, 1 if volumetric else 3, volumetric)
    held = store.load(series, [store.Run(0, 0, 9)], shape.halo, Normalisation((0.0,), (1.0,)), CPU)
    pairs = patches.pairs(series, time_steps.in_context(run.split.roles, 3))
    zeros = np.zeros((1, 4), int)
    drawn = Draw(zeros, np.zeros((1, 4, 3), int), np.arange(4)[None], zeros)
    batch = cut(held, patches.field(series, CPU), pairs, shape, drawn)
    for role, middle in enumerate(range(1, 5)):
        around = [middle - 1, middle, middle + 1]
        images = batch.inputs[role].flatten(1)[:, 0].tolist()
        assert images == around if volumetric else images == 3 * around
        others = [step for step in range(6) if step not in around]
        assert batch.targets[role].mean() == pytest.approx(np.mean(others), abs=1e-5)


@pytest.mark.parametrize("volumetric", [False, True])
def test_every_slice_pixel_and_symmetry_is_drawn(sources: list[store.Source], volumetric: bool) -> None:
    shape = Shape(8, 1, volumetric)
    held, field = everything(sources, shape), patches.field(sources, CPU)
    pairs = patches.pairs(sources, sources[0].scan.split.roles)
    drawn = patches.draw(held, field, pairs, shape, 20_000, [np.random.default_rng(0)], first=0)
    for number, source in enumerate(sources):
        here = drawn.corner[held.source[drawn.block] == number]
        seen = np.zeros((source.scan.depth, source.scan.size, source.scan.size), dtype=bool)
        for z, y, x in np.unique(here, axis=0):
            seen[z : z + 8 if volumetric else z + 1, y : y + 8, x : x + 8] = True
        assert seen[source.part.rows][:, source.part.mask].all()
    assert len(np.unique(drawn.turn)) == (24 if volumetric else 8)
    areas = [len(source.part.rows) * source.part.mask.sum() for source in sources]
    assert np.mean(held.source[drawn.block] == 0) == pytest.approx(areas[0] / sum(areas), abs=0.02)


def test_every_section_is_a_target_equally_often(sources: list[store.Source]) -> None:
    shape = Shape(8, 1, volumetric=False)
    held, field = everything(sources, shape), patches.field(sources, CPU)
    pairs = patches.pairs(sources, sources[0].scan.split.roles)
    drawn = patches.draw(held, field, pairs, shape, 6, [np.random.default_rng(step) for step in range(10)], first=0)
    assert np.ptp(np.bincount(drawn.role.ravel())) == 0


@pytest.mark.parametrize("volumetric", [False, True])
def test_many_steps_at_once_are_drawn_as_one_by_one(sources: list[store.Source], volumetric: bool) -> None:
    shape = Shape(8, 1 if volumetric else 3, volumetric)
    held, field = everything(sources, shape), patches.field(sources, CPU)
    pairs = patches.pairs(sources, by_angle.roles(4, by_angle.MIXED))

    def drawn(steps: range) -> Draw:
        rngs = [np.random.default_rng([1, 3, step]) for step in steps]
        return patches.draw(held, field, pairs, shape, 3, rngs, first=3 * steps.start)

    together = cutting.locate(held, field, pairs, shape, drawn(range(7, 12)))
    for number in range(5):
        alone = cutting.locate(held, field, pairs, shape, drawn(range(7 + number, 8 + number)))
        assert torch.equal(alone.numbers[0], together.numbers[number])
        assert torch.equal(alone.weights[0], together.weights[number])


def test_a_step_draws_its_rows_its_pixels_and_its_turns_in_this_order(sources: list[store.Source]) -> None:
    # The order decides which model a seed gives.
    shape = Shape(8, 1, volumetric=False)
    held, field = everything(sources, shape), patches.field(sources, CPU)
    pairs = patches.pairs(sources, sources[0].scan.split.roles)
    drawn = patches.draw(held, field, pairs, shape, 4, [np.random.default_rng(5)], first=0)
    rng = np.random.default_rng(5)
    rows, _, turns = rng.random(4), rng.random(4), rng.integers(8, size=4)
    np.testing.assert_array_equal(drawn.corner[0, :, 0], held.row[np.searchsorted(held.chance, rows, side="right")])
    np.testing.assert_array_equal(drawn.turn[0], turns)


def test_ranks_share_a_batch_without_overlap(sources: list[store.Source]) -> None:
    shape = Shape(8, 1, volumetric=False)
    held, field = everything(sources, shape), patches.field(sources, CPU)
    pairs = patches.pairs(sources, sources[0].scan.split.roles)
    drawn = patches.draw(held, field, pairs, shape, 7, [np.random.default_rng(0)], first=0)
    parts = [drawn.share(rank, 3).corner[0].tolist() for rank in range(3)]
    assert sorted(corner for part in parts for corner in part) == sorted(drawn.corner[0].tolist())


def test_data_beyond_the_memory_take_turns(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(32, 16))
    source = store.Source(scan, sampling.Part(np.arange(32), scan.visible))
    limit = 2 * (store.RUN + 2) * source.row_bytes
    turns = list(store.stores([source], 1, NORM, limit, [[seed] for seed in range(12)], CPU))
    assert all(held.data.numel() * 2 <= limit / 2 for held in turns)
    assert {int(first) for held in turns for first in held.first} == {0, 7, 15, 23}
    assert all(set(held.row) <= set(range(held.first[0], held.last[0])) for held in turns)


def test_the_same_seed_chooses_the_same_runs(sources: list[store.Source]) -> None:
    chosen = [store.choose(sources, 2, 1e5, np.random.default_rng(seed)) for seed in (3, 3, 4, 5, 6)]
    assert chosen[0] == chosen[1]
    assert any(other != chosen[0] for other in chosen[2:])


def test_processes_that_share_what_does_not_fit_hold_different_runs(sources: list[store.Source]) -> None:
    def runs(memory: float, *share: int) -> list[store.Run]:
        return store.choose(sources, 2, memory, np.random.default_rng(3), (share[0], share[1]))

    every = runs(1e12, 0, 1)
    dealt = [runs(1e12, rank, 2) for rank in range(2)]
    assert {*dealt[0], *dealt[1]} == {*every}
    assert len(dealt[0]) + len(dealt[1]) == len(every)
    assert abs(len(dealt[0]) - len(dealt[1])) <= 1
    assert not set(runs(1e5, 0, 2)) & set(runs(1e5, 1, 2))
    assert runs(1e12, len(every), 1 + len(every)) == every[:1]  # more processes than runs


def test_values_beyond_sixteen_bits_are_clipped_and_not_infinite(tmp_path: Path) -> None:
    bright = scans_on_disk.blobs(8, 16)
    bright[0, 0, 0] = 1e9
    scan = scans_on_disk.write(tmp_path, bright)
    source = store.Source(scan, sampling.Part(np.arange(8), scan.visible))
    held = store.load([source], [store.Run(0, 0, 8)], 0, NORM, CPU)
    assert torch.isfinite(held.data).all()
