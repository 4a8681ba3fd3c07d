"""Voxel-wise uncertainty: the calibrated deviation is the true error, and its check sees where it is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch
from scipy.ndimage import gaussian_filter

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference, spread
from tomodenoise.evaluation import uncertainty as evaluation
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.metrics import uncertainty
from tomodenoise.metrics.support import Unsupported
from tomodenoise.networks import specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.report import uncertainty as report

SHAPE = (4, 128, 128)
MASK = np.ones(SHAPE[1:], dtype=bool)
SLICES = Slices(((0, 4),), MASK, held_out=True, why="")


def results(random: np.random.Generator, bias: float = 0.0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Simulate four results of one truth: their variance, the estimated and the true squared error of their mean.

    The noise grows to the right; `bias` is an error that all results have in common.
    """
    strength = np.linspace(0.5, 2.0, SHAPE[2]) * np.ones(SHAPE)
    common = bias * gaussian_filter(random.standard_normal(SHAPE), (0, 4, 4)) * 10
    moments = spread.Moments()
    for _ in range(4):
        moments.add(strength * random.standard_normal(SHAPE))
    wrong = np.asarray(moments.mean) + common
    first, second = random.standard_normal((2, *SHAPE))
    return moments.variance, (first - wrong) * (second - wrong), wrong**2


def test_the_stated_error_is_the_true_one_at_every_level() -> None:
    variance, error, _ = results(np.random.default_rng(0))
    line = uncertainty.fit(uncertainty.bins(variance, error, MASK))
    _, _, true = results(np.random.default_rng(1))
    strength = np.linspace(0.5, 2.0, SHAPE[2])
    stated = line.apply(variance).mean(axis=(0, 1))
    np.testing.assert_allclose(stated[8:-8], strength[8:-8] ** 2 / 4, rtol=0.25)
    assert stated.mean() == pytest.approx(true.mean(), rel=0.1)


def test_an_error_that_all_results_have_in_common_becomes_the_floor() -> None:
    variance, error, _ = results(np.random.default_rng(0), bias=1.0)
    without = uncertainty.fit(uncertainty.bins(*results(np.random.default_rng(0))[:2], MASK))
    line = uncertainty.fit(uncertainty.bins(variance, error, MASK))
    assert line.floor > without.floor + 0.2


def test_the_check_uses_other_pixels_and_notices_a_wrong_statement() -> None:
    known, unknown = uncertainty.halves(MASK)
    assert not (known & unknown).any()
    np.testing.assert_array_equal(known | unknown, MASK)
    variance, error, _ = results(np.random.default_rng(0))
    line = uncertainty.fit(uncertainty.bins(variance, error, known))
    found, spread_ = uncertainty.ratio(line, variance, error, unknown)
    assert abs(found - 1) < 5 * spread_ < 0.3
    found, spread_ = uncertainty.ratio(replace(line, floor=0, slope=line.slope / 4), variance, error, unknown)
    assert found > 1 + 5 * spread_


def test_few_pixels_or_no_error_are_refused() -> None:
    variance, error, _ = results(np.random.default_rng(0))
    few = np.zeros_like(MASK)
    few[:10, :10] = True
    with pytest.raises(Unsupported, match="too few to calibrate"):
        uncertainty.bins(variance, error, few)
    with pytest.raises(Unsupported, match="too small to be measured"):
        uncertainty.fit(uncertainty.bins(variance, -np.abs(error), MASK))


def test_the_uncertainty_is_never_less_than_the_noise_that_is_left() -> None:
    between = np.full((1, 1, 2, 2), 1 / 9)  # of results whose four sections contribute noise of variance 1
    line = {"floor": 0.0, "slope": 0.0, "least": evaluation.noise(4)}
    np.testing.assert_allclose(evaluation.apply([line], between) ** 2, 1 / 4, rtol=1e-5)


def test_pairs_of_sections_are_apart_in_time() -> None:
    assert evaluation.pairs(3) == [(0, 1), (0, 2), (1, 2)]
    assert evaluation.pairs(4) == [(0, 2), (1, 3)]


def test_a_channel_that_cannot_be_calibrated_keeps_its_noise_and_gives_the_reason() -> None:
    variance, error, _ = results(np.random.default_rng(0))
    both = np.stack([variance, variance])
    found = evaluation.Measured(both, np.stack([error, -np.abs(error)]), 4)
    good, bad = evaluation.calibrate(found, SLICES)
    assert "absent" not in good
    assert len(good["bins"]) == uncertainty.BINS
    assert (bad["floor"], bad["slope"], bad["least"]) == (0, 0, 9 / 4)
    stated = evaluation.apply([good, bad], both)
    np.testing.assert_allclose(stated[1], 1.5 * np.sqrt(variance), rtol=1e-5)
    shown = report.Uncertainty([good, bad], stated[0, 0], 2)
    assert shown.sentence.startswith("Calibrated in 1 of 2 channels")
    assert [chart.title for chart in report.charts(shown, "key")] == ["Stated and measured error"]
    alone = report.Uncertainty([bad], stated[0, 0], 2)
    assert alone.sentence.startswith("Not calibrated: the error is too small to be measured")
    assert report.charts(alone, "key") == []


def test_the_report_reads_what_the_job_wrote(tmp_path: Path) -> None:
    np.savez(tmp_path / "uncertainty.npz", uncertainty=np.ones((8, 8)))
    found = report.read({"channels": [{"absent": "why"}], "row": 3}, tmp_path / "uncertainty.npz")
    assert "slice 3" in found.shown[1]


def test_moments_are_those_of_all_images() -> None:
    images = np.random.default_rng(0).standard_normal((5, 1, 2, 32, 32))
    moments = spread.Moments()
    for image in images:
        moments.add(image)
    np.testing.assert_allclose(moments.mean, images.mean(axis=0))
    assert moments.variance.mean() == pytest.approx(images.var(axis=0, ddof=1).mean(), rel=0.02)


class Blur(torch.nn.Module):
    """A mean over 3 x 3 pixels of the middle slice, in the place of a network."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Blur (n, slice, y, x) to (n, 1, y, x)."""
        return torch.nn.functional.avg_pool2d(images[:, :1] * self.weight, 3, 1, 1, count_include_pad=False)


@pytest.mark.parametrize(("count", "ensemble"), [(3, 1), (4, 8)])
def test_sections_on_disk_give_the_true_error_for_all_but_two(tmp_path: Path, count: int, ensemble: int) -> None:
    clean = scans_on_disk.blobs(8, 128)
    scan = scans_on_disk.write(tmp_path, clean, count=count, noise=0.2)
    spec = specs.complete(Network(name="unet", slices=1, width=4, depth=1))
    model = Model(Blur().eval(), spec, Normalisation((0.0,), (1.0,)), {})
    mask = np.zeros((128, 128), dtype=bool)
    mask[8:-8, 8:-8] = True
    chosen = Slices(((0, 4), (4, 8)), mask, held_out=True, why="")
    found = evaluation.measure(model, scan, chosen, 0, ensemble)
    (calibration,) = evaluation.calibrate(found, chosen)
    less = inference.volume(model, spread.given(scan, tuple(range(count - 2))), (0, 8), mode="section")[0]
    true = np.sqrt(np.mean((less - clean)[:, mask] ** 2))
    stated = np.sqrt(np.mean(evaluation.apply([calibration], found.variance)[0][:, mask] ** 2))
    assert stated == pytest.approx(true, rel=0.12)
    assert calibration["ratio"] == pytest.approx(1, abs=4 * calibration["ratio_error"])
