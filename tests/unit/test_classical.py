"""The classical filters are tuned as well as they can be, and scored like everything else."""

from functools import partial

import numpy as np
import pytest

from tomodenoise.evaluation import classical
from tomodenoise.evaluation.classical import best_filters
from tomodenoise.metrics.merit import psnr, ssim

NOISE = 0.3
SIZE = 24


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "PATCHES_2D", ((5, 3),))
    monkeypatch.setattr(classical, "PATCHES_3D", ((5, 1),))
    monkeypatch.setattr(classical, "TV_ITERATIONS", 50)


def cube(depth: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth = np.zeros((depth, SIZE, SIZE), np.float32)
    truth[2:10, 6:18, 6:18] = 1
    noise = NOISE * np.random.default_rng(0).standard_normal(truth.shape)
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    return truth + noise.astype(np.float32), truth, np.hypot(y, x) < 11


def test_every_filter_beats_the_noise_and_3d_beats_2d() -> None:
    noisy, truth, mask = cube()
    inner = np.zeros(truth.shape, bool)
    inner[4:8] = mask
    results = {result.name: result for result in best_filters(noisy, truth, inner, 1)}
    raw = psnr(noisy, truth, inner, 1)
    for kind in ("median", "TV", "NLM"):
        assert raw + 3 < results[f"{kind} 2-D"].psnr < results[f"{kind} 3-D"].psnr


def test_figures_are_of_the_judged_slices_in_any_unit() -> None:
    noisy, truth, mask = cube()
    judged = np.zeros(truth.shape, bool)
    judged[3:8] = mask
    results = best_filters(noisy * 50, truth * 50, judged, 50)
    assert [result.psnr for result in results] == sorted((result.psnr for result in results), reverse=True)
    for result in results:
        assert result.psnr == pytest.approx(psnr(result.volume, truth * 50, judged, 50), abs=1e-4)
        assert result.ssim == pytest.approx(ssim(result.volume, truth * 50, judged, 50), abs=1e-4)
        assert result.volume.dtype == np.float32


def filtered(result: classical.Result, image: np.ndarray, factor: float, noise: float) -> np.ndarray:
    """Apply the filter of a result at a multiple of its strength."""
    strengths = {key: value * factor for key, value in result.parameters.items() if key in {"radius", "weight", "h"}}
    fixed = {key: int(value) for key, value in result.parameters.items() if key not in strengths}
    kind, dimensions = result.name.split()
    filters = {"median": classical.median, "TV": classical.total_variation, "NLM": classical.non_local_means}
    apply = partial(filters[kind], **strengths, **fixed, **({"noise": noise} if kind == "NLM" else {}))
    return np.stack([apply(one) for one in image]) if dimensions == "2-D" else apply(image)


def test_no_other_strength_is_better_on_the_tuning_slices() -> None:
    noisy, truth, mask = cube()
    judged = np.zeros(truth.shape, bool)
    judged[4:8] = mask
    noise = float(np.std((noisy - truth)[judged]))
    for result in best_filters(noisy, truth, judged, 1):
        assert result.psnr == pytest.approx(psnr(filtered(result, noisy, 1, noise), truth, judged, 1), abs=1e-3)
        for factor in (0.5, 0.7, 0.85, 1.2, 1.5, 2):
            assert result.psnr > psnr(filtered(result, noisy, factor, noise), truth, judged, 1) - 0.01


def test_only_3d_filters_look_at_other_slices_and_none_is_tuned_on_them() -> None:
    noisy, truth, mask = cube(depth=24)
    judged = np.zeros(truth.shape, bool)
    judged[3:7] = mask  # with four more on both sides, 0 to 10 are seen
    changed = noisy.copy()
    changed[20] = 9
    before, after = ({one.name: one for one in best_filters(image, truth, judged, 1)} for image in (noisy, changed))
    for name, result in before.items():
        assert after[name].parameters == result.parameters
        assert np.array_equal(after[name].volume[19], result.volume[19]) == name.endswith("2-D")


@pytest.mark.parametrize("judged", [[0], [*range(20, 24)]])
def test_slices_at_either_end_can_be_judged(judged: list[int]) -> None:
    noisy, truth, mask = cube(depth=24)
    inside = np.zeros(truth.shape, bool)
    inside[judged] = mask
    assert all(np.isfinite(result.psnr) for result in best_filters(noisy, truth, inside, 1))
