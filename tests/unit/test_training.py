"""Patches come from where they may; training removes noise without the truth and repeats to the bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch

from tomodenoise import inference, models, sampling, training
from tomodenoise.errors import UserError
from tomodenoise.networks import Spec
from tomodenoise.sections import Sections, mix

SETTINGS = training.Settings(
    pixels=2e5, batch=4, patch=32, learning_rate=3e-3, held_out=0.2, evaluations=3, memory=1, seed=1
)
SPEC = Spec(slices=3, width=4, depth=2)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return scans_on_disk.write(tmp_path_factory.mktemp("scan"), scans_on_disk.blobs(24, 64))


def run(scan: Sections, settings: training.Settings = SETTINGS) -> tuple[models.Model, list[training.Evaluation]]:
    torch.set_num_threads(1)
    history: list[training.Evaluation] = []
    model = training.train([scan], SPEC, settings, {"who": "test"}, "cpu", lambda line, _: history.append(line))
    return model, history


@pytest.mark.parametrize("depth", [1, 2, 11, 12, 24, 63, 64, 200, 900])
@pytest.mark.parametrize("slices", [1, 3, 5])
def test_held_out_data_are_apart_from_training(depth: int, slices: int, scan: Sections) -> None:
    tall = replace(scan, depth=depth)
    trained, held_out = sampling.divide(tall, slices, 0.1)
    assert len(trained.rows)
    assert len(held_out.rows)
    assert not (trained.mask & ~tall.visible).any()
    distance = np.abs(trained.rows[:, None] - held_out.rows[None, :]).min()
    if distance == 0:
        assert depth < 4 * slices
        lines = [np.flatnonzero(part.mask.any(axis=1)) for part in (trained, held_out)]
        assert np.abs(lines[0][:, None] - lines[1][None, :]).min() > 2
    else:
        assert distance > slices // 2


def test_held_out_slices_are_the_share_that_was_asked_for(scan: Sections) -> None:
    for depth in (100, 500, 2000):
        assert len(sampling.divide(replace(scan, depth=depth), 5, 0.1)[1].rows) == pytest.approx(0.1 * depth, abs=4)


def test_input_target_and_mask_turn_together_and_stay_in_the_field_of_view(scan: Sections, tmp_path: Path) -> None:
    clean = scans_on_disk.write(tmp_path, scans_on_disk.blobs(24, 64), noise=0)
    part = sampling.divide(clean, 3, 0.2)[0]
    rng = np.random.default_rng(0)
    blocks = next(sampling.turns([clean], [part], 3, 1e9, rng))
    norm = models.Normalisation(1.0, 0.5)
    for _ in range(20):
        batch = sampling.draw(blocks, norm, 3, 32, 4, rng)
        torch.testing.assert_close(batch.inputs[:, 1:2], batch.targets)
        assert batch.inputs.shape == (4, 3, 32, 32)
        assert 0 < batch.masks.mean() <= 1
    values = clean.read(0, 24)[0][:, clean.visible]
    seen = batch.targets[batch.masks > 0] * 0.5 + 1
    assert np.isin(seen.numpy().round(4), values.round(4)).mean() > 0.99


def test_every_slice_and_the_last_row_and_column_are_drawn(scan: Sections) -> None:
    part = sampling.Part(np.arange(24), np.ones((64, 64), dtype=bool))
    marked = np.zeros((4, 24, 64, 64), dtype=np.float32)
    marked[:, :, -1, :] = marked[:, :, :, -1] = 1
    block = sampling.Block(scan, part, np.flatnonzero(part.mask), 0, marked)
    norm = models.Normalisation(0.0, 1.0)
    rng = np.random.default_rng(0)
    drawn = [sampling.draw([block], norm, 3, 32, 1, rng).targets for _ in range(40)]
    assert any(bool(target.any()) for target in drawn)
    whole = sampling.draw([block], norm, 3, 64, 1, rng)
    assert whole.targets.shape[-1] == 64


def test_data_beyond_the_memory_take_turns(scan: Sections) -> None:
    part = sampling.divide(scan, 3, 0.2)[0]
    rng = np.random.default_rng(0)
    row = 4 * 64 * 64 * 4
    firsts = set()
    turns = sampling.turns([scan], [part], 3, 12 * row, rng)
    for _ in range(12):
        blocks = next(turns)
        assert sum(block.data.nbytes for block in blocks) <= 12 * row
        firsts.update(block.first for block in blocks)
        sampling.draw(blocks, models.Normalisation(0, 1), 3, 32, 8, rng)
    assert len(firsts) == 3


def test_training_halves_the_error_without_the_truth(scan: Sections) -> None:
    model, history = run(scan, replace(SETTINGS, pixels=6e5))
    clean, full = scans_on_disk.blobs(24, 64), mix(scan.read(0, 24), scan.shares)
    denoised = np.stack([after for _, after in inference.denoise(model, scan, (0, 24))])
    error = [np.square(volume - clean)[:, scan.visible].mean() for volume in (full, denoised)]
    assert error[1] < 0.5 * error[0]
    assert history[-1].held_out_loss < history[0].held_out_loss


def test_history_counts_iterations_and_pixels(scan: Sections) -> None:
    _, history = run(scan)
    assert len(history) == 3
    assert [line.pixels for line in history] == [line.iteration * 4 * 32**2 for line in history]
    assert history[-1].pixels >= SETTINGS.pixels > history[-1].pixels - 4 * 32**2
    assert "million pixels" in training.progress(history[0], history[-1].iteration)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(scan: Sections) -> None:
    weights = [list(run(scan, replace(SETTINGS, pixels=3e4, seed=seed))[0].network.parameters()) for seed in (1, 1, 2)]
    assert all(torch.equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights[0], weights[2], strict=True))


def test_one_normalisation_for_all_sections(scan: Sections) -> None:
    norm = sampling.normalisation([scan], rows=24)
    full = mix(scan.read(0, 24), scan.shares)[:, scan.visible].astype(np.float64)
    assert norm.mean == pytest.approx(full.mean(), rel=1e-5)
    assert norm.scale == pytest.approx(full.std(), rel=1e-5)


@pytest.mark.parametrize(("mean", "deviation"), [(1000.0, 0.01), (0.0, 1e-3)])
def test_the_normalisation_of_a_large_mean_is_exact(tmp_path: Path, mean: float, deviation: float) -> None:
    volume = np.random.default_rng(0).normal(mean, deviation, (12, 64, 64)).astype(np.float32)
    scan = scans_on_disk.write(tmp_path, volume, noise=0)
    assert sampling.normalisation([scan], rows=12).scale == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_blank_volume_is_refused(tmp_path: Path, value: float) -> None:
    scan = scans_on_disk.write(tmp_path, np.full((12, 64, 64), value, dtype=np.float32), noise=0)
    with pytest.raises(UserError, match="constant or not finite"):
        run(scan)


@pytest.mark.parametrize("size", [26, 33])
def test_small_and_odd_slices_train(tmp_path: Path, size: int) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, size))
    model, _ = run(scan, replace(SETTINGS, pixels=5e3))
    ((_, after), *_) = inference.denoise(model, scan, (0, 3))
    assert after.shape == (size, size)
    assert np.isfinite(after).all()


def test_slices_that_are_too_small_to_hold_anything_out_are_refused(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, 8))
    with pytest.raises(UserError, match="too few pixels to train on"):
        run(scan)


def test_two_scans_train_one_model(scan: Sections, tmp_path: Path) -> None:
    other = scans_on_disk.write(tmp_path, scans_on_disk.blobs(12, 40), seed=3)
    model = training.train([scan, other], SPEC, replace(SETTINGS, pixels=2e4), {}, "cpu", lambda *_: None)
    assert model.normalisation.scale > 0


def test_a_model_comes_back_from_its_file_as_it_was(scan: Sections, tmp_path: Path) -> None:
    model, _ = run(scan, replace(SETTINGS, pixels=3e4))
    models.save(model, tmp_path / "model.safetensors")
    again = models.load(tmp_path / "model.safetensors")
    stack = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(again(stack), model(stack), rtol=0, atol=0)
    assert again.spec == SPEC
    assert again.facts == {"who": "test"}
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"not a model at all")
    with pytest.raises(UserError, match="is no model of tomodenoise"):
        models.load(file)
