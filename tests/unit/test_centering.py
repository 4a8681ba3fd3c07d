"""The center of rotation is found to a quarter of a pixel, or reported as uncertain."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from benchmarks import coverage
from hypothesis import given, settings
from hypothesis import strategies as st

from data import measured
from tomodenoise.centering import circle, finding
from tomodenoise.centering.finding import Center
from tomodenoise.centering.picture import OFFSETS, figure
from tomodenoise.centering.stating import Estimate
from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.geometry import rotation_axis

GOLDEN = np.pi * (np.sqrt(5) - 1) / 2

ORDERS: dict[str, Callable[[int], FloatArray]] = {
    "both ends": lambda views: np.linspace(0, np.pi, views),
    "one step short": lambda views: np.arange(views) * np.pi / views,
    "backwards from 40 degrees": lambda views: 0.7 - np.arange(views) * np.pi / views,
    "golden angle": lambda views: np.arange(views) * GOLDEN % np.pi,
    "whole turn": lambda views: np.arange(views) * 2 * np.pi / views,
    "whole turn, odd, both ends": lambda views: np.linspace(0, 2 * np.pi, views),
    "golden angle, whole turn": lambda views: np.arange(views) * 2 * GOLDEN % (2 * np.pi),
    "five turns": lambda views: np.arange(views) * 10 * np.pi / views,
}


def discs(rng: np.random.Generator, radius: float) -> FloatArray:
    """Draw a disc of `radius` and 25 in it: x, y, radius, attenuation."""
    size = rng.uniform(0.03, 0.2, 25) * radius
    far, turn = np.sqrt(rng.random(25)) * (0.97 * radius - size), rng.uniform(0, 2 * np.pi, 25)
    inner = np.stack([far * np.cos(turn), far * np.sin(turn), size, rng.uniform(-0.5, 1.5, 25)], axis=1)
    return np.vstack([[0, 0, radius, 0.7], inner])


def project(phantom: FloatArray, angles: FloatArray, columns: int, center: float) -> FloatArray:
    """Sum the exact chords through the discs, brightest at 1.5."""
    sinogram: FloatArray = np.zeros((len(angles), columns))
    for x, y, radius, value in phantom:
        along = np.arange(columns) - center - (x * np.cos(angles) + y * np.sin(angles))[:, None]
        sinogram += 2 * value * np.sqrt(np.clip(radius**2 - along**2, 0, None))
    return np.asarray(1.5 * sinogram / sinogram.max())


def measure(
    rng: np.random.Generator,
    angles: FloatArray,
    columns: int,
    center: float,
    radius: float | None = None,
    counts: float = 2000,
    rows: int = 3,
) -> FloatArray:
    """Simulate rows of a noisy scan; by default the object fills the field of view around the axis."""
    radius = min(center, columns - 1 - center) - 3 if radius is None else radius
    exact = np.stack([project(discs(rng, radius), angles, columns, center) for _ in range(rows)])
    return np.asarray(-np.log((rng.poisson(counts * np.exp(-exact)) + 0.5) / counts), dtype=np.float32)


def somewhere(rng: np.random.Generator, columns: int) -> float:
    return (columns - 1) / 2 + rng.uniform(-60, 60)


@pytest.mark.parametrize("turn", [np.pi, 2 * np.pi])
def test_a_sample_that_slips_during_the_scan_is_noticed(turn: float) -> None:
    rng = np.random.default_rng(5)
    angles = np.arange(200) * turn / 200
    still = measure(rng, angles, 128, 62.0, radius=40)
    assert not any(estimate.moved for estimate in finding.find(still, angles).estimates)
    still[:, 120:] = np.roll(still[:, 120:], 3, axis=2)
    result = finding.find(still, angles)
    assert result.confidence.startswith("low: ")
    assert "the sample or the axis moved" in (result.warning or "")


def test_one_odd_view_is_no_slip() -> None:
    rng = np.random.default_rng(6)
    angles = np.arange(200) * np.pi / 200
    views = measure(rng, angles, 128, 62.0, radius=40)
    views[:, 70] -= 0.7
    assert not any(estimate.moved for estimate in finding.find(views, angles).estimates)


def test_views_that_agree_in_thirds_are_trusted_however_weak_their_match() -> None:
    """A gel in which little turns: every third of the pairs has its best match, a weak one, at one place."""
    rng = np.random.default_rng(1)
    angles = np.arange(144) * 4 * np.pi / 144
    pores = [[35, 15, 15, -0.1], [-40, -25, 15, -0.1], [10, -50, 15, -0.1], [-20, 45, 15, -0.1]]
    exact = project(np.array([[0, 0, 110, 1.0], *pores]), angles, 282, 140.5)[None]
    result = finding.find(np.asarray(exact + 0.04 * rng.standard_normal(exact.shape), np.float32), angles)
    assert result.method == "mirror"
    assert result.estimates[0].spread is not None
    assert abs(result.center - 140.5) < 2 * result.estimates[0].spread


def test_the_search_stays_on_the_detector() -> None:
    """Of a crop without anything to match, no estimator breaks down, and the middle is taken."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        noise = np.asarray(0.2 + 0.1 * rng.standard_normal((4, 300, 26)), np.float32)
        result = finding.find(noise, np.linspace(0, np.pi, 300))
        assert all("failed" not in (estimate.reason or "") for estimate in result.estimates)
        assert 0 <= result.center <= 25


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("columns", "views", "seed"), [(256, 180, 0), (300, 201, 1), (512, 360, 2)])
def test_quarter_of_a_pixel_in_any_order(order: str, columns: int, views: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    center, angles = somewhere(rng, columns), ORDERS[order](views)
    result = finding.find(measure(rng, angles, columns, center), angles)
    assert result.center == pytest.approx(center, abs=0.25)
    assert result.warning is None


@settings(max_examples=3, derandomize=True)
@given(shift=st.floats(-60, 60), start=st.floats(-7, 7), seed=st.integers(0, 1000))
def test_start_of_the_scan_and_center_do_not_matter(shift: float, start: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = start + np.arange(150) * np.pi / 150
    assert finding.find(measure(rng, angles, 256, 127.5 + shift), angles).center == pytest.approx(
        127.5 + shift, abs=0.25
    )


@pytest.mark.parametrize("order", ["both ends", "one step short", "golden angle", "whole turn"])
def test_object_larger_than_the_detector(order: str) -> None:
    rng = np.random.default_rng(5)
    angles = ORDERS[order](360)
    result = finding.find(measure(rng, angles, 320, 181.3, radius=200), angles)
    assert result.center == pytest.approx(181.3, abs=0.4)


@pytest.mark.parametrize("order", ["one step short", "whole turn"])
def test_rings_zingers_and_few_counts(order: str) -> None:
    rng = np.random.default_rng(6)
    angles = ORDERS[order](300)
    sinograms = measure(rng, angles, 320, 141.8, counts=400, rows=8)
    sinograms[:, :, rng.integers(0, 320, 8)] += rng.normal(0, 0.1, 8).astype(np.float32)
    sinograms[rng.random(sinograms.shape) < 1e-3] -= 1.5
    assert finding.find(sinograms, angles).center == pytest.approx(141.8, abs=0.25)


@pytest.mark.parametrize("order", ["one step short", "whole turn"])
@pytest.mark.parametrize("seed", range(3))
def test_thirty_photons_with_stripes_and_zingers(order: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = ORDERS[order](180)
    center = 127.5 + rng.uniform(-30, 30)
    sinograms = measure(rng, angles, 256, center, counts=30, rows=16)
    sinograms[:, :, rng.integers(0, 256, 10)] += rng.uniform(-0.03, 0.03, 10).astype(np.float32)
    sinograms[rng.random(sinograms.shape) < 5e-4] = -2.3
    assert finding.find(sinograms, angles).center == pytest.approx(center, abs=0.25)


WHOLE = np.arange(360) * 2 * np.pi / 360


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("center", [19.3, 60.8, 236.4])
def test_half_acquisition(seed: int, center: float) -> None:
    rng = np.random.default_rng(seed)
    reach = max(center, 255 - center)
    result = finding.find(measure(rng, WHOLE, 256, center, radius=0.9 * reach, counts=450, rows=4), WHOLE)
    assert result.center == pytest.approx(center, abs=0.25)
    assert result.method == "mirror"
    assert rotation_axis.is_extended("auto", result.center, 256, WHOLE)


@pytest.mark.parametrize("seed", range(4))
def test_strong_stripes_do_not_match_themselves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sinograms = measure(rng, WHOLE, 256, 60.8, radius=180, rows=2)
    sinograms[:, :, [17, 18, 230, 233]] += 0.5  # at the mirror images of each other about other centers
    sinograms += rng.normal(0, 0.1, (2, 1, 256)).astype(np.float32)
    assert finding.find(sinograms, WHOLE).center == pytest.approx(60.8, abs=0.25)


def test_a_half_turn_is_searched_in_the_middle_only() -> None:
    angles = ORDERS["both ends"](180)
    sinograms = measure(np.random.default_rng(0), angles, 256, 40.0, radius=200)
    assert 64 - 8 <= finding.find(sinograms, angles).center <= 192 + 8


def tilted(rng: np.random.Generator, angles: FloatArray, slope: float) -> tuple[FloatArray, IntArray]:
    """16 rows of a scan of 160, the axis at 128 in the middle."""
    rows = np.linspace(0, 159, 16).astype(int)
    parts = [measure(rng, angles, 256, 128 + slope * (row - 79.5), radius=100, counts=450, rows=1) for row in rows]
    return np.concatenate(parts), rows


@pytest.mark.parametrize("order", ["both ends", "whole turn"])
@pytest.mark.parametrize("slope", [-0.05, 0.005])
def test_a_tilt_is_measured_and_warned_of(order: str, slope: float) -> None:
    angles = ORDERS[order](180)
    sinograms, rows = tilted(np.random.default_rng(1), angles, slope)
    result = finding.find(sinograms, angles, rows)
    assert result.tilt_found == pytest.approx(slope, abs=0.002)
    assert result.center == pytest.approx(128, abs=0.25)
    assert result.row == 79.5
    assert "set tilt: auto" in str(finding.settle(result, "auto", 0).warning)
    applied = finding.settle(result, "auto", "auto")
    assert applied.warning is None
    assert applied.tilt == result.tilt_found


def test_an_upright_axis_is_left_upright() -> None:
    angles = ORDERS["whole turn"](180)
    sinograms, rows = tilted(np.random.default_rng(2), angles, 0)
    result = finding.find(sinograms, angles, rows)
    assert finding.settle(result, "auto", 0).warning is None
    assert finding.settle(result, "auto", "auto").tilt == 0


def test_the_confidence_is_a_line_that_a_person_understands() -> None:
    rng = np.random.default_rng(3)
    angles = ORDERS["whole turn"](180)
    seen = finding.find(measure(rng, angles, 256, 120.0, radius=100), angles)
    cut = finding.find(measure(rng, angles, 256, 120.0, radius=200), angles)
    blind = finding.find(rng.normal(size=(3, 180, 64)).astype(np.float32), angles)
    assert re.fullmatch(r"high: ± 0.0\d px; two halves of the data differ by 0.\d\d px", seen.confidence)
    assert re.fullmatch(r"high: ± 0.\d\d px; two halves of the data differ by 0.\d\d px", cut.confidence)
    assert blind.confidence.startswith("none")
    assert finding.settle(seen, 130.0, 0).confidence == "set in the configuration"


def test_a_small_object_off_the_axis_does_not_let_air_match_air() -> None:
    rng = np.random.default_rng(7)
    angles = ORDERS["both ends"](180)
    phantom = np.add(discs(rng, 30), (40, 25, 0, 0))
    noise = rng.normal(0, 0.02, (1, 180, 256))
    sinograms = (project(phantom, angles, 256, 100.4) + noise).astype(np.float32)
    assert finding.find(sinograms, angles).center == pytest.approx(100.4, abs=0.25)


def test_missing_wedge_is_left_to_the_moments() -> None:
    rng = np.random.default_rng(8)
    angles = np.deg2rad(np.arange(-76, 77, 2.0))
    result = finding.find(measure(rng, angles, 256, 133.7, radius=100), angles)
    assert result.method == "moments"
    # A stationary object would shift it unnoticed.
    assert "the center is uncertain: moments 133." in str(result.warning)
    assert result.center == pytest.approx(133.7, abs=0.25)


def test_missing_wedge_of_a_truncated_object_is_doubted() -> None:
    rng = np.random.default_rng(9)
    angles = np.deg2rad(np.arange(-76, 77, 2.0))
    warning = finding.find(measure(rng, angles, 256, 133.7, radius=200), angles).warning
    assert warning is not None
    assert "cannot be found" in warning


@pytest.mark.parametrize("sinograms", [np.zeros((2, 90, 64)), np.random.default_rng(0).normal(size=(3, 90, 64))])
def test_nothing_to_see_is_doubted(sinograms: FloatArray) -> None:
    result = finding.find(sinograms.astype(np.float32), ORDERS["both ends"](90))
    assert result.warning is not None
    assert np.isfinite(result.center)


def test_estimates_that_disagree_are_named() -> None:
    rng = np.random.default_rng(10)
    angles = ORDERS["whole turn"](180)
    sinograms = measure(rng, angles, 256, 120.0, radius=80)
    sinograms += 0.6 * np.exp(-(((np.arange(256) - 200) / 8) ** 2)).astype(np.float32)  # a shadow that does not turn
    warning = finding.find(sinograms, angles).warning
    assert warning is not None
    assert re.search(r"mirror \d+\.\d\d, moments \d+\.\d\d$", warning)


def test_same_input_same_bits() -> None:
    angles = ORDERS["golden angle"](180)
    sinograms = measure(np.random.default_rng(11), angles, 256, 120.0)
    assert finding.find(sinograms, angles) == finding.find(sinograms.copy(), angles.copy())


@given(st.integers(8, 60), st.sampled_from(sorted(ORDERS)))
def test_pairs_are_opposite(views: int, order: str) -> None:
    angles = ORDERS[order](views)
    pairs = circle.opposite(angles)
    assert len(pairs) > 0
    apart = np.diff(np.exp(1j * angles)[pairs] * [1, -1], axis=1)
    step = np.diff(np.unique(np.round(np.mod(angles, 2 * np.pi), 6))).mean()
    assert np.abs(apart).max() < 2.1 * step


def test_pairs_of_a_dynamic_scan_are_close_in_time() -> None:
    angles = np.arange(720) * 2 * np.pi / 72
    pairs = circle.opposite(angles)
    assert np.abs(np.diff(pairs, axis=1)).max() == 36


REAL = {
    "tooth": ("tooth/tooth.h5", 295.5),
    "basalt": ("basalt/basalt_dx.h5", 312.25),
    "needle": ("haadf_needle/haadf_needle_aligned_dx.h5", 128.0),
    "wood": ("wood360/wood360_dx.h5", 283.5),
    "gel": ("gel_dynamic/gel_parallel_dx.h5", 140.5),
}


def line_integrals(path: Path) -> tuple[FloatArray, FloatArray]:
    with h5py.File(path) as file:
        exchange = file["exchange"]
        data, angles = exchange["data"][()], np.deg2rad(exchange["theta"][()])
        if "data_white" in exchange:
            flat, dark = exchange["data_white"][()].mean(0), exchange["data_dark"][()].mean(0)
            data = -np.log(np.clip((data - dark) / (flat - dark), 1e-4, None))
    return np.moveaxis(data, 0, 1).astype(np.float32), angles


@pytest.mark.parametrize("name", REAL)
def test_measured(name: str) -> None:
    path, center = REAL[name]
    result = finding.find(*line_integrals(measured(path)))
    assert result.center == pytest.approx(center, abs=1)
    assert (result.warning is None) == (result.method != "moments")
    assert abs(result.center - center) < 2.5 * (result.estimates[0].spread or 0)


@pytest.mark.parametrize("channel", range(5))
def test_measured_under_strong_stripes(channel: int) -> None:
    with h5py.File(measured("rock_spectral/Sinogram_Rock_sample_2D_channels.nxs")) as file:
        sinogram = file["entry1/tomo_entry/data/data"][channel]
        angles = file["entry1/tomo_entry/data/rotation_angle"][()].astype(float)
    # By eye, with the stripes off: at 199.5 all grains are sharp, at 197 and at 202 they are double.
    assert finding.find(sinogram[None].astype(np.float32), angles).center == pytest.approx(199.5, abs=1)


def test_measured_inside_the_sample_is_doubted() -> None:
    with h5py.File(measured("k11_18014/k11-18014.nxs")) as file:
        key, data = file["entry/instrument/imaging/image_key"][()], file["entry/imaging/data"][()].astype(np.float32)
        angles = np.deg2rad(file["entry/imaging/gts_theta_value"][()])
    flat, dark = data[key == 1].mean(0), data[key == 2].mean(0)
    sinograms = -np.log(np.clip((data[key == 0] - dark) / (flat - dark), 1e-4, None))
    assert finding.find(np.moveaxis(sinograms, 0, 1), angles[key == 0]).warning is not None


STANDING: dict[str, Callable[[FloatArray], None]] = {
    "a mask on one side": lambda sinograms: shade(sinograms, slice(0, 30), 0.8),
    "a wide strip": lambda sinograms: shade(sinograms, slice(60, 85), 0.5),
    "a wire": lambda sinograms: shade(sinograms, slice(170, 177), 1.5),
    "dead columns": lambda sinograms: sinograms[:, :, 100:108].fill(0.4),
    "a smooth shadow": lambda sinograms: shade(
        sinograms, slice(None), 0.5 * np.exp(-(((np.arange(256) - 90) / 30) ** 2))
    ),
    "a ring in every third column": lambda sinograms: shade(
        sinograms, slice(None), np.random.default_rng(1).normal(0, 0.1, 256) * (np.arange(256) % 3 == 0)
    ),
}


def shade(sinograms: FloatArray, columns: slice, value: FloatArray | float) -> None:
    """Let something stand still in front of some columns."""
    sinograms[:, :, columns] += np.asarray(value, dtype=np.float32)


@pytest.mark.parametrize("order", ["one step short", "golden angle", "whole turn"])
@pytest.mark.parametrize("standing", STANDING)
def test_what_stands_still_draws_no_center_to_itself(standing: str, order: str) -> None:
    angles = ORDERS[order](180)
    sinograms = measure(np.random.default_rng(4), angles, 256, 133.4, counts=400, rows=8)
    STANDING[standing](sinograms)
    result = finding.find(sinograms, angles)
    assert result.method in {"seam", "mirror"}
    assert abs(result.center - 133.4) < 3 * (result.estimates[0].spread or 0) < 0.6


def test_air_rows_change_nothing() -> None:
    rng = np.random.default_rng(5)
    angles = ORDERS["one step short"](180)
    sinograms = measure(rng, angles, 256, 133.4, counts=400, rows=8)
    air = -np.log((rng.poisson(400, (3, 180, 256)) + 0.5) / 400).astype(np.float32)
    result = finding.find(np.concatenate([air, sinograms, 0 * air]), angles, np.arange(14) * 10)
    assert result.center == pytest.approx(finding.find(sinograms, angles).center, abs=1e-6)
    assert (result.row, result.height) == (65, 70)  # of the rows that hold sample


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_rows_hold_a_center_comes_out(seed: int) -> None:
    """Air, blank rows, NaN, infinity, one row, few views, few columns: an error is stated, or none can be trusted."""
    rng = np.random.default_rng(seed)
    rows, views, columns = (int(rng.choice(sizes)) for sizes in ([1, 2, 7], [1, 2, 3, 5, 9, 17, 40], [1, 2, 5, 9, 32]))
    kinds = ["zero", "air", "nan", "infinite", "sample", "constant", "noise"]
    values = {
        "zero": 0.0, "air": rng.normal(0, 0.05, (views, columns)), "nan": np.nan, "infinite": np.inf, "constant": 3.0,
        "noise": rng.normal(0, 1e6, (views, columns)),
    }  # fmt: skip
    for turn in (np.pi, 2 * np.pi, 0.3, 1e-9):
        angles = rng.permutation(np.linspace(0, turn, views))
        sinograms = np.zeros((rows, views, columns), dtype=np.float32)
        for row in range(rows):
            kind = str(rng.choice(kinds))
            sinograms[row] = (
                project(discs(rng, columns / 3), angles, columns, columns / 2) if kind == "sample" else values[kind]
            )
        result = finding.settle(finding.find(sinograms, angles), "auto", "auto")
        assert 0 <= result.center <= max(columns - 1, 0)
        assert np.isfinite(result.tilt)
        spread = result.estimates[0].spread
        assert result.warning is not None if spread is None else np.isfinite(spread)
        assert finding.settle(result, 4.5, 0).center == 4.5


@pytest.mark.slow
@pytest.mark.parametrize("scans", [3, pytest.param(40, marks=pytest.mark.nightly)])
def test_the_center_lies_within_twice_its_stated_error(scans: int) -> None:
    results = map(coverage.measure, range(300, 300 + scans))
    stated = [result for result in results if np.isfinite(result.stated)]
    assert len(stated) >= 0.65 * scans
    assert np.mean([abs(result.error) <= 2 * result.stated for result in stated]) >= 0.85


def blank(sinograms: FloatArray, centers: FloatArray) -> FloatArray:
    count, _, columns = sinograms.shape
    return np.broadcast_to(centers.astype(np.float32)[:, None, None], (count, columns, columns))


@pytest.mark.parametrize(("order", "warning"), [("both ends", None), ("one step short", "the center is uncertain")])
def test_figure_labels_each_reconstruction_with_its_center(order: str, warning: str | None) -> None:
    angles = ORDERS[order](60)
    sinograms = measure(np.random.default_rng(12), angles, 128, 60.25, radius=40, rows=2)
    center = Center(60.25, "seam", (Estimate("seam", 60.25, 0.1), Estimate("moments", 61.0, None)), warning)
    picture = figure(sinograms, angles, center, blank)
    words = [axes.get_title() for axes in picture.axes]
    centers = [60.25 + 0.25 * offset for offset in OFFSETS]
    assert [word.split()[0] for word in words if "px" in word] == [f"{shown:.2f}" for shown in centers]
    shown = [float(np.asarray(axes.images[0].get_array()).max()) for axes in picture.axes if axes.images]
    assert shown == [60.25, *centers]  # the whole slice, then the strip
    assert any("Warning" in text.get_text() for text in picture.texts) is (warning is not None)


def test_figure_without_opposite_views(tmp_path: Path) -> None:
    angles = np.deg2rad(np.arange(-60, 61, 4.0))
    sinograms = measure(np.random.default_rng(13), angles, 128, 60.25, radius=40, rows=2)
    picture = figure(sinograms, angles, finding.find(sinograms, angles), blank)
    picture.savefig(tmp_path / "center.png")
    assert "no opposite views" in picture.axes[0].get_legend_handles_labels()[1][0]
    assert (tmp_path / "center.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.nightly
def test_a_few_seconds_for_a_large_scan() -> None:
    angles = ORDERS["one step short"](1500)
    rng = np.random.default_rng(14)
    sinogram = project(discs(rng, 900), angles, 2048, 1000.3).astype(np.float32)
    sinograms = np.stack([sinogram + rng.normal(0, 0.02, sinogram.shape).astype(np.float32) for _ in range(32)])
    start = time.process_time()  # of this process alone, whatever else runs
    result = finding.find(sinograms, angles)
    assert time.process_time() - start < 30
    assert result.center == pytest.approx(1000.3, abs=0.25)


def test_a_given_center_overrules_the_search_and_is_warned_of_if_far() -> None:
    result = Center(100.2, "mirror", (Estimate("mirror", 100.2, 0.1),), None)
    near, far = finding.overrule(result, 100.5), finding.overrule(result, 104)
    assert (near.center, near.method, near.warning) == (100.5, "config", None)
    assert far.warning
    assert "mirror 100.20" in far.warning
    doubtful = replace(result, estimates=(Estimate("mirror", 100.2, None),))
    assert finding.overrule(doubtful, 120).warning is None
