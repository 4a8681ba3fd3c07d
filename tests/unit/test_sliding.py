"""A volume that slides: its projections show its truth, and nothing moves before its time; K11's noise is K11's."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import sliding

import simulate_series
from data import measured
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.reconstruction.engines import registry
from tomodenoise.simulation import series

TURNS = series.Turns(columns=32, rows=3, steps=8, projections=20, center=16.3)


def written(path: Path, depth: int = 12, edge: int = 90) -> Path:
    z, y, x = np.indices((depth, edge, edge))
    y, x = y / edge, x / edge
    values = 100 * (np.hypot(x - 0.4 - z / 60, y - 0.6) < 0.2) + 50 * (np.hypot(x - 0.5, y - 0.5) < 0.45)
    with h5py.File(path, "w") as file:
        file["volume"] = values.astype(np.uint8)
    return path


@pytest.fixture
def volume(tmp_path: Path) -> FloatArray:
    return sliding.read(written(tmp_path / "volume.h5"), 32)


@pytest.mark.parametrize("step", [0.5, 6.5])
def test_its_projections_reconstruct_to_its_truth(volume: FloatArray, step: float) -> None:
    sample = sliding.sample(volume, TURNS, quiet=4, speed=1.3, absorption=1.5)
    angles = np.arange(90) * np.pi / 90
    sinograms = np.stack([sample.integrals(step, float(angle)) for angle in angles]).swapaxes(0, 1)
    whole = registry.plan("torch", "fbp", angles, np.full(90, np.pi / 90), 32, filter="hann", pad="zero")
    image, truth = whole(sinograms.astype(np.float32), TURNS.center), sample.volume(step)
    assert sinograms.max() == pytest.approx(1.5, rel=0.05)
    assert sinograms.sum(axis=2)[1] == pytest.approx(truth[1].sum(), rel=1e-3)
    assert np.corrcoef(image[1].ravel(), truth[1].ravel())[0, 1] > 0.98


def test_it_rests_and_then_moves_on_by_so_many_slices_a_step(volume: FloatArray) -> None:
    sample = sliding.sample(volume, TURNS, quiet=4, speed=0.5)
    np.testing.assert_array_equal(sample.volume(3.9), sample.volume(0))
    np.testing.assert_allclose(sample.volume(6)[0], sample.volume(0)[1])
    np.testing.assert_allclose(sample.volume(7)[0], sample.volume(0)[1:3].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(sample.integrals(7, 0.3)[0], sample.integrals(0, 0.3)[1:3].mean(axis=0))


def test_what_cannot_slide_is_reported(tmp_path: Path, volume: FloatArray) -> None:
    with pytest.raises(UserError, match="12 slices, too few for 3 rows and a distance of 20: lower speed"):
        sliding.sample(volume, TURNS, quiet=4, speed=5)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["volume"] = np.ones((3, 4, 5))
    with pytest.raises(UserError, match="give square slices"):
        sliding.read(tmp_path / "other.h5", 32)
    with pytest.raises(UserError, match="no readable volume"):
        sliding.read(tmp_path / "none.h5", 32)


def test_the_honeycomb_slides_through_a_scan(tmp_path: Path) -> None:
    turns = series.Turns(columns=48, rows=3, steps=6, projections=9.9, center=24)
    honeycomb = sliding.read(measured("for_simulation/honeycomb_020_083.h5"), 48)
    sample = sliding.sample(honeycomb, turns, quiet=3, speed=4)
    series.write_truth(tmp_path / "truth.npy", sample, turns)
    series.write(tmp_path / "block.h5", sample, turns, series.K11, np.random.default_rng(0), "continuous")
    truth = np.load(tmp_path / "truth.npy")
    assert truth.shape == (6, 3, 48, 48)
    np.testing.assert_array_equal(truth[0], truth[2])
    assert np.corrcoef(truth[0].ravel(), truth[5].ravel())[0, 1] < 0.97
    with h5py.File(tmp_path / "block.h5") as file:
        assert file["exchange/data"].shape == (60, 3, 48)


def test_the_noise_is_that_of_the_k11_detector(tmp_path: Path) -> None:
    shape = ["--columns", "64", "--center", "32", "--rows", "8", "--steps", "2", "--projections", "4"]
    simulate_series.main([str(tmp_path / "cell.h5"), "--photons", "500", "--flats", "400", "--darks", "400", *shape])
    with h5py.File(tmp_path / "cell.h5") as file:
        flats, darks = (file[f"exchange/data_{name}"][:].astype(float) for name in ("white", "dark"))
    rounding = 1 / 12
    assert darks.mean() == pytest.approx(99, abs=0.1)
    assert darks.var() == pytest.approx(2.5**2 + rounding, rel=0.02)
    gain = (flats.var(axis=0, ddof=1).mean() - 2.5**2 - rounding) / (flats.mean() - 99)
    assert gain == pytest.approx(1.55, rel=0.02)
