"""A model is filed on a shelf, and another run finds it, judges it, and uses it or trains."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import NETWORK, TRAIN, Project

from tomodenoise.networks import model_file

pytestmark = pytest.mark.slow
EASY = {"use": 50, "slope": 50, "least": -50}
"""Limits that any model meets."""


def configure(project: Project, raw: Path, model: dict[str, object] | None = None, **shelf: object) -> None:
    models = {"models": {"any": model}} if model else {}
    project.configure(
        scans={"foam": {"file": str(raw), "model": "any"}}, network=NETWORK, train=TRAIN, shelf=shelf, **models
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Path:
    """Train on a scan, and file the model."""
    project = Project(tmp_path_factory.mktemp("first"))
    configure(project, raw_scan("foam64.h5"), to="models of all")
    run = project.snakemake("shelve")
    assert run.status == 0, run.text
    assert run.jobs["shelve_model"] == 1
    assert project.snakemake("-n", "shelve").jobs == {}
    return project.folder / "models of all"


def test_the_card_shows_the_model_without_paths(shelf: Path) -> None:
    (folder,) = shelf.iterdir()
    assert {file.name for file in folder.iterdir()} == {"README.md", "model.safetensors", "picture.png"}
    text = (folder / "README.md").read_text()
    assert "| angles per column | 1.5 |" in text
    assert "On its scan:" in text
    assert str(shelf.parent) not in text
    facts = model_file.describe(folder / "model.safetensors").facts
    assert facts["conditions"]["foam"]["pixel_size"]["source"] == "the header of foam64.h5"


def test_another_scan_finds_it_and_a_change_of_the_shelf_trains_nothing_again(
    tmp_path: Path, shelf: Path, raw_scan: Callable[..., Path]
) -> None:
    (folder,) = shelf.iterdir()
    project = Project(tmp_path)
    raw = raw_scan("other.h5", "--seed", "3")
    own = tmp_path / "own shelf"
    shutil.copytree(shelf, own)
    configure(project, raw, {"shelf": "own shelf"}, **EASY)
    run = project.snakemake()
    assert run.status == 0, run.text
    log = (tmp_path / "logs/models/any/train.log").read_text()
    assert f"most similar: {folder.name}" in log
    assert "used: on the held-out part" in log
    page = (tmp_path / "results/report.html").read_text()
    assert f"{folder.name}, used: on the held-out part" in page

    (own / "not a model").mkdir()
    (own / "not a model/model.safetensors").write_text("no")
    assert project.snakemake("-n").jobs == {}
    again = project.snakemake("-R", "train", "--", "train")
    assert again.status == 0, again.text
    doubt = "skipped: own shelf/not a model/model.safetensors is not a model of tomodenoise"
    assert doubt in (tmp_path / "logs/models/any/train.log").read_text()

    configure(project, raw, {"shelf": "own shelf"}, to="own shelf", **EASY)
    run = project.snakemake("shelve")
    assert run.status == 0, run.text
    assert {path.name for path in own.iterdir()} == {folder.name, "not a model"}


def test_a_missing_shelf_is_doubted_in_the_log_and_at_the_end(tmp_path: Path, raw_scan: Callable[..., Path]) -> None:
    project = Project(tmp_path)
    configure(project, raw_scan("foam64.h5"), {"shelf": "nowhere"})
    run = project.snakemake("denoise")
    assert run.status == 0, run.text
    doubt = "there is no shelf nowhere yet: file a model there with the target shelve, or correct the path"
    assert doubt in (tmp_path / "logs/models/any/train.log").read_text()
    assert f"! results/models/any/model.safetensors: {doubt}" in run.text


@pytest.mark.parametrize(
    ("model", "shelf", "target", "message"),
    [
        (None, {}, "shelve", "shelf.to is missing: name the folder of a shelf there"),
        ({"shelf": "config.yaml"}, {}, "train", "models.any.shelf: config.yaml is a file: name its folder"),
        ({"shelf": "a", "file": "b"}, {}, "train", "models.any has a file and a shelf"),
        (None, {"use": -1}, "train", "shelf.use"),
    ],
)
def test_a_wrong_configuration_is_one_line(
    tmp_path: Path,
    raw_scan: Callable[..., Path],
    model: dict[str, object] | None,
    shelf: dict[str, object],
    target: str,
    message: str,
) -> None:
    project = Project(tmp_path)
    configure(project, raw_scan("foam64.h5"), model, **shelf)
    run = project.snakemake("-n", target)
    assert run.status == 1
    assert message in run.text
    assert "Traceback (most recent" not in run.text
