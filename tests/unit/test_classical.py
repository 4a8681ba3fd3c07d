"""The opponents are tuned as well as they can be, and scored like everything else."""

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


def test_no_other_strength_is_better_on_the_tuning_slices() -> None:
    noisy, truth, mask = cube()
    judged = np.zeros(truth.shape, bool)
    judged[4:8] = mask
    for result in best_filters(noisy, truth, judged, 1):
        variant = next(
            candidate
            for candidate in classical._variants(np.std((noisy - truth)[judged]))
            if candidate.name == result.name
        )
        strength = result.parameters[variant.strength]
        others = variant.choices or [strength * factor for factor in (0.5, 0.7, 0.85, 1.2, 1.5, 2)]
        best = max(psnr(variant.apply(noisy, other), truth, judged, 1) for other in others)
        assert result.psnr > best - 0.01


def test_a_slicewise_filter_does_not_look_at_other_slices() -> None:
    noisy, truth, mask = cube()
    flat = {result.name: result.volume for result in best_filters(noisy, truth, mask, 1)}
    changed = noisy.copy()
    changed[7] = 0
    for variant in classical._variants(NOISE):
        strength = variant.choices[2] if variant.choices else variant.bounds[1] / 2
        same = np.array_equal(variant.apply(noisy, strength)[6], variant.apply(changed, strength)[6])
        assert same == variant.name.endswith("2-D")
        assert flat[variant.name].shape == noisy.shape


@pytest.mark.parametrize(("judged", "block"), [([0], (0, 5)), (range(12), (0, 12)), (range(20, 24), (16, 24))])
def test_the_tuning_block_lies_around_judged_slices(judged: list[int], block: tuple[int, int]) -> None:
    inside = np.zeros((24, 4, 4), bool)
    inside[list(judged)] = True
    part, mask = classical._tuning_block(inside)
    assert part.indices(24)[:2] == block
    assert inside[part][mask].all()
    assert len(np.flatnonzero(mask.any(axis=(1, 2)))) == min(4, len(judged))
