"""Training removes noise without the truth, repeats to the bit, and goes on after an interruption as if without."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch

from tomodenoise.common.errors import UserError
from tomodenoise.denoising import inference
from tomodenoise.networks import held_out, models, specs
from tomodenoise.networks.options import Network
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections, mix
from tomodenoise.training import distributed, loop, sampling, tasks
from tomodenoise.training.checkpoints import Checkpoint, Evaluation
from tomodenoise.training.options import Train

SETTINGS = Train(pixels=2e5, evaluations=3, batch=4, patch=32, learning_rate=1e-2, held_out=0.2, memory=1, seed=1)
SPEC = specs.complete(Network(name="unet", slices=3, width=4, depth=2))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return scans_on_disk.write(tmp_path_factory.mktemp("scan"), scans_on_disk.blobs(24, 64))


def changed(**keys: object) -> Train:
    return SETTINGS.model_copy(update=keys)


@pytest.fixture(scope="module")
def trained(scan: Sections) -> tuple[models.Model, list[Evaluation]]:
    return run(task(scan, 6e5))


def task(scan: Sections, pixels: float = 2e5, **changes: object) -> tasks.Task:
    settings = changed(pixels=pixels)
    return replace(tasks.Task([scan], SPEC, settings, {"who": "test"}), **changes)  # type: ignore[arg-type]


def run(given: tasks.Task, stopping: Callable[[], bool] = lambda: False) -> tuple[models.Model, list[Evaluation]]:
    torch.set_num_threads(1)
    histories: list[list[Evaluation]] = []
    model = loop.train(given, distributed.alone(), lambda lines, _: histories.append(list(lines)), stopping)
    return model, histories[-1]


def after(steps: int) -> Callable[[], bool]:
    """Request a stop after so many steps."""
    count = itertools.count(1)
    return lambda: next(count) >= steps


def plain(history: list[Evaluation]) -> list[Evaluation]:
    """Leave out the time, which never repeats."""
    return [replace(line, seconds=0) for line in history]


def equal(a: models.Model, b: models.Model) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.network.parameters(), b.network.parameters(), strict=True))


def test_training_halves_the_error_without_the_truth(
    scan: Sections, trained: tuple[models.Model, list[Evaluation]]
) -> None:
    model, history = trained
    clean, full = scans_on_disk.blobs(24, 64), mix(scan.read(0, 24)[:, 0], scan.shares)
    denoised = np.concatenate([after for _, after in inference.denoise(model, scan, (0, 24))])
    error = [np.square(volume - clean)[:, scan.visible].mean() for volume in (full, denoised)]
    assert error[1] < 0.5 * error[0]
    assert history[-1].held_out_loss < history[0].held_out_loss


def test_the_umse_is_the_error_against_the_truth(
    scan: Sections, trained: tuple[models.Model, list[Evaluation]]
) -> None:
    model, history = trained
    clean, sections = scans_on_disk.blobs(24, 64), scan.read(0, 24)[:, 0]
    first = by_angle.apart(scan.split.roles[0])
    assert first is not None
    noisy = mix(sections, scan.mixing(first[0].inputs))
    stacks = torch.from_numpy(np.stack([noisy[[max(z - 1, 0), z, min(z + 1, 23)]] for z in range(24)]))
    (mean,), (scale,) = model.normalisation.mean, model.normalisation.scale
    with torch.no_grad():
        denoised = model.network((stacks - mean) / scale)[:, 0].numpy() * scale + mean
    error = np.square(denoised - clean)[:, scan.visible].mean() / scale**2
    assert history[-1].umse == pytest.approx(error, rel=0.15)
    assert history[-1].held_out_loss > 2 * error


def test_history_counts_iterations_and_pixels(scan: Sections) -> None:
    _, history = run(task(scan))
    assert len(history) == 3
    assert [line.pixels for line in history] == [line.iteration * 4 * 32**2 for line in history]
    assert history[-1].pixels >= SETTINGS.pixels > history[-1].pixels - 4 * 32**2
    assert "million pixels" in loop.progress(history, history[-1].iteration)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(scan: Sections) -> None:
    first, again, other = (run(task(scan, settings=changed(seed=seed, pixels=3e4)))[0] for seed in (1, 1, 2))
    assert equal(first, again)
    assert not equal(first, other)


def test_two_sections_and_another_loss_learn(tmp_path: Path) -> None:
    two = scans_on_disk.write(tmp_path, scans_on_disk.blobs(24, 64), count=2)
    histories: list[list[Evaluation]] = []

    def absolute(prediction: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, _: int) -> torch.Tensor:
        return ((prediction - target).abs() * mask).flatten(1).sum(1)

    for loss in (loop.squared, absolute):
        loop.train(task(two), distributed.alone(), lambda lines, _: histories.append(list(lines)), loss=loss)
        assert histories[-1][-1].held_out_loss < histories[-1][0].held_out_loss
        assert histories[-1][-1].umse is None
    assert histories[-1][-1].loss != histories[2][-1].loss


@pytest.mark.parametrize("shape", [(3, 1, 8, 9), (2, 1, 5, 6, 7)])
def test_a_pixels_squared_error_counts_where_the_mask_is_one(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    prediction, target, mask = rng.normal(size=(3, *shape)).astype(np.float32)
    errors = loop.squared(*map(torch.from_numpy, (prediction, target, mask > 0)), 0)
    np.testing.assert_allclose(errors, (np.square(prediction - target) * (mask > 0)).reshape(shape[0], -1).sum(1), 1e-5)


def test_a_volumetric_network_learns(scan: Sections) -> None:
    spec = specs.complete(Network(name="unet3d", width=4, depth=2))
    _, history = run(task(scan, spec=spec, settings=changed(patch=16)))
    assert history[-1].held_out_loss < history[0].held_out_loss
    assert history[-1].umse is not None


def test_a_network_of_three_steps_learns_without_their_noise(tmp_path: Path) -> None:
    clean = scans_on_disk.blobs(12, 48)
    series = scans_on_disk.write_series(tmp_path, np.repeat(clean[None], 8, axis=0), group=8)
    spec = replace(SPEC, steps=3)
    model, history = run(task(series, 6e5, spec=spec, windows=[(0, 8)]))
    errors = []
    for time in (0, 4):
        denoised = np.concatenate([after for _, after in inference.denoise(model, series, (0, 12), time=time)])
        errors.append(np.square(denoised - clean)[:, series.visible].mean())
    # What has learned the noise of its inputs comes to the variance of their mean at best, and its targets to less.
    assert max(errors) < 0.75 * 0.25 / 3
    assert history[-1].umse is not None
    assert history[-1].umse * model.normalisation.scale[0] ** 2 == pytest.approx(errors[1], rel=0.25)


def test_a_model_keeps_what_was_held_out_of_each_scan(tmp_path: Path) -> None:
    clean = scans_on_disk.blobs(40, 48)
    clean[:20] = 0
    half_air = scans_on_disk.write(tmp_path / "half", clean)
    thin = scans_on_disk.write(tmp_path / "thin", scans_on_disk.blobs(4, 48))
    settings = changed(mask="sample", pixels=5e3)
    model, _ = run(
        task(half_air, scans=[half_air, thin], settings=settings, facts={"source": {"half": "", "thin": ""}})
    )
    assert model.facts["improving"] is True
    blocks = held_out.from_json(model.held_out["half"], 40, 48)
    assert blocks is not None
    assert not blocks.band
    assert 20 < blocks.rows[0][0] < blocks.rows[0][1] < 40
    np.testing.assert_array_equal(blocks.mask, sampling.sample(half_air))
    band = held_out.from_json(model.held_out["thin"], 4, 48)
    assert band is not None
    assert (band.band, band.rows) == (True, ((0, 4),))
    np.testing.assert_array_equal(band.mask, sampling.bands(thin, sampling.sample(thin), 0.2)[1])


def test_values_that_are_not_finite_are_refused_with_their_rows(tmp_path: Path) -> None:
    clean = scans_on_disk.blobs(24, 48)
    clean[17, 5, 5] = np.nan
    with pytest.raises(UserError, match="rows 16 to 23 hold values that are not finite"):
        run(task(scans_on_disk.write(tmp_path, clean), 5e3))


def test_a_volumetric_network_needs_rows(tmp_path: Path) -> None:
    thin = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, 64))
    with pytest.raises(UserError, match="a scan of 3 rows is too thin for a volumetric network"):
        run(task(thin, spec=specs.complete(Network(name="unet3d", width=4, depth=3))))


@pytest.mark.parametrize("size", [26, 33])
def test_small_and_odd_slices_train(tmp_path: Path, size: int) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, size))
    model, _ = run(task(scan, 5e3))
    ((_, after), *_) = inference.denoise(model, scan, (0, 3))
    assert after.shape == (1, size, size)
    assert np.isfinite(after).all()


def test_slices_that_are_too_small_to_hold_anything_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too few pixels to train on"):
        run(task(scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, 8))))


def test_two_scans_train_one_model_in_turns_of_memory(scan: Sections, tmp_path: Path) -> None:
    other = scans_on_disk.write(tmp_path, scans_on_disk.blobs(12, 40), seed=3)
    _, history = run(task(scan, scans=[scan, other], settings=changed(memory=1e-3)))
    assert history[-1].held_out_loss < history[0].held_out_loss


def test_the_first_of_the_limits_ends_a_training(scan: Sections) -> None:
    by_iterations = changed(iterations=10)
    assert run(task(scan, settings=by_iterations))[1][-1].iteration == 10
    by_time = changed(pixels=1e9, evaluations=1, minutes=0.2 / 60)
    history = run(task(scan, settings=by_time))[1]
    assert len(history) == 1
    assert history[0].seconds < 5
    assert history[0].learning_rate < 0.2 * SETTINGS.learning_rate
    by_patience = changed(pixels=1e9, evaluations=1000, iterations=1000, patience=2, learning_rate=1e-12)
    assert len(run(task(scan, settings=by_patience))[1]) < 100


@pytest.mark.parametrize(("memory", "optimizer"), [(1, "adam"), (1e-3, "adam"), (1, "muon")])
@pytest.mark.parametrize("steps", [1, 17, 20, 48])
def test_stop_and_resume_give_the_bits_of_no_stop(
    scan: Sections, tmp_path: Path, steps: int, memory: float, optimizer: str
) -> None:
    settings = changed(memory=memory, optimizer=optimizer)
    straight, history = run(task(scan, settings=settings))
    given = task(scan, settings=settings, checkpoint=Checkpoint(tmp_path / "checkpoint.pt", "same", "budget"))
    with pytest.raises(loop.Interrupted):
        run(given, after(steps))
    resumed, joined = run(given)
    assert equal(resumed, straight)
    assert plain(joined) == plain(history)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_raised_budget_goes_on_and_an_equal_one_starts_anew(scan: Sections, tmp_path: Path) -> None:
    small = Checkpoint(tmp_path / "checkpoint.pt", "same", "small")
    done = run(task(scan, checkpoint=small))[1]
    steps = itertools.count()
    more = run(task(scan, 4e5, checkpoint=replace(small, budget="large")), lambda: bool(next(steps) * 0))[1]
    assert plain(more[: len(done)]) == plain(done)
    assert next(steps) == more[-1].iteration - done[-1].iteration
    again = run(task(scan, 4e5, checkpoint=replace(small, budget="large")))[1]
    assert len(again) == len(done)


@pytest.mark.parametrize("damage", ["other identity", "cut", "no archive", "a flipped bit"])
def test_a_checkpoint_that_does_not_fit_is_not_continued(scan: Sections, tmp_path: Path, damage: str) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "same", "budget")
    with pytest.raises(loop.Interrupted):
        run(task(scan, checkpoint=checkpoint), after(30))
    if damage == "cut":
        checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-500])
    elif damage == "no archive":
        checkpoint.path.write_bytes(b"nothing")
    elif damage == "a flipped bit":
        content = bytearray(checkpoint.path.read_bytes())
        content[len(content) // 2] ^= 64
        checkpoint.path.write_bytes(content)
    else:
        checkpoint = replace(checkpoint, identity="another")
    steps = itertools.count()
    _, history = run(task(scan, checkpoint=checkpoint), lambda: bool(next(steps) * 0))
    assert next(steps) == history[-1].iteration


def test_fine_tuning_starts_from_a_models_weights_and_normalisation(scan: Sections) -> None:
    old = run(task(scan))[0]
    old = replace(old, normalisation=models.Normalisation((1.1,), (0.7,)))
    frozen = changed(learning_rate=1e-12, pixels=1e4)
    tuned, _ = run(task(scan, start=old, settings=frozen))
    assert tuned.normalisation == old.normalisation
    for new, before in zip(tuned.network.parameters(), old.network.parameters(), strict=True):
        torch.testing.assert_close(new, before, atol=1e-6, rtol=0)
