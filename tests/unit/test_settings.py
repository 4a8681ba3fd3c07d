"""An error in the configuration is one line that says how to fix it; the models, JSON Schema and documents agree."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tomodenoise.common.errors import UserError
from tomodenoise.config import errors, schema, settings
from tomodenoise.config.model import PER_SCAN, Config

ROOT = Path(__file__).parents[2]
MINIMAL: dict[str, Any] = {"scans": {"foam": {"file": "raw/foam.h5"}}}


def test_only_scans_is_required_and_every_other_key_has_a_default() -> None:
    resolved = settings.load(MINIMAL).as_json()
    assert set(resolved) == set(schema.schema()["properties"]) - {"crate"}  # none is made unless it is asked for
    assert resolved["split"] == {"sections": "auto", "input": "auto"}
    assert resolved["scans"]["foam"]["center"] == "auto"


def test_defaults_do_not_overwrite_and_the_config_is_not_changed() -> None:
    config = {**MINIMAL, "train": {"pixels": 5e6}}
    assert settings.load(config).train.pixels == 5e6
    assert config["train"] == {"pixels": 5e6}
    complete = settings.load(config)
    assert settings.load(complete.as_json()).as_json() == complete.as_json()
    assert Config.model_validate(complete.as_json()).as_json() == complete.as_json()


def test_a_whole_number_may_be_written_with_a_point() -> None:
    network = {"name": "msd", "width": 2.0, "dimensions": 3.0, "dilations": [1.0, 4.0]}
    resolved = settings.load({**MINIMAL, "network": network, "train": {"iterations": 1e4}}).as_json()
    assert json.dumps(resolved["network"]["dilations"]) == "[1, 4]"
    numbers = [resolved["network"][key] for key in ("width", "dimensions")] + [resolved["train"]["iterations"]]
    assert json.dumps(numbers) == "[2, 3, 10000]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splitt": {}}, "unknown key 'splitt': did you mean 'split'?"),
        ({"train": {"pixel": 3}}, "unknown key 'train.pixel': did you mean 'pixels'?"),
        ({"scans": {"a": {"file": "x", "centre": 3}}}, "unknown key 'scans.a.centre': did you mean 'center'?"),
        ({"scans": {}}, "scans is empty"),
        ({"scans": {"a": {}}}, "scans.a: 'file' is missing"),
        ({"scans": {"../a": {"file": "x"}}}, "the name '../a' must consist of letters"),
        ({"scans": {7: {"file": "x"}}}, "the name 7 is read as a int: put it in quotes"),
        ({"scans": {"a": {"file": "x", "center": "left"}}}, "'left' is neither 'auto' nor a number"),
        ({"scans": {"a": {"file": "x", "model": "a b"}}}, "the name 'a b' must consist of letters"),
        ({"split": {"sections": "two"}}, "split.sections: 'two' is neither 'auto' nor a whole number of at least 2"),
        ({"split": {"input": 0}}, "split.input: 0 is neither 'auto' nor 'mixed' nor a whole number of at least 1"),
        ({"network": {"slices": 4}}, "4 is even, but must be odd"),
        ({"network": {"name": "dncnn"}}, "network.name: 'dncnn' is not one of unet, msd"),
        ({"network": {"dilations": [1, 2]}}, "network.dilations: only msd has dilations, not unet: leave them out"),
        ({"network": {"name": "unet3d", "slices": 3}}, "network.slices: a volumetric network sees cubes"),
        ({"reconstruct": {"filter": "ramlak"}}, "'ramlak' is not one of ram-lak, shepp"),
        ({"models": {"m": {"scans": ["fom"]}}}, "there is no scan 'fom': did you mean 'foam'?"),
        ({"correct": {"zingers": "all"}}, "correct.zingers: 'all' is neither 'none' nor a number of at least 1"),
        ({"correct": {"stripes": "rings"}}, "'rings' is not one of auto, none, sorting, wavelet, vo"),
        ({"correct": {"phase": {"delta_beta": 9, "energy": 20}}}, "correct.phase: 'distance' is missing"),
        ({"correct": {"phase": {"delta": 9}}}, "unknown key 'correct.phase.delta': did you mean 'delta_beta'?"),
        ({"train": None}, "train has no value: give it one, or leave it out"),
        ({"train": {"mask": None}}, "train.mask has no value"),
        ({"train": [3]}, "train: [3] is not a group of keys"),
        ({"scans": {"a": "raw/a.h5"}}, "scans.a: 'raw/a.h5' is not a group of keys: write {file: raw/a.h5}"),
        ({"train": {"pixels": "1e999"}}, "train.pixels: inf is not a finite number"),
        ({"train": {"pixels": "much"}}, "train.pixels: 'much' is not a number"),
        ({"train": {"seed": "one"}}, "train.seed: 'one' is not a whole number"),
        (
            {"scans": {"a": {"file": "x", "correct": {"stripe": "vo"}}}},
            "'scans.a.correct.stripe': did you mean 'stripes'",
        ),
        (
            {"scans": {"a": {"file": "x", "split": {"input": None, "sections": 0}}}},
            "scans.a.split.sections: 0 is neither",
        ),
        ({"scans": {"a": {"file": 3}}}, "scans.a.file: 3 is not text or a list"),
        ({"scans": {"a": {"file": ""}}}, "scans.a.file: '' is empty"),
        ({"scans": {"a": {"file": "x", "rows": [4]}}}, "scans.a.rows: [4] has fewer entries than 2"),
        ({"export": "tiff"}, "export: 'tiff' is not a list: write [tiff]"),
        ({"scans": {"a": {"file": ["x", 3]}}}, "scans.a.file.1: 3 is not text"),
        ({"scans": {"a": {"file": []}}}, "scans.a.file: [] has fewer entries than 1"),
        ({"scans": {"a": {"file": "x", "pixel_size": 0}}}, "scans.a.pixel_size: 0 must be more than 0"),
        ({"network": {"name": "msd", "dilations": [0]}}, "network.dilations.0: 0 must be at least 1"),
        ({"train": {"held_out": 0.7}}, "train.held_out: 0.7 must be at most 0.5"),
        ({"train": {"seed": True}}, "train.seed: True is not a whole number"),
        ({"denoise": {"ensemble": True}}, "denoise.ensemble: True is not one of 1, 8"),
        ({3: {}}, "unknown key '3': the keys here are scans, models"),
        (
            {"correct": {"air": -1}, "scans": {"a": {"file": "x", "correct": {"flats": "shared"}}}},
            "config: correct.air",
        ),
        ({"export": ["tiff", "tiff"]}, "export: ['tiff', 'tiff'] lists an entry twice"),
        ({"dose": {}}, "unknown key 'dose': did you mean 'scans.NAME.dose' or 'denoise'?"),
        ({"model": "m"}, "unknown key 'model': did you mean 'scans.NAME.model' or 'models'?"),
        ({"TRAIN": {}}, "unknown key 'TRAIN': did you mean 'train'?"),
        ({"scans": {"a": {"file": "x", "angles": {"frist": 0}}}}, "'scans.a.angles.frist': did you mean 'first'?"),
        ({"scans": {"a": {"file": "x", "dose": {"fractions": 0.5}}}}, "0.5 is not a list: write [0.5]"),
        (
            {"scans": {"a": {"file": "x", "dose": {"fractions": [0.5, 0.50000001]}}}},
            "scans.a.dose.fractions: [0.5, 0.50000001] lists an entry twice",
        ),
        ({"scans": {"a" * 101: {"file": "x"}}}, "at most 100"),
    ],
)
def test_an_error_is_one_line_that_names_the_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        settings.load({**MINIMAL, **change})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ({"train": {"epochs": 3}}, "train.pixels"),
        ({"rings": True}, "correct.stripes"),
        ({"correct": {"ring": True}}, "correct.stripes"),
        ({"cor": 511.5}, "scans.NAME.center"),
        ({"scans": {"a": {"file": "x", "COR": 511.5}}}, "scans.NAME.center"),
        ({"iterations": 50}, "reconstruct.iterations' or 'train.iterations"),
        ({"stripes": "vo"}, "correct.stripes"),
        ({"scans": {"a": {"file": "x", "stripes": "vo"}}}, "correct.stripes"),
        ({"reconstruct": {"method": "fbp"}}, "reconstruct.algorithm"),
    ],
)
def test_words_of_other_programs_lead_to_our_key(change: dict[str, Any], meant: str) -> None:
    with pytest.raises(UserError, match=rf"unknown key .*did you mean '{meant}'"):
        settings.load({**MINIMAL, **change})


def test_each_synonym_stands_for_a_key_of_the_schema() -> None:
    assert set(errors.SYNONYMS.values()) <= set(schema.keys(schema.schema()))


@pytest.mark.parametrize("text", ["1e8", "1.0e7", "3.0e6", "1E+8", "100_000_000", "5e6", "4.5", " 7e5 "])
def test_numbers_may_be_written_as_people_write_them(text: str) -> None:
    resolved = settings.load({**MINIMAL, **yaml.safe_load(f"train: {{pixels: {text}}}")}).as_json()
    assert resolved["train"]["pixels"] == float(text)
    assert json.dumps(resolved["train"]["pixels"]) == json.dumps(yaml.safe_load(f"{float(text)!r}")).removesuffix(".0")


def test_text_that_looks_like_a_number_stays_text_where_text_is_wanted() -> None:
    scan = {"file": "20261128", "model": "1e8", "center": "1e2", "rows": ["0", "1e3"], "correct": {"zingers": "1e1"}}
    resolved = settings.load({"scans": {"a": scan}, "split": {"sections": "4"}}).as_json()["scans"]["a"]
    assert (resolved["file"], resolved["model"]) == ("20261128", "1e8")
    assert (resolved["center"], resolved["rows"], resolved["correct"]["zingers"]) == (100, [0, 1000], 10)
    assert resolved["split"]["sections"] == 4


def test_a_scan_has_its_own_keys_and_the_rest_of_the_sections() -> None:
    phase = {"delta_beta": 9, "energy": 20, "distance": 0.1}
    scans = {
        "a": {"file": "x", "correct": {"input": "intensity"}, "reconstruct": {"filter": "hann"}},
        "b": {"file": "x", "correct": {"phase": None, "air": None}, "split": {"sections": 6}},
        "c": {"file": "x"},
    }
    resolved = settings.load(
        {"scans": scans, "correct": {"phase": phase, "air": 3}, "split": {"sections": 3}}
    ).as_json()
    a, b, c = (resolved["scans"][name] for name in "abc")
    assert a["correct"] == resolved["correct"] | {"input": "intensity"}
    assert a["reconstruct"] == resolved["reconstruct"] | {"filter": "hann"}
    assert (b["correct"].get("phase"), b["correct"]["air"]) == (None, 0)
    assert (a["split"]["sections"], b["split"]["sections"], c["split"]["sections"]) == (3, 6, 3)
    assert {key: c[key] for key in PER_SCAN} == {key: resolved[key] for key in PER_SCAN}


def test_two_scans_of_one_name_are_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("scans:\n  foam: {file: a.h5}\n  foam: {file: b.h5}\n")
    with pytest.raises(UserError, match=r"line 3: 'foam' is given twice"):
        settings.check_unique(file)


def test_what_is_no_yaml_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("scans:\n  foam: {file: a.h5\n")
    with pytest.raises(UserError, match=r"line \d+: .*not valid YAML"):
        settings.check_unique(file)


def test_scans_that_name_a_model_train_it_unless_the_model_says_otherwise() -> None:
    scans = {name: {"file": "x", "model": "rock"} for name in ("a", "b")} | {"c": {"file": "x"}}
    config = settings.load({"scans": scans})
    assert config.trained_on("rock") == ["a", "b"]
    assert config.trained_on("c") == ["c"]
    chosen = settings.load({"scans": scans, "models": {"rock": {"scans": ["c"]}}})
    assert chosen.trained_on("rock") == ["c"]


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_config_that_is_shipped_holds(file: Path) -> None:
    settings.check_unique(file)
    config = yaml.safe_load(file.read_text())
    settings.load(config if config["scans"] else {**config, **MINIMAL})


def test_every_key_is_described() -> None:
    def keys(rules: dict[str, Any], name: str) -> list[str]:
        entry = rules.get("additionalProperties")
        inner = (entry or rules).get("properties", {}) if isinstance(entry, dict) or "properties" in rules else {}
        missing = [] if "description" in rules or name == "" else [name]
        return missing + [key for child, rule in inner.items() for key in keys(rule, f"{name}.{child}")]

    assert keys(schema.schema(), "") == []


def test_an_editor_accepts_what_is_accepted_here_and_no_more() -> None:
    validator = Draft202012Validator(schema.schema())
    validator.check_schema(schema.schema())
    for file in (ROOT / "config").rglob("*.yaml"):
        config = yaml.safe_load(file.read_text())
        validator.validate(config if config["scans"] else MINIMAL)
    for wrong in ({"splitt": {}}, {"train": {"batch": 0}}, {"network": {"slices": 4}}, {"export": ["tiff", "tiff"]}):
        assert not validator.is_valid({**MINIMAL, **wrong})


def test_ten_thousand_scans_are_read_in_seconds() -> None:
    config = {"scans": {f"scan{number}": {"file": f"{number}.h5"} for number in range(10_000)}}
    began = time.process_time()
    assert len(settings.load(config).scans) == 10_000
    assert time.process_time() - began < 5


def test_one_version_everywhere() -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "workflow/scripts/tomodenoise/__init__.py").read_text())
    assert version
    assert f'\nversion = "{version[1]}"' in (ROOT / "pyproject.toml").read_text()
    assert f"\nversion: {version[1]}" in (ROOT / "CITATION.cff").read_text()
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()
