"""Simulated XRD-CT: its counts project its truth, time changes but the noise, and a seed fixes all of it."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import particles

import simulate_xrdct
from data import measured
from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import field_of_view
from tomodenoise.reconstruction.engines import registry
from tomodenoise.scans import opening
from tomodenoise.simulation import xrdct

SHAPE, ANGLES = (2, 48), np.arange(90) * np.pi / 90


def picture(file: Path) -> Path:
    """Draw two squares on black, at other places."""
    grey = np.zeros((90, 90), np.uint8)
    grey[20:40, 25:45], grey[50:60, 50:75] = 255, 120
    Image.fromarray(grey).save(file)
    return file


def sample(kind: str, folder: Path) -> xrdct.Sample:
    rng = np.random.default_rng(3)
    if kind == "spheres":
        return xrdct.spheres(SHAPE, rng)
    return particles.particles(picture(folder / "a.png"), SHAPE, rng)


def exact(drawn: xrdct.Sample) -> FloatArray:
    return np.stack([drawn.integrals(angle) for angle in ANGLES], axis=2)  # material, slice, angle, column


@pytest.mark.parametrize("kind", ["spheres", "particles"])
def test_the_reconstruction_of_exact_integrals_is_the_truth(kind: str, tmp_path: Path) -> None:
    drawn = sample(kind, tmp_path)
    plan = registry.plan("torch", "fbp", ANGLES, np.full(90, np.pi / 90), SHAPE[1], pad="zero")
    seen = field_of_view.mask(SHAPE[1], 22)
    for integrals, truth in zip(exact(drawn), drawn.volume(), strict=True):
        image = plan(integrals.astype(np.float32), (SHAPE[1] - 1) / 2)
        if truth.any():
            assert np.corrcoef(image[:, seen].ravel(), truth[:, seen].ravel())[0, 1] > 0.9
        assert integrals[:, 0].sum() == pytest.approx(truth.sum(), rel=0.02, abs=1e-6), "no mass is lost"


def test_slices_and_materials_of_particles_differ(tmp_path: Path) -> None:
    volume = sample("particles", tmp_path).volume()
    assert not np.allclose(volume[:, 0], volume[:, 1])
    np.testing.assert_allclose(volume[:, 1], np.rot90(volume[:, 0], axes=(1, 2)), atol=1e-6)
    assert (volume.max(axis=(1, 2, 3)) > 0).sum() >= 2


def test_each_channel_has_its_largest_count() -> None:
    drawn = sample("spheres", Path())
    patterns = xrdct.scaled(xrdct.peaks(7, np.random.default_rng(0)), drawn, (1, 50))
    brightest = np.tensordot(patterns.intensities.T, exact(drawn), 1).max(axis=(1, 2, 3))
    np.testing.assert_allclose(np.sort(brightest), np.geomspace(1, 50, 7), rtol=0.05)


def test_time_changes_the_noise_and_not_the_mean() -> None:
    drawn = sample("spheres", Path())
    patterns = xrdct.scaled(xrdct.peaks(3, np.random.default_rng(0)), drawn, (10, 50))
    mean = np.tensordot(patterns.intensities.T, exact(drawn), 1)
    for time in (1.0, 0.2):
        frames = np.stack(list(xrdct.acquire(drawn, patterns, ANGLES, time, 4, np.random.default_rng(1))), axis=2)
        signal, empty = frames[:-1], frames[-1]
        assert np.mean(signal - mean) == pytest.approx(0, abs=0.2)
        assert np.var(signal - mean) == pytest.approx(mean.mean() / time, rel=0.05)
        assert empty.mean() == pytest.approx(0, abs=0.2)
        assert empty.var() == pytest.approx(4 / time, rel=0.05)


def test_reflections_are_the_highest_and_apart() -> None:
    fine = np.zeros((5, 100))
    fine[0, 20], fine[1, [21, 60]], fine[2, 90] = 9, (8, 5), 1
    peaks = particles.reflections("2theta", "deg", np.arange(100.0), fine, 3)
    assert peaks.values.tolist() == [20, 60, 90]
    assert (peaks.intensities > 0).all(), "a background lies under all of it"


def test_the_script_writes_what_the_reader_takes_and_a_seed_fixes_it(tmp_path: Path) -> None:
    tiny = ["--slices=2", "--columns=24", "--angles=12", "--channels=4", "--empty=3"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_xrdct.main([str(tmp_path / name), "--truth", str(tmp_path / "truth.npy"), *tiny, f"--seed={seed}"])
    first, same, other = (h5py.File(tmp_path / name)["entry/data/sinograms"][()] for name in "abc")
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    named = {"values": "/entry/data/2theta"}
    scan = opening.open_scan(tmp_path / "a", channels={"channels": named})
    assert (scan.depth, scan.channel_count, len(scan.angles), scan.columns) == (2, 5, 12, 24)
    assert scan.doubts == ()
    assert scan.channels is not None
    assert scan.channels.labels[0] == "2theta 2 deg"
    assert np.load(tmp_path / "truth.npy").shape == (5, 2, 24, 24)


def test_measured_particles_and_patterns_make_a_sample() -> None:
    file = measured("for_simulation/catalyst_particles_medium.tif")
    drawn = particles.particles(file, (1, 62), np.random.default_rng(0))
    patterns = particles.patterns(file.with_name("Patterns.h5"), 11)
    assert patterns.intensities.shape == (5, 11)
    assert (drawn.volume().max(axis=(1, 2, 3)) > 0.2).all()
