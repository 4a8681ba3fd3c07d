"""Training that may start from a shelf: the same scan finds its model good, another one less so."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scans_on_disk
import test_train_model as trainings
import torch
from safetensors.torch import load_file
from scipy import ndimage

import train_model
from tomodenoise.common.arrays import FloatArray
from tomodenoise.networks import model_file, models
from tomodenoise.shelf import finding
from tomodenoise.training import loop, tasks

pytestmark = pytest.mark.slow
TRIED = {"least": -50.0}
"""Hardly trained, the model of the shelf is worse than a blur."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model on a scan, and put it on a shelf."""
    folder = tmp_path_factory.mktemp("first")
    train(folder, scans_on_disk.blobs(24, 64), {})
    place = folder / "shelf" / "blobs"
    place.mkdir(parents=True)
    (folder / "results/models/foam/model.safetensors").rename(place / finding.MODEL)
    return place.parent


def train(
    folder: Path, clean: FloatArray, shelf: dict[str, Any], noise: float = 0.5, pixels: float = 4e5
) -> models.Model:
    """Run the script in a folder on a scan of its own."""
    torch.set_num_threads(1)
    scans_on_disk.write(folder / "results/foam", clean, noise=noise, seed=1)
    asked = trainings.request(pixels=pixels, evaluations=4) | ({"shelf": shelf} if shelf else {})
    train_model.main(folder / "results", asked, trainings.KNOWN, *trainings.files(_prepared(folder)))
    return models.load(folder / "results/models/foam/model.safetensors")


def _prepared(folder: Path) -> Path:
    (folder / "results/models/foam").mkdir(parents=True, exist_ok=True)
    return folder


def test_a_model_says_under_which_conditions_it_was_trained(shelf: Path) -> None:
    facts = model_file.describe(shelf / "blobs" / finding.MODEL).facts
    assert facts["conditions"] == trainings.KNOWN
    # Four sections with noise of 0.5 make 0.25 together; the blobs deviate by about 0.31.
    clean = scans_on_disk.blobs(24, 64)
    assert facts["grades"]["noise"] == pytest.approx(0.25 / clean.std(), rel=0.1)
    assert facts["grades"]["contrast"] == pytest.approx(clean.std(), rel=0.1)
    assert 0.3 < facts["grades"]["gain"] < 6
    assert facts["grades"]["skill"] < 0  # hardly trained, it is worse than a blur


def test_a_good_model_is_used_as_it_is_in_the_grey_scale_of_the_scan(
    tmp_path: Path, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"folder": str(shelf), "options": TRIED | {"use": 2.0, "slope": 0.5}}
    served = train(tmp_path, 10 * scans_on_disk.blobs(24, 64), asked, noise=5.0)
    printed = capsys.readouterr().out
    assert "most similar: blobs" in printed
    assert "good enough" in printed
    assert (tmp_path / "results/models/foam/history.jsonl").read_text() == ""
    found = load_file(shelf / "blobs" / finding.MODEL)
    assert all(torch.equal(values, found[name]) for name, values in served.network.state_dict().items())
    first = model_file.describe(shelf / "blobs" / finding.MODEL)
    assert served.normalisation.scale[0] == pytest.approx(10 * first.scale[0], rel=0.05)
    assert served.facts["shelf"]["considered"]["blobs"]["fingerprint"] == first.fingerprint
    assert served.facts["grades"] == first.facts["grades"]


def test_a_worse_one_is_fine_tuned_with_a_share_of_the_budget(tmp_path: Path, shelf: Path) -> None:
    asked = {"folder": str(shelf), "options": TRIED | {"use": 0.0, "slope": 0.0, "tune": 50.0, "share": 0.1}}
    served = train(tmp_path, scans_on_disk.blobs(24, 64), asked)
    lines = (tmp_path / "results/models/foam/history.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["pixels"] == pytest.approx(4e4, rel=0.06)
    assert served.facts["shelf"]["course"] == "tuned"
    assert served.facts["origin"]["file"] == str(shelf / "blobs" / finding.MODEL)
    found = load_file(shelf / "blobs" / finding.MODEL)
    assert any(not torch.equal(values, found[name]) for name, values in served.network.state_dict().items())


def test_fine_tuning_that_does_not_help_leaves_the_model_as_it_is(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(task: tasks.Task, *_: object, **_named: object) -> models.Model:
        assert task.start
        return dataclasses.replace(task.start, facts={"grades": {"error": 1e9}})

    monkeypatch.setattr(loop, "train", spoil)
    asked = {"folder": str(shelf), "options": TRIED | {"use": 0.0, "slope": 0.0, "tune": 50.0}}
    served = train(tmp_path, scans_on_disk.blobs(24, 64), asked)
    assert served.facts["shelf"]["course"] == "used"
    assert served.facts["shelf"]["why"].endswith("fine-tuning did not lower its error")
    assert (tmp_path / "results/models/foam/history.jsonl").read_text() == ""


def test_no_model_that_fits_means_the_training_that_there_would_be_without_a_shelf(tmp_path: Path, shelf: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "asked").mkdir()
    plain = train(tmp_path / "plain", scans_on_disk.blobs(24, 64), {}, noise=2.0)
    far = train(tmp_path / "asked", scans_on_disk.blobs(24, 64), {"folder": str(shelf), "options": {}}, noise=2.0)
    assert far.facts["shelf"]["why"] == "no model of the shelf is suitable"
    assert "too far: noise" in far.facts["shelf"]["considered"]["blobs"]["refused"]
    for name, values in plain.network.state_dict().items():
        assert torch.equal(values, far.network.state_dict()[name])
    missing = {"folder": str(tmp_path / "none"), "options": {}}
    assert (
        "there is no shelf"
        in train(tmp_path / "plain", scans_on_disk.blobs(24, 64), missing).facts["shelf"]["doubts"][0]
    )


def binary(field: FloatArray) -> FloatArray:
    """Make a sample of a mask: mean 1, standard deviation 0.5."""
    return (1 + 0.5 * (field - field.mean()) / field.std()).astype(np.float32)


def fibres(seed: int) -> FloatArray:
    field = np.random.default_rng(seed).standard_normal((24, 64, 64))
    return binary(np.abs(ndimage.gaussian_filter(field, (6, 1.5, 1.5))) < 0.012)


def grains(seed: int) -> FloatArray:
    field = np.random.default_rng(seed).standard_normal((24, 64, 64))
    return binary(ndimage.gaussian_filter(field, 4) > 0)


def test_a_good_model_of_another_kind_of_sample_under_the_same_conditions_is_not_taken(tmp_path: Path) -> None:
    """With the default limits: pixel size, noise and contrast are alike, so only the judgement can tell."""
    train(tmp_path / "first", fibres(1), {}, pixels=1e6)
    place = tmp_path / "shelf/fibres"
    place.mkdir(parents=True)
    (tmp_path / "first/results/models/foam/model.safetensors").rename(place / finding.MODEL)
    asked = {"folder": str(place.parent), "options": {}}
    alike = train(tmp_path / "alike", fibres(2), asked, pixels=1e4).facts["shelf"]
    other = train(tmp_path / "other", grains(2), asked, pixels=1e4).facts["shelf"]
    assert (alike["course"], other["course"]) == ("used", "trained")
    assert (alike["found"], other["found"]) == ("fibres", "fibres")
    assert "below by more than shelf.least" in other["why"]
