"""Copies of a model's output are what the scanner would give, with its noise; rounds that do not help are undone."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import phantoms
import pytest
import scans_on_disk
import torch

from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.reconstruction.engines import projecting
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections
from tomodenoise.training import dataset, distributed, grading, loop, reprojection, rounds, tasks
from tomodenoise.training.checkpoints import Checkpoint
from tomodenoise.training.options import Train
from tomodenoise.training.reprojection import Scanner

N, ANGLES, ROWS = 48, 40, 12
MIDDLE = (N - 1) / 2
OPTIONS = Reconstruct(filter="cosine", pad="zero")
SPEC = specs.complete(Network(name="unet", slices=3, width=4, depth=2))
SETTINGS = Train(pixels=4e4, evaluations=2, batch=4, patch=16, held_out=0.2, memory=1, seed=1, reproject=1)
ELLIPSES = phantoms.random_ellipses(seed=0)
EVERY = np.arange(ANGLES) * np.pi / ANGLES


def scan(folder: Path, *, noise: float = 0.3, count: int = 2) -> Sections:
    """Reconstruct the same noisy slice in each row, with other noise."""
    split = by_angle.split(EVERY, count, 1)
    exact = phantoms.sinogram(ELLIPSES, EVERY, N, MIDDLE)
    noisy = exact + np.random.default_rng(0).normal(0, noise, (ROWS, *exact.shape)).astype(np.float32)
    scanner = Scanner(split.sections, OPTIONS, "cpu")
    parts = [scanner.reconstruct(noisy[:, section.indices], section) for section in split.sections]
    return scans_on_disk.written(folder, split, np.stack(parts)[:, None])


def identity() -> Model:
    """Return a network whose output is its middle slice, as before any training."""
    return Model(registry.build(SPEC).eval(), SPEC, Normalisation((0.0,), (1.0,)), {})


def task(where: Sections, checkpoint: Path | None = None, **changes: object) -> tasks.Task:
    kept = Checkpoint(checkpoint, "test", "budget") if checkpoint else None
    facts = {"source": {"sample": "fingerprint"}}
    return tasks.Task([where], SPEC, SETTINGS.model_copy(update=changes), facts, checkpoint=kept, reconstruct=[OPTIONS])


def train(given: tasks.Task, folder: Path, stopping: Callable[[], bool] = lambda: False) -> tuple[Model, list[str]]:
    torch.set_num_threads(1)
    said: list[str] = []
    ranks = distributed.alone()

    def first(part: tasks.Task) -> Model:
        return loop.train(part, ranks, lambda *_: None, stopping)

    return rounds.train(given, ranks, folder, first, said.append, stopping), [
        line for line in said if line.startswith("copies")
    ]


def equal(a: Model, b: Model) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.network.parameters(), b.network.parameters(), strict=True))


def after(steps: int) -> Callable[[], bool]:
    count = itertools.count(1)
    return lambda: next(count) >= steps


def test_the_projections_of_a_slice_are_its_sinogram() -> None:
    images = np.broadcast_to(phantoms.truth(ELLIPSES, N), (2, N, N)).astype(np.float32)
    exact = phantoms.sinogram(ELLIPSES, EVERY, N, MIDDLE)
    found = projecting.sinograms(images, EVERY, "cpu")
    assert found.shape == (2, ANGLES, N)
    assert np.abs(found - exact).max() < 0.04 * exact.max()


def test_a_rotated_slice_is_seen_from_another_angle() -> None:
    turned = reprojection.rotated(torch.from_numpy(phantoms.truth(ELLIPSES, N)[None]), 0.3).numpy()
    exact = phantoms.sinogram(ELLIPSES, EVERY + 0.3, N, MIDDLE)
    assert np.abs(projecting.sinograms(turned, EVERY, "cpu") - exact).max() < 0.04 * exact.max()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_noise_of_a_copy_is_as_strong_as_that_of_the_scan_and_holds_no_structure(
    count: int, tmp_path: Path
) -> None:
    where = scan(tmp_path, count=count)
    structure = 10 * phantoms.truth(ELLIPSES, N)
    drawn = np.random.default_rng(1).normal(0, 1, (count, 1, ROWS, N, N)).astype(np.float32)
    found = reprojection.noise(where, drawn + structure)
    full = np.tensordot(where.shares, drawn, 1)
    assert found.std() == pytest.approx(full.std(), rel=0.03)
    assert abs(np.corrcoef(found.mean(axis=1).ravel(), structure.ravel())[0, 1]) < 0.1


def test_a_copy_differs_from_its_target_by_the_noise_of_the_scan_and_by_streaks(tmp_path: Path) -> None:
    noise = [difference(scan(tmp_path / str(level), noise=level)) for level in (0.3, 0.0)]
    measured = scan(tmp_path / "again", noise=0.3)
    exact = scan(tmp_path / "exact", noise=0.0)
    wanted = np.square(np.tensordot(measured.shares, measured.read(0, ROWS) - exact.read(0, ROWS), 1)).mean()
    assert noise[0] - noise[1] == pytest.approx(wanted, rel=0.25)


def difference(where: Sections) -> float:
    """Return the mean square difference of copies of the noise-free slices and their targets."""
    clean = phantoms.truth(ELLIPSES, N)
    scanner = Scanner(where.split.sections, OPTIONS, "cpu")
    denoised = np.broadcast_to(clean, (1, ROWS, N, N)).astype(np.float32)
    made = reprojection.copies_of(where, scanner, denoised, where.read(0, ROWS), np.random.default_rng(0))
    return float(np.mean([np.square(copy[0] - copy[-1]).mean() for copy in made]))


def test_the_error_in_the_data_of_the_scanner_grows_with_the_noise(tmp_path: Path) -> None:
    errors = []
    for noise in (0.0, 0.3):
        where = scan(tmp_path / str(noise), noise=noise)
        errors.append(reprojection.error(identity(), where, Scanner(where.split.sections, OPTIONS, "cpu"), (4, 8)))
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("damaged", [False, True])
def test_an_interrupted_round_continues_to_the_bit(tmp_path: Path, damaged: bool) -> None:
    where = scan(tmp_path / "scan")
    whole, said = train(task(where, tmp_path / "whole.pt"), tmp_path / "whole")
    steps = loop.schedule.iterations(SETTINGS, SETTINGS.batch * SETTINGS.patch**2)
    broken = task(where, tmp_path / "broken.pt")
    with pytest.raises(loop.Interrupted):
        train(broken, tmp_path / "broken", after(5 * steps // 6))
    assert (tmp_path / "broken" / "0.safetensors").exists()
    if damaged:
        (tmp_path / "broken" / "0.safetensors").write_bytes(b"torn")
    continued, said_again = train(broken, tmp_path / "broken")
    assert equal(whole, continued)
    assert said == said_again
    assert whole.facts[rounds.KEY] == continued.facts[rounds.KEY]
    assert whole.facts["grades"] == continued.facts["grades"]
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("later", [2.0, 1.0, float("nan")])
def test_a_round_that_does_not_lower_the_error_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    where = scan(tmp_path / "scan")
    plain = loop.train(task(where, pixels=SETTINGS.pixels * 2 / 3), distributed.alone(), lambda *_: None)
    errors = iter([1.0, later])
    monkeypatch.setattr(reprojection, "error", lambda *_: next(errors))
    model, said = train(task(where), tmp_path / "copies")
    assert equal(model, plain)
    assert model.facts[rounds.KEY]["rounds"] == 0
    assert len(said) == 1
    assert model.held_out == plain.held_out
    assert json.dumps(model.facts)


def test_training_goes_on_where_the_first_of_several_rounds_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = scan(tmp_path / "scan")
    given = task(where, tmp_path / "checkpoint.pt", reproject=2)
    errors = iter([1.0, 2.0])
    monkeypatch.setattr(reprojection, "error", lambda *_: next(errors))
    trained: list[tuple[int, int]] = []

    def first(part: tasks.Task) -> Model:
        return loop.train(part, distributed.alone(), lambda lines, total: trained.append((lines[-1].iteration, total)))

    model = rounds.train(given, distributed.alone(), tmp_path / "copies", first, lambda _: None, bool)
    half, whole = trained[0][1], trained[-1][1]
    assert whole == pytest.approx(1.5 * half, abs=1)
    assert min(done for done, total in trained if total == whole) == half  # continued, not repeated
    assert trained[-1][0] == whole
    assert model.facts[rounds.KEY]["rounds"] == 0


def test_a_model_is_graded_as_it_is_after_the_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = scan(tmp_path / "scan")
    errors = itertools.count(9, -1)
    monkeypatch.setattr(reprojection, "error", lambda *_: float(next(errors)))
    model, _ = train(task(where), tmp_path / "copies")
    data = dataset.prepare(task(where), distributed.alone())
    assert model.facts[rounds.KEY]["rounds"] == 1
    assert model.facts["grades"] == grading.facts(model.network, data, distributed.alone())


def test_copies_are_of_rows_that_were_trained_on(tmp_path: Path) -> None:
    where = scan(tmp_path)
    part = {"rows": [[3, 5], [9, 11]], "band": False}
    judged, starts, length = rounds.rows_of(where, part)
    assert judged == (9, 11)
    for start in starts.tolist():
        assert not set(range(start, start + length)) & {3, 4, 9, 10}
    assert rounds.rows_of(where, {**part, "band": True})[2] == ROWS
