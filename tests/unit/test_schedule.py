"""A training ends with the first of its limits, and its rate is the one-cycle schedule that torch has."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tomodenoise.training import schedule
from tomodenoise.training.options import Train


def test_the_rate_is_that_of_torchs_one_cycle() -> None:
    total, peak = 1000, 2e-3
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=total + 1, cycle_momentum=False)
    for step in range(total):
        assert schedule.one_cycle(step / total, peak) == pytest.approx(cycle.get_last_lr()[0], abs=0.005 * peak)
        optimizer.step()
        cycle.step()


@given(pixels=st.floats(1, 1e9), step=st.integers(1, 10**6))
def test_the_last_step_reaches_the_pixels_and_the_one_before_does_not(pixels: float, step: int) -> None:
    count = schedule.iterations(Train(pixels=pixels), step)
    assert count * step >= pixels > (count - 1) * step


@given(evaluations=st.integers(1, 50), total=st.integers(1, 10**5))
def test_evaluations_are_spread_up_to_the_end(evaluations: int, total: int) -> None:
    goals = schedule.goals(Train(evaluations=evaluations), total)
    assert goals == sorted(set(goals))
    assert goals[-1] == total
    assert len(goals) == min(evaluations, total)


def test_the_first_limit_counts() -> None:
    assert schedule.iterations(Train(pixels=1e9, iterations=7), 100) == 7
    assert schedule.share(Train(), 5, 10, 1e9) == 0.5
    assert schedule.share(Train(minutes=2), 5, 10, 90) == 0.75
    assert schedule.share(Train(minutes=2), 5, 10, 500) == 1


@pytest.mark.parametrize(
    ("losses", "ended"),
    [([1.0], False), ([1.0, 2.0], False), ([1.0, 2.0, 2.0], True), ([3.0, 2.0, 1.0], False), ([math.nan, 2, 2], False)],
)
def test_patience_counts_evaluations_since_the_best(losses: list[float], ended: bool) -> None:
    assert schedule.out_of_patience(Train(patience=2), losses) == ended
    assert not schedule.out_of_patience(Train(), losses)


@pytest.mark.parametrize(
    ("losses", "improving"),
    [
        ([3.0, 2.0, 1.5, 1.4], True),
        ([3.0, 2.0, 1.4, 1.5], True),
        ([3.0, 1.4, 1.5, 1.6], False),
        ([1.0, *[2.0] * 19], False),
        ([2.0], True),
        ([math.nan, 2.0, 1.0], True),
    ],
)
def test_training_improves_while_its_best_is_recent(losses: list[float], improving: bool) -> None:
    assert schedule.improving(losses) == improving


def test_a_part_of_a_training_has_a_share_of_every_budget() -> None:
    train = {"pixels": 1e8, "evaluations": 20, "iterations": 55, "minutes": 30, "batch": 2}
    shorter = {"pixels": 1e7, "evaluations": 2, "iterations": 6, "minutes": 3.0, "batch": 2}
    assert schedule.shortened(train, 0.1) == pytest.approx(shorter)
