"""Noise, contrast, error and calibration on the held-out part, of predictors whose figures are known."""

from pathlib import Path

import pytest
import scans_on_disk
import torch
from torch import Tensor, nn

from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.training import dataset, distributed, grading, tasks
from tomodenoise.training.dataset import Data
from tomodenoise.training.options import Train

CLEAN = scans_on_disk.blobs(24, 64)
RANKS = distributed.alone()


class Middle(nn.Module):
    """Predict a multiple of the input in the middle slice."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, 1, y, x) of (n, 3, y, x)."""
        return self.factor * images[:, 1:2]


def data(folder: Path, sections: int, noise: float) -> Data:
    scan = scans_on_disk.write(folder, CLEAN, count=sections, noise=noise)
    spec = specs.complete(Network(name="unet", slices=3, width=2, depth=2))
    return dataset.prepare(tasks.Task([scan], spec, Train(patch=32, held_out=0.3), {}), RANKS)


@pytest.mark.parametrize("sections", [2, 3, 4])
def test_noise_and_contrast_are_those_of_the_full_reconstruction(tmp_path: Path, sections: int) -> None:
    measured = grading.measure(data(tmp_path, sections, 0.4), RANKS).as_json()
    assert measured["contrast"] == pytest.approx(CLEAN.std(), rel=0.1)
    assert measured["noise"] == pytest.approx(0.4 / sections**0.5 / CLEAN.std(), rel=0.1)


@pytest.mark.parametrize("sections", [2, 4])
def test_the_input_itself_gains_nothing_and_a_blur_is_better(tmp_path: Path, sections: int) -> None:
    held = data(tmp_path, sections, 0.4)
    grades = grading.grade(Middle(1.0), held, grading.measure(held, RANKS), RANKS)
    assert grades.gain == pytest.approx(0, abs=0.01)
    assert grades.skill is not None
    assert grades.skill < -3


def test_a_prediction_of_twice_the_contrast_has_half_the_slope(tmp_path: Path) -> None:
    held = data(tmp_path, 4, 0.01)
    measured = grading.measure(held, RANKS)
    slopes = [grading.grade(Middle(factor), held, measured, RANKS).slope for factor in (1.0, 2.0)]
    assert slopes == pytest.approx([1.0, 0.5], abs=0.01)


def test_a_constant_prediction_has_no_slope_and_plain_values_have_no_infinity(tmp_path: Path) -> None:
    held = data(tmp_path, 4, 0.4)
    grades = grading.grade(Middle(0.0), held, grading.measure(held, RANKS), RANKS)
    assert grades.as_json()["slope"] is None
    assert torch.isfinite(torch.tensor(grades.error))
