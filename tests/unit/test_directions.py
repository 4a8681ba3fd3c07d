"""Views are distributed evenly, whatever their order, and weighted by the range of angles that they represent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.geometry import directions

GOLDEN = np.pi * (3 - 5**0.5)


@given(count=st.integers(1, 300), sections=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_projection_is_in_exactly_one_section(count: int, sections: int, seed: int) -> None:
    angles = np.random.default_rng(seed).uniform(-10, 10, max(count, sections))
    parts = directions.interleave(angles, sections)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(angles)))
    assert max(map(len, parts)) - min(map(len, parts)) <= (2 if directions.is_full_turn(angles) else 1)


@given(count=st.integers(9, 300), sections=st.integers(2, 6), seed=st.integers(0, 99))
def test_the_order_in_the_file_does_not_matter(count: int, sections: int, seed: int) -> None:
    angles = np.linspace(0, np.pi, count, endpoint=False)
    shuffled = np.random.default_rng(seed).permutation(count)
    expected = [set(part) for part in directions.interleave(angles, sections)]
    assert [set(shuffled[part]) for part in directions.interleave(angles[shuffled], sections)] == expected


@given(count=st.integers(30, 400), sections=st.integers(2, 6))
def test_an_even_scan_gives_even_sections_whatever_the_remainder(count: int, sections: int) -> None:
    step = np.pi / count
    for part in directions.interleave(np.arange(count) * step, sections):
        gaps = np.diff(part, append=part[0] + count)
        assert gaps.max() <= sections + (1 if count >= 2 * sections**2 else 2)


def test_opposite_and_neighbouring_views_go_to_different_sections() -> None:
    angles = np.radians(np.arange(0, 360, 1.0))
    section = np.empty(360, dtype=int)
    for number, part in enumerate(directions.interleave(angles, 4)):
        section[part] = number
    for first in range(180):
        assert (
            len({section[first], section[first + 180], section[(first + 1) % 180], section[(first + 1) % 180 + 180]})
            == 4
        )


def test_the_two_ends_of_a_closed_half_turn_count_once() -> None:
    weights, _ = directions.angular_weights(np.linspace(0, np.pi, 181))
    assert weights[[0, -1]] == pytest.approx(np.pi / 360)
    assert weights[1:-1] == pytest.approx(np.pi / 180)


def test_many_views_of_one_direction_share_its_weight_equally() -> None:
    angles = np.tile(np.linspace(0, np.pi, 36, endpoint=False), 8) + np.repeat(np.arange(8), 36) * 2 * np.pi
    weights, _ = directions.angular_weights(angles)
    assert weights == pytest.approx(np.pi / 288)


@given(count=st.integers(32, 700), sections=st.integers(2, 6), closed=st.booleans())
def test_sections_of_a_full_turn_see_the_sample_from_all_around(count: int, sections: int, *, closed: bool) -> None:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=closed)
    step = angles[1]
    for part in directions.interleave(angles, sections):
        for turn, most in ((2 * np.pi, 2 * sections + 2), (np.pi, sections + 2)):
            around = np.sort(np.mod(angles[part] + 1e-9, turn))
            gaps = np.diff(around, append=around[0] + turn)
            assert gaps.max() <= most * step + 1e-6


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (np.arange(0, 360, 0.5), True),
        (np.arange(-45, 313, 3.0), True),
        (np.arange(0, 720, 7.0), True),
        (np.mod(np.degrees(GOLDEN) * np.arange(300), 180), False),
        (np.degrees(GOLDEN) * np.arange(300), True),
        (np.arange(0, 181, 1.0), False),
        (np.arange(0, 270, 1.0), False),
        (np.arange(-76, 77, 2.0), False),
        (np.array([0.0, 45, 90, 135]), False),
        (np.array([0.0, 90, 180, 270]), True),
        (np.array([12.0]), False),
        (np.delete(np.arange(0, 360, 0.5), range(300, 312)), True),
        (np.delete(np.arange(0, 360, 0.5), [*range(100, 112), *range(500, 520)]), True),
        (np.arange(0, 330, 1.0), True),
        (np.arange(0, 300, 1.0), False),
        (np.r_[np.arange(0, 180, 1.0), 270.0, 360.0], False),
    ],
)
def test_a_full_turn_is_distinguished_from_half_ones(degrees: np.ndarray, *, expected: bool) -> None:
    assert directions.is_full_turn(np.radians(degrees)) == expected


def test_a_full_turn_gives_both_sides_the_same_weight() -> None:
    near, far = np.arange(0, 180, 0.5), np.arange(180, 360, 1.0)
    weights, wedge = directions.angular_weights(np.radians(np.r_[near, far]))
    assert wedge == 0
    assert weights.sum() == pytest.approx(np.pi)
    assert weights[: len(near)].sum() == pytest.approx(np.pi / 2, rel=0.01)
