"""Sections are disjoint, even, complete, and their reconstructions add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise import directions, splitting
from tomodenoise.errors import UserError

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
    found = splitting.split(angles, sections, sections - 1)
    assert sum(section.share for section in found.sections) == pytest.approx(1)
    for section in found.sections:
        assert section.weights.sum() == pytest.approx(np.pi)
        assert (section.weights > 0).all()
    assert found.missing_wedge == pytest.approx(0, abs=1e-9)


def test_a_missing_wedge_is_told_and_gets_no_weight() -> None:
    found = splitting.split(np.radians(np.arange(-76, 77, 2.0)), 4, 3)
    assert found.missing_wedge == pytest.approx(26)
    assert found.sections[0].weights.sum() == pytest.approx(np.radians(154))


@pytest.mark.parametrize("sections", [2, 3, 4, 5])
def test_golden_angle_scans_of_any_length_are_accepted(sections: int) -> None:
    for count in range(20, 400, 7):
        splitting.split(GOLDEN * np.arange(count), sections, 1)


def test_uneven_angles_are_refused_with_the_gap_and_the_mend() -> None:
    angles = np.radians(np.r_[np.arange(0, 90, 0.1), np.arange(90, 180, 1.0)])
    with pytest.raises(UserError, match=r"gap of \d.* degrees.*set split.sections lower"):
        splitting.split(angles, 4, 3)


def test_fewer_projections_than_sections_are_refused() -> None:
    with pytest.raises(UserError, match=r"split.sections is 4, but the scan has only 3 projections"):
        splitting.split(np.radians([0, 60, 120]), 4, 3)


@pytest.mark.parametrize(("sections", "inputs"), [(2, 1), (4, 3), (4, 1), (4, 2), (5, 2)])
def test_every_section_is_a_target_equally_often(sections: int, inputs: int) -> None:
    roles = splitting.roles(sections, inputs)
    targets = [section for role in roles for section in role.targets]
    assert [targets.count(section) for section in range(sections)] == [sections - inputs] * sections
    assert all(not set(role.inputs) & set(role.targets) for role in roles)
    assert all(len(role.inputs) == inputs for role in roles)


def test_as_many_inputs_as_sections_are_refused() -> None:
    with pytest.raises(UserError, match=r"split.input is 4"):
        splitting.split(np.linspace(0, np.pi, 100), 4, 4)


def test_means_are_weighted_by_the_sections_angles() -> None:
    weights = splitting.mixing([0, 2], [0.5, 0.2, 0.3])
    assert weights == pytest.approx([0.625, 0, 0.375])


@pytest.mark.parametrize(
    ("asked", "projections", "expected"),
    [
        (("auto", "auto"), 384, (4, 3)),
        (("auto", "auto"), 383, (2, 1)),
        (("auto", 1), 600, (4, 1)),
        ((3, "auto"), 100, (3, 2)),
        ((6, 2), 100, (6, 2)),
    ],
)
def test_auto_takes_four_sections_where_there_are_angles_enough(
    asked: tuple[int | str, int | str], projections: int, expected: tuple[int, int]
) -> None:
    choice = splitting.choose(*asked, projections, 256)
    assert (choice.sections, choice.inputs) == expected
    assert bool(choice.why) == (asked[0] == "auto")
    assert not choice.why or f"{projections / 256:.2f} projections per column" in choice.why


def test_sections_that_add_up_are_stored_alone_and_others_with_every_union() -> None:
    roles = splitting.roles(4, 3)
    assert splitting.stored(roles, additive=True) == ((0,), (1,), (2,), (3,))
    unions = splitting.stored(roles, additive=False)
    assert set(unions) == {
        *((0,), (1,), (2,), (3,)), *((0, 1, 2), (1, 2, 3), (0, 2, 3), (0, 1, 3)), (0, 1, 2, 3)
    }  # fmt: skip
    assert len(unions) == 9
    assert unions[-1] == (0, 1, 2, 3)


def test_a_union_has_the_weights_of_the_whole_scan() -> None:
    angles = np.sort(np.random.default_rng(0).uniform(0, np.pi, 400)) / 8 + np.arange(400) * np.pi / 400
    found = splitting.split(angles, 4, 3)
    whole, half = splitting.union(found, range(4)), splitting.union(found, (0, 2))
    weights, _ = directions.angular_weights(angles)
    np.testing.assert_allclose(whole.weights, weights)
    np.testing.assert_array_equal(whole.indices, np.arange(400))
    np.testing.assert_array_equal(angles[half.indices], half.angles)
    np.testing.assert_allclose(half.weights * half.share, weights[half.indices])


def test_split_json_gives_back_what_was_written() -> None:
    found = splitting.split(GOLDEN * np.arange(90), 4, 3)
    again = splitting.from_json(splitting.to_json(found))
    assert again.roles == found.roles
    for ours, theirs in zip(found.sections, again.sections, strict=True):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.angles, theirs.angles, rtol=1e-14)
    np.testing.assert_array_equal(splitting.assignment(again)[found.sections[2].indices], 2)
