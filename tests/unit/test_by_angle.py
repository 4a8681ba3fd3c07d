"""Sections are disjoint, even, complete, and their reconstructions add up."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.splitting import by_angle, model

GOLDEN = np.pi * (3 - 5**0.5)


@given(
    count=st.integers(40, 300),
    sections=st.integers(2, 5),
    kind=st.sampled_from(["open", "closed", "full turn", "golden", "two turns"]),
)
def test_weights_cover_the_half_turn_and_shares_sum_to_one(count: int, sections: int, kind: str) -> None:
    angles = {
        "open": np.linspace(0, np.pi, count, endpoint=False),
        "closed": np.linspace(0, np.pi, count),
        "full turn": np.linspace(0, 2 * np.pi, count, endpoint=False),
        "golden": GOLDEN * np.arange(count),
        "two turns": np.linspace(0, 4 * np.pi, 4 * (count // 4), endpoint=False),
    }[kind]
    division = by_angle.split(angles, sections, sections - 1)
    assert sum(section.share for section in division.sections) == pytest.approx(1)
    for section in division.sections:
        assert section.weights.sum() == pytest.approx(np.pi)
        assert (section.weights > 0).all()
    assert division.missing_wedge == pytest.approx(0, abs=1e-9)


def test_a_missing_wedge_is_reported_and_gets_no_weight() -> None:
    division = by_angle.split(np.radians(np.arange(-76, 77, 2.0)), 4, 3)
    assert division.missing_wedge == pytest.approx(26)
    assert division.sections[0].weights.sum() == pytest.approx(np.radians(154))


@pytest.mark.parametrize("sections", [2, 3, 4, 5])
def test_golden_angle_scans_of_any_length_are_accepted(sections: int) -> None:
    for count in range(20, 400, 7):
        by_angle.split(GOLDEN * np.arange(count), sections, 1)


def lost(angles: np.ndarray, *ranges: tuple[float, float]) -> np.ndarray:
    """Leave out the projections whose direction lies in some ranges, degrees."""
    folded = np.degrees(np.mod(angles, np.pi))
    return angles[~np.any([(folded > first) & (folded < last) for first, last in ranges], axis=0)]


EVEN = np.radians(np.arange(0, 180, 0.5))
DENSE_AND_SPARSE = np.radians(np.r_[np.arange(0, 90, 0.1), np.arange(90, 180, 1.0)])
GAPPED = {
    "lost twice": (lost(EVEN, (40, 50), (110, 116)), 2),
    "lost at five places": (lost(EVEN, *((at, at + 6) for at in (10, 40, 80, 120, 160))), 5),
    "posts": (lost(np.radians(np.arange(0, 180, 0.25)), (20, 35), (70, 85), (150, 165)), 3),
    "golden": (GOLDEN * np.arange(377), 0),
    "golden, lost": (lost(np.mod(GOLDEN * np.arange(377), np.pi), (40, 60), (100, 120)), 2),
    "dense and sparse": (DENSE_AND_SPARSE, 0),
    "dense and sparse, lost in both": (lost(DENSE_AND_SPARSE, (30, 33), (130, 141)), 2),
    "repeated turns": (np.tile(EVEN[::10], 8) + np.repeat(np.arange(8) * np.pi, 36), 0),
    "repeated turns, lost": (lost(np.tile(EVEN[::4], 6), (50, 70), (90, 120)), 2),
    "limited angle, lost": (np.radians(np.r_[np.arange(-60, -20, 1.0), np.arange(-4, 30, 1.0), np.arange(44, 61)]), 3),
    "paused": (np.r_[np.zeros(500), EVEN], 0),
    "two clusters": (np.radians(np.r_[np.arange(0, 10, 0.5), np.arange(90, 100, 0.5)]), 2),
    "aborted": (np.radians(np.arange(0, 8, 0.5)), 1),
}


@pytest.mark.parametrize("sections", [2, 3, 4, 6])
@pytest.mark.parametrize("kind", list(GAPPED))
def test_gaps_of_the_scan_are_reported_and_refuse_no_section(kind: str, sections: int) -> None:
    angles, count = GAPPED[kind]
    if len(angles) < 2 * sections:
        return
    division = by_angle.split(angles, sections, sections - 1)
    assert len(division.gaps) == count
    assert len(by_angle.concerns(division)) == bool(count)
    covered = np.radians(180 - division.missing_wedge)
    for section in division.sections:
        assert section.weights.sum() == pytest.approx(covered)


@given(
    count=st.integers(16, 40),
    sections=st.integers(2, 6),
    starts=st.lists(st.integers(0, 19), min_size=1, max_size=5, unique=True),
    width=st.integers(7, 9),
)
def test_lost_frames_leave_gaps_and_each_view_its_usual_weight(
    count: int, sections: int, starts: list[int], width: int
) -> None:
    # Twenty places, with 7 views or more between two gaps: of fewer nobody can say which spacing is the usual one.
    kept = np.ones(count * 20, dtype=bool)
    for start in starts:
        kept[start * count : start * count + width] = False
    angles = np.arange(20 * count)[kept] * np.pi / (20 * count)
    division = by_angle.split(angles, sections, 1)
    assert len(division.gaps) == len(starts)
    weights, missing = directions.angular_weights(angles)
    assert weights == pytest.approx(np.pi / (20 * count))
    assert np.degrees(missing) == pytest.approx(division.missing_wedge)
    for section in division.sections:
        assert np.diff(section.indices).max() <= sections + 2


@given(
    count=st.integers(40, 200),
    sections=st.integers(2, 5),
    seed=st.integers(0, 99),
    turn=st.sampled_from([1, 2]),
)
def test_projections_that_are_not_used_are_in_no_section(count: int, sections: int, seed: int, turn: int) -> None:
    angles = np.arange(count) * turn * np.pi / count
    rng = np.random.default_rng(seed)
    used = np.sort(rng.choice(count, rng.integers(2 * sections + 2, count + 1), replace=False))
    division = by_angle.split(angles, sections, 1, used)
    indices = np.concatenate([section.indices for section in division.sections])
    np.testing.assert_array_equal(np.sort(indices), used)
    assert sorted([*used, *division.unused]) == list(range(count))
    assert max(len(section.indices) for section in division.sections) <= len(used) // sections + 2
    numbers = by_angle.assignment(model.from_json(model.to_json(division)))
    assert len(numbers) == count
    for number, section in enumerate(division.sections):
        np.testing.assert_array_equal(angles[section.indices], section.angles)
        assert (numbers[section.indices] == number).all()
        assert (np.diff(section.indices) > 0).all()
    assert not numbers[list(division.unused)].any()


@given(count=st.integers(2, 40), sections=st.integers(2, 9))
def test_the_number_of_sections_that_a_refusal_names_is_accepted(count: int, sections: int) -> None:
    angles = np.arange(count) * np.pi / count
    try:
        by_angle.split(angles, sections, 1)
    except UserError as refusal:
        named = str(refusal).rpartition("set it to ")[2]
        assert named.isdigit() == (count >= 4)
        if named.isdigit():
            by_angle.split(angles, int(named), 1)
            with pytest.raises(UserError):
                by_angle.split(angles, int(named) + 1, 1)
    else:
        assert count >= 2 * sections


def test_too_few_projections_for_any_split_are_refused() -> None:
    with pytest.raises(UserError, match="only 3 projections, too few to split: at least four"):
        by_angle.split(np.radians([0, 60, 120]), 4, 3)
    with pytest.raises(UserError, match=r"the 9 projections of .* have fewer than two different angles"):
        by_angle.split(np.tile([0.0, np.pi, 2 * np.pi], 3), 2, 1)
    with pytest.raises(UserError, match="the 0 projections"):
        by_angle.split(EVEN, 2, 1, np.arange(0))


def test_a_full_turn_that_lost_views_weighs_their_opposites_twice() -> None:
    angles = np.delete(np.arange(720), range(300, 312)) * np.pi / 360
    weights, missing = directions.angular_weights(angles)
    assert missing == 0
    assert weights.sum() == pytest.approx(np.pi, rel=1e-3)
    assert weights[660 - 12 : 672 - 12] == pytest.approx(np.pi / 360)
    assert weights[:300] == pytest.approx(np.pi / 720)
    (concern,) = by_angle.concerns(by_angle.split(angles, 4, 3))
    assert "149.5 to 156.0 degrees: the opposite views" in concern


@pytest.mark.parametrize(("sections", "inputs"), [(2, 1), (4, 3), (4, 1), (4, 2), (5, 2), (3, 1)])
def test_every_section_is_a_target_equally_often(sections: int, inputs: int) -> None:
    roles = by_angle.roles(sections, inputs)
    targets = [section for role in roles for section in role.targets]
    assert [targets.count(section) for section in range(sections)] == [sections - inputs] * sections
    assert all(not set(role.inputs) & set(role.targets) for role in roles)
    assert all(len(role.inputs) == inputs for role in roles)


@pytest.mark.parametrize("sections", [2, 3, 4, 5, 6, 8])
def test_mixed_inputs_are_all_but_one_and_half_of_the_sections(sections: int) -> None:
    roles = by_angle.roles(sections, "mixed")
    assert {len(role.inputs) for role in roles} == {sections - 1, sections // 2, -(-sections // 2)}
    assert all({*role.inputs, *role.targets} == {*range(sections)} for role in roles)
    targets = [section for role in roles for section in role.targets]
    assert len({targets.count(section) for section in range(sections)}) == 1


def test_four_mixed_sections_take_all_partitions() -> None:
    targets = [role.targets for role in by_angle.roles(4, "mixed")]
    assert sorted(targets) == sorted([*combinations(range(4), 1), *combinations(range(4), 2)])


def test_as_many_inputs_as_sections_are_refused() -> None:
    with pytest.raises(UserError, match=r"split.input is 4"):
        by_angle.split(np.linspace(0, np.pi, 100), 4, 4)


def test_means_are_weighted_by_the_sections_angles() -> None:
    weights = by_angle.mixing([0, 2], [0.5, 0.2, 0.3])
    assert weights == pytest.approx([0.625, 0, 0.375])


@pytest.mark.parametrize(
    ("asked", "projections", "expected"),
    [
        (("auto", "auto"), 384, (4, "mixed")),
        (("auto", "mixed"), 384, (4, "mixed")),
        (("auto", "auto"), 383, (2, 1)),
        (("auto", 1), 600, (4, 1)),
        ((3, "auto"), 100, (3, 2)),
        ((6, 2), 100, (6, 2)),
        ((6, "auto"), 100, (6, "mixed")),
    ],
)
def test_auto_takes_four_sections_where_there_are_angles_enough(
    asked: tuple[int | str, int | str], projections: int, expected: tuple[int, int | str]
) -> None:
    choice = by_angle.choose(*asked, projections, 256)
    assert (choice.sections, choice.inputs) == expected
    assert bool(choice.why) == (asked[0] == "auto")
    assert not choice.why or f"{projections / 256:.2f} projections per column" in choice.why


def test_inputs_are_not_mixed_where_that_costs_reconstructions_or_channels_share_structure() -> None:
    assert by_angle.choose("auto", "auto", 384, 256, additive=False).inputs == 3
    assert by_angle.choose(4, "auto", 384, 256, channels=True).inputs == 3


def test_sections_that_add_up_are_stored_alone() -> None:
    assert by_angle.stored(by_angle.roles(4, 3), additive=True) == ((0,), (1,), (2,), (3,))


@pytest.mark.parametrize(
    ("sections", "inputs", "count"), [(2, 1, 3), (3, 2, 7), (3, 1, 7), (4, 3, 11), (4, 1, 11), (4, 2, 10), (5, 4, 14)]
)
def test_unions_are_stored_where_sections_do_not_add_up(sections: int, inputs: int, count: int) -> None:
    roles = by_angle.roles(sections, inputs)
    unions = by_angle.stored(roles, additive=False)
    judged = by_angle.halves(sections)
    asked = [*roles, judged, *(by_angle.apart(roles[0]) or ()), *(by_angle.apart(judged) or ())]
    assert unions[-1] == tuple(range(sections))
    assert {*unions} == {side for role in asked for side in (role.inputs, role.targets)} | {unions[-1]}
    assert len(unions) == count


def test_a_union_has_the_weights_of_the_whole_scan() -> None:
    angles = np.sort(np.random.default_rng(0).uniform(0, np.pi, 400)) / 8 + np.arange(400) * np.pi / 400
    division = by_angle.split(angles, 4, 3)
    whole, half = by_angle.union(division, range(4)), by_angle.union(division, (0, 2))
    weights, _ = directions.angular_weights(angles)
    np.testing.assert_allclose(whole.weights, weights)
    np.testing.assert_array_equal(whole.indices, np.arange(400))
    np.testing.assert_array_equal(angles[half.indices], half.angles)
    np.testing.assert_allclose(half.weights * half.share, weights[half.indices])


def test_split_json_gives_back_what_was_written() -> None:
    division = by_angle.split(GOLDEN * np.arange(90), 4, 3)
    again = model.from_json(model.to_json(division))
    assert again.roles == division.roles
    for ours, theirs in zip(division.sections, again.sections, strict=True):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.angles, theirs.angles, rtol=1e-14)
    np.testing.assert_array_equal(by_angle.assignment(again)[division.sections[2].indices], 2)
