"""The simulated cell: shadows hold the object's mass, and its truth is what its projections show."""

import numpy as np
import pytest

from tomodenoise.reconstruction.engines import registry
from tomodenoise.simulation import cell, series


def plan(guest: float | None = None) -> cell.Plan:
    return cell.plan(64, 5, np.random.default_rng(0), quiet=4, speed=1.0, guest=guest)


@pytest.mark.parametrize("step", [0.5, 7.5])
def test_its_projections_reconstruct_to_its_truth(step: float) -> None:
    moment = plan().at(step)
    angles = np.arange(120) * np.pi / 120
    sinograms = np.stack([cell.project_cell(moment, angle, 31.5, (5, 64)) for angle in angles]).swapaxes(0, 1)
    whole = registry.plan("torch", "fbp", angles, np.full(120, np.pi / 120), 64, filter="hann", pad="zero")
    image, truth = whole(sinograms.astype(np.float32), 31.5), cell.true_slices(moment, 64, range(5))
    assert sinograms.sum(axis=2)[2] == pytest.approx(truth[2].sum(), rel=2e-3)
    assert np.corrcoef(image[2].ravel(), truth[2].ravel())[0, 1] > 0.97


def test_nothing_moves_in_the_quiet_time_and_then_the_front_moves_on() -> None:
    assert plan().front(0) == plan().front(4)
    assert plan().front(7) == pytest.approx(plan().front(4) + 3)
    still, moved = (cell.true_slices(plan().at(step), 64, range(5)) for step in (3.5, 9.5))
    np.testing.assert_array_equal(still, cell.true_slices(plan().at(0.5), 64, range(5)))
    assert np.abs(moved - still).max() > 0.01


def test_the_guest_is_there_in_its_step_only() -> None:
    volumes = [cell.true_slices(plan(2.0).at(step + 0.5), 64, range(5)) for step in range(4)]
    assert np.abs(volumes[2] - volumes[1]).max() > 0.01
    np.testing.assert_array_equal(volumes[3], volumes[1])


@pytest.mark.parametrize(("projections", "shifts", "period"), [(29.5, 1, 2), (30.0, 3, 3)])
def test_steps_interlace_by_their_count_or_by_their_shifts(projections: float, shifts: int, period: int) -> None:
    turns = series.Turns(steps=6, projections=projections, shifts=shifts)
    angles = np.sort(series.angles(turns)[: round(period * projections)] % 180)
    assert np.diff(angles) == pytest.approx(180 / (period * projections), rel=1e-6)
