"""Steps of any length become sections; groups cover the circle as they say; every projection has one place."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.planning import shards
from tomodenoise.scans import series
from tomodenoise.splitting import by_angle, model, time_steps
from tomodenoise.splitting.options import Split, Steps
from tomodenoise.storage.layout import Layout

TIME = Steps()
ANGLE = Steps(split="angle")
AUTO = Split()


def rotation(count: int, projections: float, span: float = np.pi) -> list[FloatArray]:
    """Angles of each step of a continuous rotation."""
    assigned = series.assign_steps(count, projections)
    angles = span * np.arange(count) / projections
    return [angles[: len(assigned)][assigned == step] for step in range(assigned[-1] + 1)]


def interlaced(number: int, views: int, order: list[int], span: float = np.pi) -> list[FloatArray]:
    """Make steps whose angles are shifted by one of ``len(order)`` parts of the gap, in turn."""
    gap = span / views
    return [gap * (np.arange(views) + order[step % len(order)] / len(order)) for step in range(number)]


@given(count=st.integers(10, 3000), projections=st.floats(3, 400))
def test_a_step_holds_its_projections_to_within_one_or_two_at_the_end(count: int, projections: float) -> None:
    assigned = series.assign_steps(count, projections)
    if count < projections - 1:
        return
    sizes = np.bincount(assigned)
    assert (np.diff(assigned) >= 0).all()
    assert (np.diff(assigned) <= 1).all()
    assert np.abs(sizes[:-1] - projections).max(initial=0) < 1 + 1e-4
    assert -2 < sizes[-1] - projections < 1
    assert count - len(assigned) < projections + 1


def test_the_count_of_the_papers_scan_gives_its_steps() -> None:
    assigned = series.assign_steps(54000, 299.92)
    assert assigned[-1] == 179
    assert set(np.bincount(assigned)) == {299, 300}
    assert np.bincount(assigned).mean() == pytest.approx(299.92, abs=0.01)


@given(
    steps_=st.integers(4, 40),
    views=st.integers(12, 60),
    group=st.integers(2, 6),
    window=st.tuples(st.integers(0, 9), st.integers(2, 40)),
)
def test_every_step_of_the_window_trains_and_no_group_leaves_it(
    steps_: int, views: int, group: int, window: tuple[int, int]
) -> None:
    start, stop = window[0], min(steps_, sum(window))
    if stop - start < group:
        return
    angles, numbers = np.concatenate(rotation(steps_ * views, views)), np.repeat(np.arange(steps_), views)
    division = time_steps.split(angles, numbers, "time", group, 1)
    runs = by_angle.trained(division, (start, stop))
    assert {last - first for first, last in runs} == {group}
    assert {section for run in runs for section in range(*run)} == set(range(start, stop))
    flats = by_angle.assignment(division)
    for first, last in runs:
        assert len({int(flats[section.indices[0]]) for section in division.sections[first:last]}) == group


def test_each_step_of_a_group_predicts_the_others_in_turn() -> None:
    angles = np.concatenate(interlaced(6, 30, [0, 2, 1]))
    division = time_steps.split(angles, np.repeat(np.arange(6), 30), "time", 3, 1)
    assert [(role.inputs, role.targets) for role in division.roles] == [((0,), (1, 2)), ((1,), (0, 2)), ((2,), (0, 1))]
    assert (division.times, division.per_step, division.members) == (6, 1, 3)
    for section in division.sections:
        assert section.weights.sum() == pytest.approx(np.pi)


@given(group=st.integers(2, 20), reach=st.integers(0, 4))
def test_what_the_network_sees_of_a_group_is_never_its_target(group: int, reach: int) -> None:
    seen = 2 * reach + 1
    if group <= seen:
        return
    plain = time_steps.split(
        np.concatenate(rotation(20 * group, 20)), np.repeat(np.arange(group), 20), "time", group, 1
    )
    roles = time_steps.in_context(plain.roles, seen)
    assert len(roles) == group - 2 * reach
    for role in roles:
        shown = [step for image in role.seen for step in image]
        assert shown == list(range(role.inputs[0] - reach, role.inputs[0] + reach + 1))
        assert not set(shown) & set(role.targets)
        assert sorted({*shown, *role.targets}) == list(range(group))


def test_steps_of_unequal_length_weigh_by_their_projections() -> None:
    parts = rotation(120, 29.5)
    numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    division = time_steps.split(np.concatenate(parts), numbers, "time", 2, 1)
    shares = [section.share for section in division.sections]
    assert shares[0] / shares[1] == pytest.approx(len(parts[0]) / len(parts[1]))
    assert sum(shares) == pytest.approx(1)


@given(views=st.integers(20, 200), parts=st.sampled_from([2, 3, 4, 6, 8]), turn=st.sampled_from([np.pi, 2 * np.pi]))
def test_interlacing_is_one_if_even_and_their_number_if_repeated(views: int, parts: int, turn: float) -> None:
    if turn > 4:
        views, parts = views | 1, parts + 1 - parts % 2  # else a view meets the opposite of another
    even = time_steps.interlacing(interlaced(parts, views, list(range(parts)), turn), parts)
    assert even.figure == pytest.approx(1, abs=1e-6)
    assert even.verdict == "even"
    same = time_steps.interlacing(interlaced(parts, views, [0], turn), parts)
    assert same.figure == pytest.approx(parts, rel=1e-6)
    assert same.verdict == "steps repeat each other's angles" if parts > 1.5 else "even"


def test_a_rotation_that_drifts_by_a_twelfth_needs_twelve_steps() -> None:
    parts = rotation(36 * 300, 299.92)
    choice = time_steps.choose(parts, (0, 36), TIME, AUTO, 1440)
    assert choice.sections == 12
    assert "3600 directions cover the circle evenly" in choice.why
    assert "enough for a target" in choice.why
    two = time_steps.interlacing(parts, 2)
    assert (two.verdict, two.figure) == ("steps repeat each other's angles", pytest.approx(1.84, abs=0.01))


def test_a_group_is_no_larger_than_its_targets_need() -> None:
    parts = interlaced(36, 200, [0, 4, 2, 6, 1, 5, 3, 7])
    assert time_steps.choose(parts, (0, 36), TIME, AUTO, 100).sections == 2
    assert time_steps.choose(parts, (0, 36), TIME, AUTO, 300).sections == 4


def test_repeated_angles_make_pairs_and_say_so() -> None:
    choice = time_steps.choose(interlaced(8, 36, [0]), (0, 8), TIME, AUTO, 282)
    assert choice.sections == 2
    assert "no group covers the circle evenly" in choice.why


@given(steps_=st.integers(2, 20), sections=st.integers(2, 4))
def test_steps_split_by_angle_hold_all_projections_in_even_sections(steps_: int, sections: int) -> None:
    angles, numbers = np.concatenate(rotation(steps_ * 60, 60)), np.repeat(np.arange(steps_), 60)
    division = time_steps.split(angles, numbers, "angle", sections, sections - 1)
    assert len(division.sections) == steps_ * sections
    indices = np.concatenate([section.indices for section in division.sections])
    np.testing.assert_array_equal(np.sort(indices), np.arange(steps_ * 60))
    for number, section in enumerate(division.sections):
        assert set(numbers[section.indices]) == {number // sections}
    assert by_angle.trained(division, (1, steps_)) == [(s * sections, (s + 1) * sections) for s in range(1, steps_)]


@given(steps_=st.integers(2, 9), by=st.sampled_from(["time", "angle"]), seed=st.integers(0, 99))
def test_projections_that_are_not_used_are_in_no_section_of_any_step(steps_: int, by: str, seed: int) -> None:
    angles, numbers = np.concatenate(rotation(steps_ * 60, 60)), np.repeat(np.arange(steps_), 60)
    used = np.flatnonzero(np.random.default_rng(seed).random(len(numbers)) > 0.3)
    division = time_steps.split(angles, numbers, by, 2, 1, used)
    indices = np.concatenate([section.indices for section in division.sections])
    np.testing.assert_array_equal(np.sort(indices), used)
    assert sorted([*used, *division.unused]) == list(range(steps_ * 60))
    assert len(by_angle.assignment(division)) == steps_ * 60
    for number, section in enumerate(division.sections):
        assert set(numbers[section.indices]) == {number // division.per_step}


def test_the_gaps_of_the_worst_step_are_reported() -> None:
    angles, numbers = np.concatenate(rotation(4 * 60, 60)), np.repeat(np.arange(4), 60)
    division = time_steps.split(angles, numbers, "time", 2, 1, np.delete(np.arange(240), range(130, 145)))
    assert division.missing_wedge == pytest.approx(45)
    assert len(division.gaps) == 1
    assert "in the worst time step" in by_angle.concerns(division)[0]


def test_the_window_is_the_first_fifth_or_all_steps_split_by_angle() -> None:
    assert time_steps.window(None, 180, "time") == (0, 36)
    assert time_steps.window(None, 20, "time") == (0, 12)
    assert time_steps.window(None, 8, "time") == (0, 8)
    assert time_steps.window(None, 180, "angle") == (0, 180)
    assert time_steps.window([3, 9], 180, "time") == (3, 9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: time_steps.window([4, 30], 20, "time"),
            r"steps.train: \[4, 30\] is not within the scan: choose a range within \[0, 20\]",
        ),
        (lambda: time_steps.window([4, 5], 20, "time"), "a single step"),
        (
            lambda: time_steps.choose(interlaced(8, 9, [0]), (0, 4), Steps(group=6), AUTO, 9),
            "steps.group is 6, but steps.train holds only 4",
        ),
        (
            lambda: time_steps.split(np.arange(14.0), np.repeat([0, 1], [9, 5]), "angle", 4, 3),
            "a time step has only 5 projections .*: set it to 2",
        ),
        (
            lambda: time_steps.split(np.arange(9.0), np.repeat([0, 1, 2], 3), "time", 2, 1, np.r_[0:3, 6:9]),
            "time step 1 has no usable projection",
        ),
    ],
)
def test_what_cannot_be_is_reported_with_its_key(call: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call()  # type: ignore[operator]


def test_a_split_is_read_as_it_was_written() -> None:
    angles = np.concatenate(rotation(100, 24.9))
    division = time_steps.split(angles[:99], series.assign_steps(99, 24.9), "time", 2, 1)
    again = model.from_json(model.to_json(division))
    assert again.interlacing == division.interlacing
    assert again.times == division.times
    np.testing.assert_allclose(again.sections[2].angles, division.sections[2].angles)


@given(
    lengths=st.lists(st.integers(20, 40), min_size=2, max_size=60),
    sections=st.integers(1, 4),
    depth=st.integers(1, 40),
    megabytes=st.sampled_from([1, 2, 64]),
)
def test_blocks_hold_every_step_and_projection_once_within_their_size(
    lengths: list[int], sections: int, depth: int, megabytes: int
) -> None:
    firsts = tuple(np.cumsum([0, *lengths[:-1]]).tolist())
    shape = Layout(
        sum(lengths), depth, 64, 64, sections * len(lengths), megabytes * 2**20, firsts=firsts, trained=(2, 6)
    )
    assert [b.start for b in shape.blocks] == [0, *(b.stop for b in shape.blocks[:-1])]
    assert shape.blocks[-1].stop == len(lengths)
    assert shape.angle_blocks[-1].stop == sum(lengths)
    for extent in (shape.volumes, shape.projections):
        assert np.prod(np.minimum(extent.shard, extent.shape)) * 4 <= megabytes * 2**20
    assert shape.projection_rows % shape.rows == 0
    for number, block in enumerate(shape.blocks):
        first, last = shape.angles_of(number)
        holding = {int(shard.split("/")[-3]) for shard in shards.projections("s", shape, (first, last))}
        assert holding == {n for n, b in enumerate(shape.angle_blocks) if b.start < last and first < b.stop}
        assert last - first == sum(lengths[block.start : block.stop])


def test_a_series_of_a_beamtime_stays_bounded() -> None:
    firsts = tuple(np.flatnonzero(np.diff(series.assign_steps(54000, 299.92), prepend=-1)).tolist())
    shape = Layout(53986, 1100, 1440, 1440, 180, 2**30, firsts=firsts, trained=(3, 12))
    assert (shape.rows, len(shape.blocks), shape.projection_rows) == (128, 180, 512)
    assert len(shape.blocks) * len(shape.slabs) == 1620
    assert len(shape.angle_blocks) * len(shape.projection_slabs) == 540
    assert max(len(shards.projections("s", shape, shape.angles_of(block), (0, 1))) for block in range(180)) <= 2


def test_the_cost_of_a_block_does_not_grow_with_the_series() -> None:
    shape = Layout(90000, 2048, 2048, 2048, 300, 2**30, firsts=tuple(range(0, 90000, 300)), trained=(3, 12))
    assert shape.blocks is shape.blocks
    assert shape.levels is shape.levels
    assert replace(shape, depth=8).blocks != shape.blocks


def test_the_layout_of_a_static_scan_has_one_block() -> None:
    shape = Layout(1500, 100, 512, 512, 4, 2**28)
    assert (len(shape.blocks), len(shape.angle_blocks), shape.runs) == (1, 1, (1, 4))
    assert shape.volumes.shard[0] == 4
    assert shape.projections.shard[0] == 1500
