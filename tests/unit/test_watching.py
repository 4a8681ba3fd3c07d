"""Noise, residual and error over time are what they say; the report finds what moves."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tomodenoise.denoising.greys import Scale
from tomodenoise.evaluation import time_series
from tomodenoise.report import series
from tomodenoise.splitting import time_steps
from tomodenoise.splitting.model import Role
from tomodenoise.storage import sections, zarr_arrays
from tomodenoise.storage.sections import Sections

TIMES, DEPTH, SIZE, NOISE = 6, 5, 64, 0.3


def written(folder: Path, truth: np.ndarray, error: float) -> tuple[Sections, Path]:
    """Sections of noisy steps, and a denoised volume that is the truth with an error of its own."""
    rng = np.random.default_rng(1)
    angles = np.linspace(0, TIMES * np.pi, 10 * TIMES, endpoint=False)
    split = time_steps.split(angles, np.repeat(np.arange(TIMES), 10), "time", 2, 1)
    for name, values, deviation in (("sections.zarr", truth, NOISE), ("image", truth, error)):
        shape = (TIMES, 1, DEPTH, SIZE, SIZE)
        zarr_arrays.allocate(folder / name, shape, shape, shape, names="tczyx", attributes={})
        zarr_arrays.write_shard(
            folder / name, (0, 0, 0, 0, 0), (values + rng.normal(0, deviation, shape)).astype(np.float32)
        )
    unions = tuple((i,) for i in range(TIMES))
    return sections.Sections(folder / "sections.zarr", 1, DEPTH, SIZE, split, 30.0, unions), folder / "image"


def test_noise_residual_and_error_are_found_without_the_truth(tmp_path: Path) -> None:
    scan, image = written(tmp_path, np.ones((TIMES, 1, DEPTH, SIZE, SIZE)), 0.1)
    watched = time_series.watch(scan, image, (0, 3), None)
    assert np.isnan(watched.noise[[0, -1]]).all()
    np.testing.assert_allclose(watched.noise[1:-1], NOISE, rtol=0.05)
    np.testing.assert_allclose(watched.residual, np.hypot(NOISE, 0.1), rtol=0.05)
    np.testing.assert_allclose(watched.umse[1:-1], 0.01, rtol=0.3)
    assert watched.before.shape == (TIMES, SIZE, SIZE)


def test_steps_that_the_network_saw_do_not_judge_it(tmp_path: Path) -> None:
    scan, image = written(tmp_path, np.ones((TIMES, 1, DEPTH, SIZE, SIZE)), 0.1)
    raw = zarr_arrays.open_array(scan.array)[:]
    mean = np.stack([raw[np.clip([t - 1, t, t + 1], 0, TIMES - 1)].mean(axis=0) for t in range(TIMES)])
    zarr_arrays.write_shard(image, (0, 0, 0, 0, 0), mean)
    honest, fooled = (time_series.watch(scan, image, (0, 3), None, seen=seen) for seen in (3, 1))
    assert np.isnan(honest.umse[[0, 1, -2, -1]]).all()
    np.testing.assert_allclose(honest.umse[2:-2], NOISE**2 / 3, rtol=0.1)
    assert (fooled.umse[2:-2] < 0.2 * NOISE**2 / 3).all()


def test_a_front_that_moves_adds_nothing_to_the_error(tmp_path: Path) -> None:
    truth = np.ones((TIMES, 1, DEPTH, SIZE, SIZE))
    for time in range(TIMES):
        truth[time, ..., : 20 + 3 * time] = 3
    scan, image = written(tmp_path, truth, 0.1)
    watched = time_series.watch(scan, image, (0, 3), None)
    np.testing.assert_allclose(watched.umse[1:-1], 0.01, atol=0.006)


def test_a_blank_step_and_one_that_is_not_finite_spoil_no_other(tmp_path: Path) -> None:
    truth = np.ones((TIMES, 1, DEPTH, SIZE, SIZE))
    whole = time_series.watch(*written(tmp_path / "whole", truth, 0.1), (0, 3), None)
    scan, image = written(tmp_path / "broken", truth, 0.1)
    raw = zarr_arrays.open_array(scan.array)[:]
    raw[0], raw[-1] = 0, np.nan
    zarr_arrays.write_shard(scan.array, (0, 0, 0, 0, 0), raw)
    watched = time_series.watch(scan, image, (0, 3), None)
    np.testing.assert_array_equal(watched.umse[2:-2], whole.umse[2:-2])
    assert np.isnan(watched.umse[-2:]).all()
    assert np.isfinite(watched.residual[:-1]).all()


def test_a_view_of_nothing_has_no_figures(tmp_path: Path) -> None:
    scan, image = written(tmp_path, np.ones((TIMES, 1, DEPTH, SIZE, SIZE)), 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        watched = time_series.watch(replace(scan, radius=0.0), image, (0, 3), None)
    assert np.isnan(watched.residual).all()


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    scan, image = written(tmp_path, np.ones((TIMES, 1, DEPTH, SIZE, SIZE)), 0.1)
    watched = time_series.watch(scan, image, (0, 3), 0.25)
    time_series.save(watched, tmp_path / "series.npz")
    again = time_series.load(tmp_path / "series.npz")
    assert (again.window, again.factor, again.seconds) == ((0, 3), 1, 0.25)
    np.testing.assert_array_equal(again.umse, watched.umse)


def test_the_region_is_where_something_moves() -> None:
    slices = np.zeros((4, 300, 300))
    slices[2, 200:210, 40:50] = 1
    rows, columns = series.region(slices)
    assert rows.start <= 200
    assert rows.stop >= 210
    assert columns.start <= 40
    assert columns.stop >= 50


def test_the_page_gets_pictures_and_shades_the_steps_of_training() -> None:
    rng = np.random.default_rng(0)
    slices, umse = rng.normal(1, 0.1, (12, 40, 40)).astype(np.float32), np.full(12, 0.01)
    strip, cut, animation, chart = series.section(
        time_series.Series(slices, slices, np.full(12, 0.3), np.full(12, 0.3), umse, (0, 6), 1, 0.5),
        Scale((0.0, 2.0), (0, 255)),
        "key",
    )
    assert "Shaded: steps 0 to 5" in chart.caption
    assert chart.svg.startswith("<svg")
    assert "at steps 0 (0 s), " in strip.caption
    for drawn in (strip, cut, animation):
        assert drawn.picture is not None
        assert drawn.picture.uri.startswith("data:image/webp;base64,")


def test_each_step_and_each_group_reads_its_own_sections(tmp_path: Path) -> None:
    truth = np.arange(TIMES, dtype=float)[:, None, None, None, None] * np.ones((1, 1, DEPTH, SIZE, SIZE))
    scan, _ = written(tmp_path, truth, 0.1)
    assert scan.at(4).read(0, 2).mean() == pytest.approx(4, abs=0.02)
    assert scan.at(4).shares == pytest.approx([1])
    runs = scan.trained((2, 5))
    assert [run.first for run in runs] == [2, 3]
    assert runs[1].split.roles == (Role((0,), (1,)), Role((1,), (0,)))
    assert sections.mix(runs[1].read(0, 1), runs[1].mixing((1,))).mean() == pytest.approx(4, abs=0.02)
