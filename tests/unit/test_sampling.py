"""What is held out stays apart; one normalisation for all; blank volumes are refused; the sample is found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk

from tomodenoise.errors import UserError
from tomodenoise.sections import Sections, mix
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
