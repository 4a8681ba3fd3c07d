"""Channels and time steps are judged one by one: right against a truth that only the test knows, and put in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tomodenoise.evaluation import cases, figures_of_merit, judging, per_channel, truth
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.evaluation.profile import Profile
from tomodenoise.geometry import field_of_view
from tomodenoise.networks import specs
from tomodenoise.splitting import by_angle, time_steps
from tomodenoise.splitting.model import Split
from tomodenoise.storage import zarr_arrays
from tomodenoise.storage.sections import Sections

SIZE, DEPTH, NOISE = 96, 6, 0.3
MASK = field_of_view.mask(SIZE, 44)
SLICES = Slices(((0, DEPTH),), MASK, held_out=True, why="test")
ACQUISITION = Acquisition(None, 0, divided=True, shared=False, window="ram-lak", filtered=True)


@dataclass(frozen=True)
class Blur:
    """Stand-in for a network that smooths slices."""

    sigma: float = 1.0
    spec: ClassVar[specs.Spec] = specs.Spec("unet", 1, 1, 1, 2)
    facts: ClassVar[dict[str, object]] = {}


@pytest.fixture(autouse=True)
def _blur(monkeypatch: pytest.MonkeyPatch) -> None:
    def denoise(model, scan, rows, *, time, mode, ensemble):  # noqa: ANN001, ANN202
        scan = scan.at(time)
        stored = scan.read(*rows)
        weights = scan.shares if mode == "full" else scan.mixing(scan.split.roles[0].inputs)
        for image in np.tensordot(weights, stored, 1).swapaxes(0, 1):
            yield image, gaussian_filter(image, (0, model.sigma, model.sigma)).astype(np.float32)

    monkeypatch.setattr("tomodenoise.denoising.inference.denoise", denoise)


def objects(count: int) -> np.ndarray:
    """Smooth objects (count, z, y, x) of deviation 1."""
    rng = np.random.default_rng(3)
    values = gaussian_filter(rng.normal(size=(count, DEPTH, SIZE, SIZE)), (0, 0, 6, 6))
    return values / values.std(axis=(1, 2, 3), keepdims=True)


def written(path: Path, values: np.ndarray, split: Split) -> Sections:
    """Sections (S, channel, z, y, x) with noise of their own, independent from pixel to pixel."""
    noisy = (values + np.random.default_rng(4).normal(0, NOISE, values.shape)).astype(np.float32)
    zarr_arrays.allocate(path, values.shape, values.shape, values.shape, names="tczyx", attributes={})
    zarr_arrays.write_shard(path, (0, 0, 0, 0, 0), noisy)
    unions = tuple((i,) for i in range(len(values)))
    return Sections(path, values.shape[1], DEPTH, SIZE, split, 44.0, unions)


def of_channels(folder: Path, images: np.ndarray) -> cases.Case:
    split = by_angle.split(np.arange(128) * np.pi / 128, 4, 3)
    np.save(folder / "truth.npy", images.astype(np.float32))
    scan = written(folder / "sections.zarr", np.repeat(images[None], 4, axis=0), split)
    return cases.Case(scan, Blur(), SLICES, ACQUISITION, truth=truth.read(folder / "truth.npy", scan, (0, DEPTH)))  # type: ignore[arg-type]


def of_steps(folder: Path, images: np.ndarray, by: str = "time") -> cases.Case:
    times, sections = len(images), 1 if by == "time" else 4
    numbers = np.repeat(np.arange(times), 32)
    split = time_steps.split(
        np.linspace(0, times * np.pi, 32 * times, endpoint=False), numbers, by, 2 if sections == 1 else 4, 1
    )
    np.save(folder / "truth.npy", images.astype(np.float32))
    scan = written(folder / "sections.zarr", np.repeat(images[:, None], sections, axis=0), split)
    true = truth.read(folder / "truth.npy", scan, (0, DEPTH))
    return cases.Case(scan, Blur(), SLICES, ACQUISITION, window=(0, 4), truth=true)  # type: ignore[arg-type]


def profile(case: cases.Case) -> Profile:
    """Judge each channel or step."""
    count = case.scan.split.times
    labels = per_channel.steps(count, None) if count > 1 else ["a", "b", "c"]
    found = per_channel.judge(cases.series(case, cases.collect(case, case.middle)), labels, case.window, case.axis)
    assert found is not None
    return found


def test_the_error_of_each_channel_is_found_without_the_truth(tmp_path: Path) -> None:
    scale = np.array([1.0, 4.0, 0.5])[:, None, None, None]
    case = replace(of_channels(tmp_path, scale * objects(3)), model=Blur(4))  # type: ignore[arg-type]
    along = profile(case)
    assert along.places == [0, 1, 2]
    np.testing.assert_allclose(along.line("umse_given"), NOISE**2 / 2, rtol=0.05)
    np.testing.assert_allclose(along.line("upsnr"), along.line("psnr_half"), atol=0.5)
    assert set(along.absent) <= {"cross_frc"}


def test_the_mean_of_the_channels_is_judged_in_all_respects(tmp_path: Path) -> None:
    case = of_channels(tmp_path, objects(3))
    whole = cases.collect(case, case.middle).select()
    assert whole.raw.shape == (DEPTH, SIZE, SIZE)
    assert whole.truth is not None
    np.testing.assert_allclose(whole.truth, objects(3).mean(axis=0), atol=1e-6)
    assert (whole.raw - whole.truth)[:, MASK].std() == pytest.approx(NOISE / np.sqrt(12), rel=0.05)
    assert whole.noise[:, MASK].std() == pytest.approx(NOISE / np.sqrt(12), rel=0.05)
    judgement = figures_of_merit.judge(whole)
    assert judgement.figures.keys() >= {"umse", "fsc", "calibration", "residual", "independence", "truth"}
    assert "mean of all channels" in case.basis(whole.groups)


def test_a_channel_of_noise_alone_is_reported(tmp_path: Path) -> None:
    images = objects(3)
    images[1] = 0
    sentences = per_channel.verdicts(profile(of_channels(tmp_path, images)))
    assert [v.text for v in sentences if "confirm no structure" in v.text and "image of b:" in v.text]


@pytest.mark.parametrize("by", ["time", "angle"])
def test_the_error_of_each_step_is_found_without_the_truth(tmp_path: Path, by: str) -> None:
    image = objects(1)[0]
    case = of_steps(tmp_path, np.repeat(image[None], 6, axis=0), by)
    along = profile(replace(case, model=Blur(4)))  # type: ignore[arg-type]
    assert along.places == (list(range(1, 5)) if by == "time" else list(range(6)))
    parts = 1 if by == "time" else 2
    np.testing.assert_allclose(along.line("umse_given"), NOISE**2 / parts, rtol=0.05)
    np.testing.assert_allclose(along.line("upsnr"), along.line("psnr_half"), atol=0.3)
    assert [v.level for v in per_channel.verdicts(profile(case))] == ["good"] * 3


def test_an_even_drift_changes_the_steps_error_but_hardly_its_slope(tmp_path: Path) -> None:
    first, second = objects(2)
    drifting = np.stack([first + 0.3 * time * second for time in range(6)])
    along = profile(of_steps(tmp_path, drifting))
    assert max(along.line("umse")) < 0 < max(along.line("psnr_denoised")), "slow change lowers the estimate"
    np.testing.assert_allclose(along.line("slope"), 1, atol=0.03)


def test_the_step_in_the_middle_of_training_is_judged_in_all_respects(tmp_path: Path) -> None:
    case = of_steps(tmp_path, np.repeat(objects(1), 6, axis=0))
    assert case.middle == 2
    assert replace(case, window=(0, 0)).middle == 1
    whole = cases.collect(case, case.middle).select()
    assert whole.noise[:, MASK].std() == pytest.approx(NOISE, rel=0.05), "as strong as in the step itself"
    judgement = figures_of_merit.judge(whole)
    assert judgement.figures.keys() >= {"umse", "cross_frc", "calibration", "residual", "truth"}
    assert judgement.figures["residual"].values["noise"] == pytest.approx(NOISE, rel=0.05)
    assert "not half each" in judgement.absent["fsc"]
    assert "shared noise" in judgement.absent["independence"]


def line(axis: str, labels: Sequence[str], **figures: list[float | None]) -> Profile:
    return Profile(axis, range(len(next(iter(figures.values())))), figures, {}, labels, (0, 2))


def test_an_error_that_rises_after_training_is_bad() -> None:
    slopes = {"slope": [1.0, 1.0, 1.0, 0.5], "slope_error": [0.01] * 4}
    sentences = per_channel.verdicts(line("step", per_channel.steps(4, 0.5), umse=[1.0, 1.0, 2.0, 2.0], **slopes))
    assert [v.level for v in sentences] == ["bad", "good", "note"]
    assert "3.0 dB higher" in sentences[0].text
    assert "step 3 (1.5 s) (slope 0.50 to 0.50)" in sentences[2].text


def test_a_slope_within_much_noise_is_neither_right_nor_wrong() -> None:
    sentences = per_channel.verdicts(line("channel", "abc", slope=[1.0, 0.7, 9.0], slope_error=[0.01, 0.2, 2.0]))
    assert [v.level for v in sentences] == ["good", "note"]
    assert "1 of 3" in sentences[0].text


def test_many_are_counted_and_few_are_named() -> None:
    sentences = per_channel.verdicts(
        line("channel", "abcdefghijklmnopqrst", slope=[0.5] * 20, slope_error=[0.001] * 20)
    )
    assert "f and 14 more" in sentences[0].text


def test_static_scans_of_one_channel_have_no_profile(tmp_path: Path) -> None:
    case = of_channels(tmp_path, objects(1)[:1])
    assert per_channel.judge(cases.series(case, cases.collect(case, 0)), [], (), case.axis) is None


def test_a_case_is_judged_along_its_channels_and_next_to_a_filter(tmp_path: Path) -> None:
    case = of_channels(tmp_path, objects(3))
    values, curves = judging.judge(case, ["a", "b", "c"], ["median"], {}, trained=True)
    assert values["along"]["places"] == [0, 1, 2]
    assert values["figures"]["comparison"]["columns"].keys() == {"raw", "network", "median"}
    assert curves["comparison/median"].shape == curves["comparison/network"].shape
    assert {verdict["figure"] for verdict in values["verdicts"]} > {"umse", "along"}
