"""Judging a scan: the groups of sections, what the figures say of good and bad images, and the baselines."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import judged_scans
import numpy as np
import pytest
import zarr
from scipy.ndimage import gaussian_filter

from tomodenoise.common.arrays import FloatArray
from tomodenoise.config import model as config_model
from tomodenoise.evaluation import (
    baselines,
    cases,
    comparison,
    figures_of_merit,
    record,
    section_groups,
    truth,
    verdicts,
)
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.figures_of_merit import Figure, Judgement
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.geometry import field_of_view
from tomodenoise.report import quality
from tomodenoise.splitting import by_angle
from tomodenoise.storage import zarr_arrays

SIZE = 96
MASK = field_of_view.mask(SIZE, 45)
ACQUISITION = Acquisition(
    2.0, 100, divided=True, shared=False, window="ram-lak", filtered=True, fewest_photons=12.0, low_photons=40.0
)
BETTER = verdicts.advice({}, trained=True)


def noise(seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((6, SIZE, SIZE)).astype(np.float32)


def sample() -> FloatArray:
    """Bright squares, slightly tilted and blurred, on dark ground."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    u, v = 0.94 * x + 0.342 * y, 0.94 * y - 0.342 * x
    image = ((np.abs(u) % 36 < 18) & (np.abs(v) % 36 < 18)).astype(np.float32)
    return np.repeat(gaussian_filter(image, 0.8)[None], 6, axis=0)


def judged(network: FloatArray, *, truth: bool = False, sections: int = 4, level: float = 0.3) -> Evidence:
    """Pretend that a network makes one image, whatever it is given, of sections with independent noise."""
    quarters = [sample() + level * noise(number) for number in range(4)]
    a, b, c, d = (quarter - network for quarter in quarters)
    scan = judged_scans.scan(np.arange(128), sections)
    groups = section_groups.choose(scan)
    return Evidence(
        scan,
        groups,
        ACQUISITION,
        MASK,
        judged_scans.stored(quarters, sections),
        predicted=network,
        opposite=sample(),
        denoised=network,
        neighbours=((a, b), (c, d)) if groups.neighbours else (),
        apart=((a, c), (b, d)) if groups.apart else (),
        truth=sample() if truth else None,
    )


def level_of(figure: str, e: Evidence, of: Acquisition = ACQUISITION) -> list[str]:
    values = figures_of_merit.judge(e).values
    return [verdict.level for verdict in verdicts.verdicts(values, of, BETTER) if verdict.figure == figure]


def test_every_other_section_is_given_and_the_rest_makes_two_targets() -> None:
    chosen = section_groups.choose(judged_scans.scan(np.arange(128)))
    assert (chosen.given, chosen.targets, chosen.twins) == ((0, 2), (1, 3), ((1,), (3,)))
    assert {frozenset((*a, *b)) for _, a, b in chosen.apart} == {frozenset({0, 2}), frozenset({1, 3})}
    for given, *pair in (*chosen.neighbours, *chosen.apart):
        assert sorted([*given, *pair[0], *pair[1]]) == [0, 1, 2, 3]


def test_neighbours_are_so_in_time_whatever_the_angles() -> None:
    """Frames that follow on each other lie in the sections 0 and 2, or 1 and 3, of this order of angles."""
    order = np.argsort(np.concatenate([np.sort(np.r_[0:128:4, 2:128:4]), np.sort(np.r_[1:128:4, 3:128:4])]))
    order = np.argsort(order)
    chosen = section_groups.choose(judged_scans.scan(order))
    assert {frozenset((*a, *b)) for _, a, b in chosen.neighbours} == {frozenset({0, 2}), frozenset({1, 3})}
    assert frozenset({0, 2}) not in {frozenset((*a, *b)) for _, a, b in chosen.apart}


@pytest.mark.parametrize("sections", [3, 4, 5])
def test_judging_asks_for_no_union_that_is_not_stored(sections: int) -> None:
    scan = judged_scans.scan(np.arange(60), sections, additive=False)
    chosen = section_groups.choose(scan)
    asked = [chosen.given, chosen.targets, *(chosen.twins or ())]
    asked += [side for three in (*chosen.neighbours, *chosen.apart) for side in three]
    asked += [*chosen.inputs, *([chosen.whole[-1:]] if chosen.inputs else [])]
    assert set(asked) <= set(scan.unions)
    assert chosen.twins
    assert chosen.neighbours


def test_inputs_are_compared_on_a_section_that_neither_contains() -> None:
    together, *parts = section_groups.choose(judged_scans.scan(np.arange(128))).inputs
    assert (together, parts) == ((0, 1, 2), [(0, 1), (0, 2), (1, 2)])


@pytest.mark.parametrize(
    ("together", "parts", "level", "words"),
    [
        (0.05, 0.1, "good", "are a better input"),
        (0.1, 0.05, "note", "Set denoise.input: sections"),
        (0.1, 0.1, "good", "equally"),
    ],
)
def test_the_better_input_is_found_without_the_truth(together: float, parts: float, level: str, words: str) -> None:
    unseen = sample() + 0.3 * noise(9)
    results = [sample() + error * noise(number) for number, error in ((7, together), (8, parts))]
    evidence = replace(judged(sample() + 0.1 * noise(5)), inputs=(results[0] - unseen, results[1] - unseen))
    values = figures_of_merit.judge(evidence).values
    (verdict,) = (v for v in verdicts.verdicts(values, ACQUISITION, BETTER) if v.figure == "input")
    assert (verdict.level, words in verdict.text) == (level, True)
    # An unbiased estimate of the difference of the true errors.
    expected = parts**2 - together**2
    assert abs(values["input"]["gain"] - expected) < 4 * values["input"]["gain_error"]


def test_two_sections_leave_no_two_targets_and_the_figures_say_so() -> None:
    judgement = figures_of_merit.judge(judged(sample(), sections=2))
    for name in ("umse", "cross_frc", "independence"):
        assert "split.sections: 3 or more" in judgement.absent[name]
    assert judgement.figures.keys() >= {"split_loss", "fsc", "calibration", "edges", "contrast", "residual", "coverage"}


def test_a_perfect_network_is_praised_for_everything() -> None:
    perfect = judged(sample(), truth=True)
    for figure in ("umse", "calibration", "edges", "contrast", "residual", "independence", "counts"):
        assert level_of(figure, perfect) in (["good"], ["note"]), figure
    assert level_of("calibration", perfect) == level_of("edges", perfect) == ["good"]
    assert figures_of_merit.judge(perfect).figures["truth"].values["psnr_half"] is not None


def test_a_blur_is_shown_by_edges_residual_and_slope() -> None:
    blurred = judged(np.stack([gaussian_filter(image, 3) for image in sample()]))
    for figure in ("calibration", "edges", "residual"):
        assert level_of(figure, blurred) == ["bad"], figure


def texts(figure: str, e: Evidence, better: str = BETTER) -> str:
    sentences = verdicts.verdicts(figures_of_merit.judge(e).values, ACQUISITION, better)
    return " ".join(verdict.text for verdict in sentences if verdict.figure == figure)


def test_advice_fits_how_the_model_was_trained() -> None:
    blurred = judged(np.stack([gaussian_filter(image, 3) for image in sample()]))
    for figure in ("calibration", "edges", "residual"):
        assert "Train longer" in texts(figure, blurred)
        assert "larger network" in texts(figure, blurred, verdicts.advice({"improving": False}, trained=True))
        other = texts(figure, blurred, verdicts.advice({}, trained=False))
        assert "models.NAME.scans" in other
        assert "longer" not in other


def test_rings_in_what_was_removed_are_reported_with_the_fix() -> None:
    e = judged(sample())
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    pattern = np.random.default_rng(3).standard_normal(SIZE)[np.hypot(y, x).astype(int)].astype(np.float32)
    ringed = replace(e, stored=e.stored + 0.15 * pattern)
    assert "shows rings" in texts("residual", ringed)
    assert "correct.stripes" in texts("residual", ringed)
    assert "outline" not in texts("residual", ringed)
    assert "neither rings nor edges" in texts("residual", e)


def test_lines_in_what_a_network_for_streaks_removed_are_left_open() -> None:
    blurred = judged(np.stack([gaussian_filter(image, 3) for image in sample()]))
    values = {"residual": figures_of_merit.judge(blurred).values["residual"]}
    (plain,) = verdicts.verdicts(values, ACQUISITION, BETTER)
    (open_,) = verdicts.verdicts(values, ACQUISITION, BETTER, copied=True)
    assert (plain.level, open_.level) == ("bad", "note")
    assert "as streaks of few angles do" in open_.text
    sound = {"residual": figures_of_merit.judge(judged(sample())).values["residual"]}
    assert verdicts.verdicts(sound, ACQUISITION, BETTER, copied=True) == verdicts.verdicts(sound, ACQUISITION, BETTER)


def test_a_low_slope_of_few_angles_is_no_fault_of_the_network() -> None:
    e = judged(sample() + 0.1 * noise(9))
    assert level_of("calibration", e) == ["note"]
    dense = by_angle.split(np.arange(640) * np.pi / 640, 4, 3)
    assert level_of("calibration", replace(e, scan=replace(e.scan, split=dense))) == ["bad"]


def test_a_small_gain_is_no_fault_where_there_is_no_noise() -> None:
    e = judged(sample(), level=0.001)
    same = replace(e, predicted=e.given)
    assert level_of("umse", same)[0] == "note"
    assert "little to remove" in texts("umse", same)
    noisy = judged(sample())
    assert level_of("umse", replace(noisy, predicted=noisy.given))[0] == "bad"


def test_noise_that_is_left_is_shown_by_the_slope_and_the_error() -> None:
    left = judged(sample() + 0.3 * noise(9))
    assert level_of("calibration", left) == ["bad"]
    assert figures_of_merit.judge(left).figures["umse"].values["umse"] == pytest.approx(0.09, rel=0.1)


def test_what_is_too_uncertain_or_worse_than_nothing_is_no_success() -> None:
    slope = {"slope": -8.7, "slope_error": 9.2, "sampling": 1.0}
    (sentence,) = verdicts.verdicts({"calibration": slope}, ACQUISITION, BETTER)
    assert (sentence.level, "cannot be checked" in sentence.text) == ("note", True)
    error = {"umse": 2e3, "umse_error": 1.0, "umse_given": 1e4, "umse_given_error": 1.0, "sampling": 1.0}
    (sentence,) = verdicts.verdicts({"umse": error | {"upsnr": -33.3, "upsnr_given": -40.4}}, ACQUISITION, BETTER)
    assert sentence.level == "bad"


def test_noise_that_frames_in_time_share_is_reported_as_afterglow() -> None:
    e, common = judged(sample()), 0.1 * noise(7)
    glowing = replace(e, neighbours=tuple((a + common, b + common) for a, b in e.neighbours))
    assert level_of("independence", glowing) == ["note"]
    measured = replace(ACQUISITION, afterglow=0.05)
    assert level_of("independence", glowing, measured) == ["bad"]
    values = figures_of_merit.judge(glowing).figures["independence"].values
    assert values["in_time"] == pytest.approx(0.1, abs=0.02)
    assert abs(figures_of_merit.judge(e).figures["independence"].values["in_time"]) < 0.02


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    files = tmp_path / "quality.json", tmp_path / "quality.npz"
    slices = Slices(((0, 6),), MASK, held_out=True, why="test")
    judgement = Judgement({"umse": Figure({"upsnr": float("nan"), "gain": np.inf})}, {})
    values = record.to_json(judgement, slices, section_groups.of_steps(1), "", [], None)
    record.write(*files, values, judgement.curves)
    assert json.loads(files[0].read_text())["figures"]["umse"] == {"upsnr": None, "gain": None}


def test_a_doubt_about_the_slices_is_the_first_verdict() -> None:
    slices = Slices(((0, 6),), MASK, held_out=True, why="test", note="worked out from its settings")
    values = record.to_json(Judgement({}, {}), slices, section_groups.of_steps(1), "", [], None)
    assert values["verdicts"] == [{"figure": "held_out", "level": "note", "text": "worked out from its settings"}]


def test_a_series_too_short_to_be_judged_says_why(tmp_path: Path) -> None:
    short, long = (SimpleNamespace(split=SimpleNamespace(times=times, per_step=1)) for times in (2, 3))
    reason = cases.refusal(short, 1)
    assert reason is not None
    assert "takes 3 time steps, and the scan has 2" in reason
    record.write(tmp_path / "quality.json", tmp_path / "quality.npz", record.refused(reason))
    assert json.loads((tmp_path / "quality.json").read_text())["absent"] == {"all": reason}
    assert quality.read_curves(tmp_path / "quality.npz") == {}
    assert cases.refusal(long, 1) is None
    assert "takes 5 time steps" in str(cases.refusal(long, 3))


def test_the_names_of_filters_are_those_of_the_configuration() -> None:
    assert set(baselines.FILTERS) == set(config_model.FILTERS)


def test_the_low_pass_of_phase_retrieval_damps_a_wave_by_its_formula() -> None:
    x = np.arange(256)
    wave = np.cos(2 * np.pi * x / 16)[None] * np.ones((256, 1))
    image = baselines.lorentzian(wave.astype(np.float32), 2.0)
    assert image[128, 128] / wave[128, 128] == pytest.approx(1 / (1 + (2 * np.pi * 2 / 16) ** 2), rel=0.01)
    assert baselines.lorentzian(np.ones((32, 40), np.float32), 3.0) == pytest.approx(1)


@pytest.mark.parametrize("name", list(baselines.FILTERS))
def test_a_filter_is_tuned_without_the_truth_and_better_than_none(name: str) -> None:
    e = judged(sample(), truth=True)
    baseline = baselines.filtered(name, e)
    before, after = (np.mean((image - sample())[:, MASK] ** 2) for image in (e.given, baseline.predicted))
    assert after < 0.7 * before
    assert np.mean((baseline.denoised - sample())[:, MASK] ** 2) < np.mean((e.raw - sample())[:, MASK] ** 2)
    assert baseline.denoised.shape == e.raw.shape


def test_columns_judge_all_alike() -> None:
    e = judged(sample() + 0.05 * noise(9), truth=True)
    figure = comparison.compare(e, [baselines.Baseline("twin", e.predicted, e.denoised, "")])
    assert figure is not None
    columns = figure.values["columns"]
    assert list(columns) == ["raw", "network", "twin"]
    assert columns["twin"] == columns["network"]
    assert columns["raw"]["slope"] < 0.95 < columns["network"]["slope"]
    assert columns["raw"]["psnr"] < 20
    assert set(figure.curves) == {"raw", "network", "twin", "truth"}


def test_the_square_that_is_shown_is_where_the_edges_are() -> None:
    image = np.zeros((600, 700), np.float32)
    image[400:440, 500:540] = 1
    y, x = comparison.region(image, np.ones(image.shape, bool))
    assert (y.start <= 395, y.stop >= 445) == (True, True)
    assert (x.start <= 495, x.stop >= 545) == (True, True)
    assert y.stop - y.start == x.stop - x.start == comparison.SHOWN


def reconstruction(depth: int, size: int, channels: int = 1, times: int = 1) -> SimpleNamespace:
    return SimpleNamespace(depth=depth, size=size, channels=channels, split=SimpleNamespace(times=times))


def test_a_truth_of_another_shape_is_refused(tmp_path: Path) -> None:
    volume = np.arange(4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8)
    np.save(tmp_path / "truth.npy", volume)
    with pytest.raises(Exception, match="crop it to that"):
        truth.read(tmp_path / "truth.npy", reconstruction(4, 9), (0, 4))
    with pytest.raises(Exception, match="crop it to that"):
        truth.read(tmp_path / "truth.npy", reconstruction(4, 8, channels=2), (0, 4))
    slices = truth.read(tmp_path / "truth.npy", reconstruction(2, 8), (1, 3))
    np.testing.assert_array_equal(slices(0, [(0, 1), (1, 2)]), volume[None, 1:3])


@pytest.mark.parametrize("zarr", [False, True])
def test_truth_is_read_step_by_step_but_all_channels_together(tmp_path: Path, zarr: bool) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 8, 8)).astype(np.float32)
    for name, shape in (("steps", (3, 1, 5, 8, 8)), ("channels", (1, 3, 5, 8, 8))):
        zarr_arrays.allocate(tmp_path / name, shape, shape, shape, names="tczyx", attributes={})
        zarr_arrays.write_shard(tmp_path / name, (0, 0, 0, 0, 0), values.reshape(shape))
        np.save(tmp_path / f"{name}.npy", values)
    steps, channels = (tmp_path / (name if zarr else f"{name}.npy") for name in ("steps", "channels"))
    slices = truth.read(steps, reconstruction(5, 8, times=3), (0, 5))(1, [(0, 1), (3, 5)])
    np.testing.assert_array_equal(slices, values[1:2, [0, 3, 4]])
    slices = truth.read(channels, reconstruction(5, 8, channels=3), (0, 5))(0, [(2, 4)])
    np.testing.assert_array_equal(slices, values[:, 2:4])


def test_figures_that_the_data_do_not_support_are_absent() -> None:
    flat = judged(np.zeros((6, SIZE, SIZE), np.float32))
    unknown = replace(ACQUISITION, fewest_photons=None)
    judgement = figures_of_merit.judge(replace(flat, opposite=flat.predicted, acquisition=unknown))
    assert judgement.absent.keys() >= {"contrast", "edges", "calibration", "truth", "counts"}


@pytest.mark.parametrize("version", [2, 3])
def test_a_truth_may_be_a_zarr_array_of_any_program(tmp_path: Path, version: Literal[2, 3]) -> None:
    volume = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
    array = zarr.create_array(tmp_path / "truth.zarr", data=volume, zarr_format=version)
    if version == 3:
        file = tmp_path / "truth.zarr/zarr.json"
        metadata = json.loads(file.read_text())
        file.write_text(json.dumps({key: value for key, value in metadata.items() if key != "attributes"}))
    assert array.shape == volume.shape
    slices = truth.read(tmp_path / "truth.zarr", reconstruction(4, 8), (0, 4))
    np.testing.assert_array_equal(slices(0, [(1, 3)]), volume[None, 1:3])
