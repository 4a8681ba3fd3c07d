"""Sections are disjoint, even, complete, and their reconstructions add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise import splitting
from tomodenoise.errors import UserError

GOLDEN = np.pi * (3 - 5**0.5)


@given(count=st.integers(1, 300), sections=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_projection_is_in_exactly_one_section(count: int, sections: int, seed: int) -> None:
    angles = np.random.default_rng(seed).uniform(-10, 10, max(count, sections))
    parts = splitting.interleave(angles, sections)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(angles)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(count=st.integers(9, 300), sections=st.integers(2, 6), seed=st.integers(0, 99))
def test_the_order_in_the_file_does_not_matter(count: int, sections: int, seed: int) -> None:
    angles = np.linspace(0, np.pi, count, endpoint=False)
    shuffled = np.random.default_rng(seed).permutation(count)
    expected = [set(part) for part in splitting.interleave(angles, sections)]
    assert [set(shuffled[part]) for part in splitting.interleave(angles[shuffled], sections)] == expected


@given(count=st.integers(30, 400), sections=st.integers(2, 6))
def test_an_even_scan_gives_even_sections_whatever_the_remainder(count: int, sections: int) -> None:
    step = np.pi / count
    for part in splitting.interleave(np.arange(count) * step, sections):
        gaps = np.diff(part, append=part[0] + count)
        assert gaps.max() <= sections + (1 if count >= 2 * sections**2 else 2)


def test_neighbours_modulo_180_degrees_go_to_different_sections() -> None:
    angles = np.radians(np.arange(0, 360, 1.0))
    section = np.empty(360, dtype=int)
    for number, part in enumerate(splitting.interleave(angles, 4)):
        section[part] = number
    for first in range(180):
        assert (
            len({section[first], section[first + 180], section[(first + 1) % 180], section[(first + 1) % 180 + 180]})
            == 4
        )


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


def test_the_two_ends_of_a_closed_half_turn_count_once() -> None:
    weights, _ = splitting.angular_weights(np.linspace(0, np.pi, 181))
    assert weights[[0, -1]] == pytest.approx(np.pi / 360)
    assert weights[1:-1] == pytest.approx(np.pi / 180)


def test_many_views_of_one_direction_share_its_weight_equally() -> None:
    angles = np.tile(np.linspace(0, np.pi, 36, endpoint=False), 8) + np.repeat(np.arange(8), 36) * 2 * np.pi
    weights, _ = splitting.angular_weights(angles)
    assert weights == pytest.approx(np.pi / 288)


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
        splitting.split(np.zeros(3), 4, 3)


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


def test_split_json_gives_back_what_was_written() -> None:
    found = splitting.split(GOLDEN * np.arange(90), 4, 3)
    again = splitting.from_json(splitting.to_json(found))
    assert again.roles == found.roles
    for ours, theirs in zip(found.sections, again.sections, strict=True):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.angles, theirs.angles, rtol=1e-14)
    np.testing.assert_array_equal(splitting.assignment(again)[found.sections[2].indices], 2)
