"""A shelf: how alike two trainings are, which model is found, what becomes of it, and what is filed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.networks import model_file, models, registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.scans import setting
from tomodenoise.shelf import card, deciding, filing, finding, likeness, serving
from tomodenoise.shelf.options import Shelf
from tomodenoise.training.grading import Grades
from tomodenoise.training.options import Train

SPEC = specs.complete(Network(name="unet", slices=3, width=2, depth=2))
CONDITIONS = {"pixel_size": 1.5, "density": 2.0, "energy": 20.0, "facility": "Ring", "instrument": "B1"}
GRADES = {"source": "a test", "noise": 0.5, "contrast": 0.01, "error": 0.1, "gain": 10.0, "skill": 5.0, "slope": 1.0}


def known(**values: float | str) -> dict[str, dict[str, Any]]:
    return {"foam": {key: {"value": value, "source": "a test"} for key, value in values.items()}}


def write(folder: Path, *, seed: int = 0, spec: specs.Spec = SPEC, **facts: object) -> Path:
    """Put a model into a folder of a shelf."""
    torch.manual_seed(seed)
    described = {
        "source": {"foam": "abc"},
        "config": {"scans": {}},
        "conditions": known(**CONDITIONS),
        "grades": GRADES,
    }
    folder.mkdir(parents=True)
    file = folder / finding.MODEL
    models.save(Model(registry.build(spec), spec, Normalisation((0.0,), (1.0,)), described | facts), file)
    return file


def here(**changed: float | str) -> likeness.Conditions:
    values: Mapping[str, float | str] = {**CONDITIONS, "noise": 0.5, "contrast": 0.01, **changed}
    return {key: (value,) for key, value in values.items()}


def test_equal_conditions_have_no_distance_and_each_term_adds_its_octaves() -> None:
    assert likeness.compare(here(), here()).distance == 0
    total = sum(term.weight for term in likeness.TERMS)
    for term in likeness.TERMS:
        other = "elsewhere" if term.key in {"facility", "instrument"} else 2 * float(here()[term.key][0])
        assert likeness.compare(here(), here(**{term.key: other})).distance == pytest.approx(term.weight / total)


def test_what_is_unknown_counts_neither_for_nor_against() -> None:
    less = {key: values for key, values in here(noise=1.0).items() if key in {"noise", "pixel_size"}}
    alike = likeness.compare(here(), less)
    assert alike.known == 2
    assert alike.distance == pytest.approx(3 / 5)
    assert likeness.compare(here(), {}).distance is None
    assert sum("unknown" in line for line in likeness.table(alike)) == len(likeness.TERMS) - 2


def test_conditions_within_the_range_of_several_scans_are_not_apart() -> None:
    both = {"pixel_size": (1.0, 4.0)}
    assert likeness.compare({"pixel_size": (2.0,)}, both).distance == 0
    assert likeness.compare({"pixel_size": (8.0,)}, both).distance == 1


def test_a_model_too_far_away_is_named_with_the_condition() -> None:
    assert likeness.compare(here(), here(noise=1.0)).too_far(2.0) == []
    assert likeness.compare(here(), here(noise=1.1)).too_far(2.0) == ["noise / contrast 1.1, here 0.5"]
    assert likeness.compare(here(), here(facility="elsewhere", contrast=1.0)).too_far(2.0) == []


def test_an_older_model_is_compared_by_its_pixel_size_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "old", conditions=None, grades=None, pixel_sizes={"foam": 1.5, "other": None})
    assert likeness.of_model(model_file.describe(file)) == {"pixel_size": (1.5,)}


def test_the_most_alike_model_of_the_same_network_is_found(tmp_path: Path) -> None:
    write(tmp_path / "near", conditions=known(**CONDITIONS | {"pixel_size": 1.6}))
    write(tmp_path / "nearer", conditions=known(**CONDITIONS | {"pixel_size": 1.55}))
    write(tmp_path / "far", conditions=known(**CONDITIONS | {"pixel_size": 15.0}))
    write(tmp_path / "wide", spec=specs.complete(Network(name="unet", slices=3, width=3, depth=2)))
    write(tmp_path / f"x{finding.PARTIAL}")
    found = finding.search(tmp_path, here(), SPEC, 2.0)
    assert [candidate.name for candidate in found.tried] == ["nearer", "near"]
    refused = {candidate.name: candidate.refused for candidate in found.candidates if candidate.refused}
    assert refused == {
        "far": "too far: pixel size, µm 15, here 1.5",
        "wide": "different network: width 3, here 2",
    }
    assert found.doubts == ()
    text = "\n".join(found.lines())
    assert "most similar: nearer" in text
    assert "it determines the size of structures in pixels" in text
    assert {candidate.name for candidate in found.candidates} == {"near", "nearer", "far", "wide"}


def test_a_damaged_model_is_skipped_with_a_doubt(tmp_path: Path) -> None:
    write(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / finding.MODEL).write_bytes(b"no model")
    found = finding.search(tmp_path, here(), SPEC, 2.0)
    assert [candidate.name for candidate in found.candidates] == ["good"]
    (doubt,) = found.doubts
    assert doubt.startswith(f"skipped: {tmp_path}/bad/model.safetensors is not a model of tomodenoise")


@pytest.mark.parametrize("odd", [{"foam": {"pixel_size": "large"}}, {"foam": {"density": 3}}, 7])
def test_a_model_whose_conditions_cannot_be_read_is_skipped_or_has_none(tmp_path: Path, odd: object) -> None:
    write(tmp_path / "odd", conditions=odd)
    found = finding.search(tmp_path, here(), SPEC, 2.0)
    skipped = f"skipped: {tmp_path}/odd/model.safetensors: its conditions cannot be read: train the model again"
    assert found.doubts == (() if odd == 7 else (skipped,))
    assert len(found.candidates) == (odd == 7)


def test_a_shelf_that_is_missing_empty_or_unreadable_is_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubt(folder: Path) -> str:
        (only,) = finding.search(folder, here(), SPEC, 2.0).doubts
        return only

    assert "there is no shelf" in doubt(tmp_path / "none")
    assert "holds no model" in doubt(tmp_path)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert doubt(tmp_path).endswith("cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("skill", "slope", "own", "course"),
    [
        (9.8, 1.0, 10.0, "used"),
        (12.0, 1.0, 10.0, "used"),
        (9.0, 1.0, 10.0, "tuned"),
        (9.9, 1.2, 10.0, "tuned"),
        (6.0, 1.0, 10.0, "trained"),
        (None, 1.0, 10.0, "trained"),
        (9.9, float("nan"), 10.0, "trained"),
        (9.9, 1.0, None, "tuned"),
        (0.0, 1.0, 0.1, "trained"),
        (-0.1, 1.0, -0.1, "trained"),
        (-0.1, 1.0, None, "trained"),
    ],
)
def test_a_model_is_used_tuned_or_left_by_its_grades(
    skill: float | None, slope: float, own: float | None, course: str
) -> None:
    options = Shelf(use=0.5, tune=3.0, slope=0.1)
    assert deciding.decide(own, Grades(0.1, 12.0, skill, slope), options).course == course


def test_fine_tuning_takes_a_third_of_the_learning_rate_that_a_training_would_have(tmp_path: Path) -> None:
    found = models.load(write(tmp_path / "found"))
    assert serving.gentle_rate(Train(), found) == pytest.approx(0.001)
    assert serving.gentle_rate(Train(optimizer="adam"), found) == pytest.approx(0.0005)
    assert serving.gentle_rate(Train(learning_rate=0.03), found) == pytest.approx(0.01)


def test_a_filed_model_is_whole_has_a_card_without_paths_and_is_never_overwritten(tmp_path: Path) -> None:
    config = {"scans": {"foam": {"file": "/home/someone/secret.h5"}}, "train": {"pixels": 1e7}}
    file = write(tmp_path / "results", config=config)
    image = np.random.default_rng(0).normal(size=(500, 40)).astype(np.float32)
    shelf = tmp_path / "new" / "shelf"
    record = filing.put(file, shelf, "foam", 2.0, ["Good."], (image, image / 2))
    folder = shelf / record["name"]
    assert record["filed"] == "now"
    assert record["name"] == f"foam-{model_file.describe(file).fingerprint[:12]}"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "model.safetensors", "picture.png"]
    assert list(shelf.iterdir()) == [folder]
    assert (folder / finding.MODEL).read_bytes() == file.read_bytes()
    text = (folder / card.README).read_text()
    assert "home" not in text
    assert str(tmp_path) not in text
    for shown in (
        "| noise / contrast | 0.5 |",
        "lowered by 10.00 dB",
        "5.00 dB below",
        "- Good.",
        "0.75 to 3",
        "10 million pixels",
    ):
        assert shown in text
    (folder / card.README).write_text("mine")
    assert filing.put(file, shelf, "foam", 2.0, [], None)["filed"] == "it was there already"
    assert (folder / card.README).read_text() == "mine"


def test_a_model_from_a_shelf_is_not_filed_again(tmp_path: Path) -> None:
    file = write(tmp_path / "results", shelf={"course": "used", "taken": "foam-1"})
    record = filing.put(file, tmp_path / "shelf", "foam", 2.0, [], None)
    assert record["name"] == "foam-1"
    assert not (tmp_path / "shelf").exists()


def test_a_shelf_that_cannot_be_written_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "results")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UserError, match=r"shelf\.to: .* cannot be written: No space left on device"):
        filing.put(file, tmp_path / "shelf", "foam", 2.0, [], None)
    assert list((tmp_path / "shelf").iterdir()) == []


def test_facility_instrument_and_energy_are_read_with_their_sources(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nx", "w") as file:
        file["entry/instrument/source/name"] = "A  Ring"
        file["entry/instrument/name"] = b"tomo 1"
        file["entry/instrument/beam/incident_energy"] = 19500.0
        file["entry/instrument/beam/incident_energy"].attrs["units"] = "eV"
    assert setting.read(tmp_path / "scan.nx", None) == {
        "facility": {"value": "A Ring", "source": "/entry/instrument/source/name in scan.nx"},
        "instrument": {"value": "tomo 1", "source": "/entry/instrument/name in scan.nx"},
        "energy": {"value": 19.5, "source": "/entry/instrument/beam/incident_energy in scan.nx"},
    }


@pytest.mark.parametrize("odd", [np.array([1.0, 2.0]), "text", -1.0, np.nan])
def test_an_energy_that_is_no_number_or_has_no_unit_is_unknown(tmp_path: Path, odd: object) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["measurement/instrument/monochromator/energy"] = odd
        file["measurement/instrument/monochromator/energy"].attrs["units"] = "keV"
        file["exchange/instrument/monochromator/energy"] = 20.0
    assert setting.read(tmp_path / "scan.h5", None) == {}
    (tmp_path / "text.h5").write_text("no HDF5")
    assert setting.read(tmp_path / "text.h5", None) == {}


SCANS = {"one": {"file": "a.h5", "model": "any"}, "two": {"file": "b.h5", "model": "any"}, "three": {"file": "c.h5"}}


def test_a_model_of_a_shelf_is_for_the_scans_that_name_it() -> None:
    config = settings.load({"scans": SCANS, "models": {"any": {"shelf": "s"}}})
    assert config.trained_on("any") == ["one", "two"]
    assert config.shelf_of("any") == Path("s")
    assert config.shelf_of("three") is None


def test_a_default_shelf_is_for_the_models_that_the_configuration_lacks() -> None:
    config = settings.load({"scans": SCANS, "models": {"three": {"file": "m"}}, "shelf": {"default": "all"}})
    assert config.shelf_of("any") == Path("all")
    assert config.trained_on("any") == ["one", "two"]
    assert config.shelf_of("three") is None


@pytest.mark.parametrize(
    ("model", "message"),
    [({"shelf": "s", "file": "f"}, "has a file and a shelf"), ({"shelf": "s"}, "no scan uses this model")],
)
def test_a_shelf_that_makes_no_sense_is_refused(model: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        settings.load({"scans": {"one": {"file": "a.h5"}}, "models": {"any": model}})
