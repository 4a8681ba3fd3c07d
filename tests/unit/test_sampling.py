"""Held-out data stay separate; one normalisation for all; blank volumes are refused; the sample is found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk

from tomodenoise.common.errors import UserError
from tomodenoise.storage.sections import Sections, mix
from tomodenoise.training import sampling


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return scans_on_disk.write(tmp_path_factory.mktemp("scan"), scans_on_disk.blobs(24, 64))


@pytest.mark.parametrize("depth", [1, 2, 11, 12, 24, 63, 64, 200, 900])
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_held_out_data_are_apart_from_training(depth: int, gap: int, scan: Sections) -> None:
    tall = replace(scan, depth=depth)
    trained, held_out = sampling.divide(tall, tall.visible, gap, 0.1)
    assert len(trained.rows)
    assert len(held_out.rows)
    assert not (trained.mask & ~tall.visible).any()
    distance = np.abs(trained.rows[:, None] - held_out.rows[None, :]).min()
    if distance == 0:
        assert depth < 8 * gap + 4
        lines = [np.flatnonzero(part.mask.any(axis=1)) for part in (trained, held_out)]
        assert np.abs(lines[0][:, None] - lines[1][None, :]).min() > 2
    else:
        assert distance > gap


def test_held_out_slices_are_the_share_that_was_asked_for(scan: Sections) -> None:
    for depth in (100, 500, 2000):
        tall = replace(scan, depth=depth)
        held_out = sampling.divide(tall, tall.visible, 2, 0.1)[1]
        assert len(held_out.rows) == pytest.approx(0.1 * depth, abs=4)


def test_one_normalisation_for_all_sections(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(16, 64))
    norm = sampling.normalisation([scan])
    full = mix(scan.read(0, 16)[:, 0], scan.shares)[:, scan.visible].astype(np.float64)
    assert norm.mean == pytest.approx(full.mean(), rel=1e-5)
    assert norm.scale == pytest.approx(full.std(), rel=1e-5)


@pytest.mark.parametrize(("mean", "deviation"), [(1000.0, 0.01), (0.0, 1e-3)])
def test_the_normalisation_of_a_large_mean_is_exact(tmp_path: Path, mean: float, deviation: float) -> None:
    volume = np.random.default_rng(0).normal(mean, deviation, (12, 64, 64)).astype(np.float32)
    scan = scans_on_disk.write(tmp_path, volume, noise=0)
    assert sampling.normalisation([scan]).scale[0] == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_blank_volume_is_refused(tmp_path: Path, value: float) -> None:
    scan = scans_on_disk.write(tmp_path, np.full((12, 64, 64), value, dtype=np.float32), noise=0)
    with pytest.raises(UserError, match="constant or not finite"):
        sampling.normalisation([scan])


def test_the_sample_mask_holds_the_sample_and_little_of_the_air(tmp_path: Path) -> None:
    y, x = np.indices((64, 64)) - 31.5
    disc = np.hypot(y - 5, x + 3) < 14
    scan = scans_on_disk.write(tmp_path, np.repeat(disc[None].astype(np.float32), 8, axis=0), noise=0.5)
    mask = sampling.sample(scan)
    assert mask[disc].all()
    assert mask.sum() < np.count_nonzero(np.hypot(y - 5, x + 3) < 14 + sampling.MARGIN + 4)


def with_air(folder: Path, *filled: tuple[int, int], depth: int = 48, noise: float = 0.5) -> Sections:
    """Write a scan of which some rows hold a sample."""
    volume = scans_on_disk.blobs(depth, 48)
    empty = np.ones(depth, dtype=bool)
    for first, last in filled:
        empty[first:last] = False
    volume[empty] = 0
    return scans_on_disk.write(folder, volume, noise=noise)


def test_rows_with_sample_are_distinguished_from_air(tmp_path: Path) -> None:
    scan = with_air(tmp_path / "half", (24, 48))
    rows = sampling.rows_with_sample(scan)
    assert rows is not None
    assert set(range(26, 48)) <= set(rows.tolist()) <= set(range(23, 48))
    assert sampling.rows_with_sample(with_air(tmp_path / "full", (0, 48))) is None
    assert sampling.rows_with_sample(with_air(tmp_path / "noisy", (0, 48), noise=4.0)) is None
    assert sampling.rows_with_sample(with_air(tmp_path / "empty")) is None


@pytest.mark.parametrize("filled", [(30, 64), (0, 40), (12, 40)])
def test_blocks_are_held_out_where_the_sample_is(scan: Sections, filled: tuple[int, int]) -> None:
    tall, rows = replace(scan, depth=64), np.arange(*filled)
    trained, held_out = sampling.divide(tall, tall.visible, 2, 0.1, rows)
    assert set(held_out.rows) <= set(rows)
    assert np.abs(trained.rows[:, None] - held_out.rows).min() > 2
    assert set(trained.rows) & set(rows)
    assert len(trained.rows) + len(held_out.rows) + 4 == 64


def test_few_rows_of_sample_hold_out_a_band(scan: Sections) -> None:
    tall, rows = replace(scan, depth=64), np.arange(50, 60)
    trained, held_out = sampling.divide(tall, tall.visible, 2, 0.1, rows)
    np.testing.assert_array_equal(held_out.rows, rows)
    assert len(trained.rows) == 64
    assert not (trained.mask & held_out.mask).any()


def test_rows_that_are_not_finite_are_left_out_of_the_normalisation(tmp_path: Path) -> None:
    volume = scans_on_disk.blobs(16, 64)
    expected = sampling.normalisation([scans_on_disk.write(tmp_path / "whole", volume)])
    volume[3] = np.nan
    broken = scans_on_disk.write(tmp_path / "broken", volume)
    assert sampling.normalisation([broken]).scale == pytest.approx(expected.scale, rel=0.05)
    assert sampling.sample(broken).any()


def test_the_sample_of_a_constant_scan_is_the_field_of_view(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, np.ones((4, 32, 32), np.float32), noise=0)
    np.testing.assert_array_equal(sampling.sample(scan), scan.visible)
