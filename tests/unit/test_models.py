"""A model's file is self-contained, is read without torch, and cannot harm its reader."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.config.model import Config
from tomodenoise.geometry import field_of_view
from tomodenoise.networks import held_out, model_file, models, registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.planning.params import Params
from tomodenoise.planning.run import Run, Wildcards, with_models
from tomodenoise.splitting import by_angle

SPEC = specs.complete(Network(name="unet", slices=3, width=4, depth=2))
FACTS = {
    "config": {"split": {"sections": 4, "input": 3}},
    "source": {"foam": "abc"},
    "pixel_sizes": {"foam": 1.5},
    "origin": None,
}


def saved(file: Path, spec: specs.Spec = SPEC, **facts: object) -> Path:
    torch.manual_seed(0)
    norm = Normalisation((0.3,) * spec.channels, (2.0,) * spec.channels)
    models.save(Model(registry.build(spec), spec, norm, FACTS | facts), file)
    return file


def forged(file: Path, **changes: object) -> Path:
    """Write a model whose header does not fit its weights."""
    header: dict[str, Any] = {
        "network": asdict(SPEC),
        "normalisation": {"mean": [0.3], "scale": [2.0]},
        "facts": FACTS,
    }
    save_file(load_file(saved(file)), file, {model_file.KEY: json.dumps(header | changes)})
    return file


@pytest.mark.parametrize("name", ["unet", "msd", "unet3d"])
def test_a_model_comes_back_as_it_was_saved(tmp_path: Path, name: str) -> None:
    spec = specs.complete(Network.model_validate({"name": name} | ({"depth": 7} if name == "msd" else {})))
    file = saved(tmp_path / "model.safetensors", spec)
    torch.manual_seed(0)
    network, model = registry.build(spec), models.load(file)
    assert (model.spec, model.normalisation, model.facts) == (spec, Normalisation((0.3,), (2.0,)), FACTS)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, rtol=0, atol=0)
    images = torch.randn(1, spec.inputs, *[2 * NETWORKS[spec.name].multiple(spec)] * spec.dimensions)
    with torch.no_grad():
        torch.testing.assert_close(model.network(images), network.eval()(images))


@pytest.mark.parametrize("size", [17, 1024])
def test_what_was_held_out_comes_back_to_the_bit_and_is_small(tmp_path: Path, size: int) -> None:
    mask = field_of_view.mask(size, 0.45 * size)
    mask[size // 3, :: size // 5] = False
    part = held_out.HeldOut(((3, 5), (8, 9)), mask, band=True)
    model = replace(models.load(saved(tmp_path / "model")), held_out={"foam": held_out.to_json(part)})
    plain = (tmp_path / "model").stat().st_size
    models.save(model, tmp_path / "model")
    assert (tmp_path / "model").stat().st_size - plain < 5000
    kept = models.load(tmp_path / "model").held_out["foam"]
    back = held_out.from_json(kept, 9, size)
    assert back is not None
    assert (back.rows, back.band) == (part.rows, True)
    np.testing.assert_array_equal(back.mask, mask)
    assert held_out.from_json(kept, 9, size + 1) is None
    assert held_out.from_json(kept, 8, size) is None
    with pytest.raises(ValueError, match="bytes, not"):
        held_out.from_json(kept | {"shape": [2 * size, 2 * size]}, 9, 2 * size)


def test_loading_draws_nothing_from_the_random_state(tmp_path: Path) -> None:
    file = saved(tmp_path / "model.safetensors")
    before = torch.get_rng_state()
    models.load(file)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_header_says_what_the_model_is(tmp_path: Path) -> None:
    described = model_file.describe(saved(tmp_path / "model.safetensors"))
    assert described.spec == SPEC
    assert (described.mean, described.scale) == ((0.3,), (2.0,))
    assert described.trained_on == ("foam",)
    assert described.pixel_sizes == (1.5,)
    assert described.weights == sum(value.numel() for value in registry.build(SPEC).parameters())


def test_a_workflow_plans_with_model_files_without_torch(tmp_path: Path) -> None:
    file = saved(tmp_path / "model.safetensors")
    program = (
        "import sys; from pathlib import Path; from tomodenoise.denoising import tile_plan\n"
        "from tomodenoise.networks import model_file; from tomodenoise.planning import run\n"
        "described = model_file.describe(Path(sys.argv[1])); tile_plan.core(described.spec, (64, 64), None)\n"
        "sys.exit('torch' in sys.modules)"
    )
    scripts = Path(models.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program, str(file)], cwd=scripts, check=False).returncode == 0


def refused(file: Path, *parts: str) -> None:
    with pytest.raises(UserError) as caught:
        models.load(file)
    assert "\n" not in str(caught.value)
    for part in (str(file), *parts):
        assert part in str(caught.value)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.safetensors", "no such file")
    (tmp_path / "text").write_text("no model at all")
    refused(tmp_path / "text", "is not a model of tomodenoise")
    torch.save({"a": torch.zeros(3)}, tmp_path / "pickle.pt")
    refused(tmp_path / "pickle.pt", "is not a model of tomodenoise")
    save_file({"a": torch.zeros(3)}, tmp_path / "foreign")
    refused(tmp_path / "foreign", "is not a model of tomodenoise")
    later = {"network": {"name": "new", "dimensions": 2}, "facts": {"versions": {"tomodenoise": "9.1"}}}
    save_file({"a": torch.zeros(3)}, tmp_path / "later", {model_file.KEY: json.dumps(later)})
    refused(tmp_path / "later", "is not a model of tomodenoise", "but of 9.1", "there is no network")
    save_file({"a": torch.zeros(3)}, tmp_path / "empty", {model_file.KEY: "{}"})
    refused(tmp_path / "empty", "is not a model of tomodenoise")


@pytest.mark.parametrize(
    "change",
    [
        {"network": "unet"},
        {"network": asdict(SPEC) | {"name": "gan"}},
        {"network": asdict(SPEC) | {"slices": 4}},
        {"network": asdict(SPEC) | {"slices": "3"}},
        {"network": asdict(SPEC) | {"depth": 10**9}},
        {"network": asdict(SPEC) | {"depth": -1}},
        {"network": asdict(SPEC) | {"width": 10**9}},
        {"network": asdict(SPEC) | {"width": 4.5}},
        {"network": asdict(SPEC) | {"channels": 0}},
        {"network": asdict(SPEC) | {"slices": 10**9 + 1}},
        {"network": asdict(SPEC) | {"taste": "sweet"}},
        {"network": asdict(replace(SPEC, name="msd", dilations=(10**9,)))},
        {"network": asdict(replace(SPEC, name="msd", dilations=(0,)))},
        {"network": asdict(replace(SPEC, name="unet3d", dimensions=3))},
        {"network": asdict(replace(SPEC, dimensions=7))},
        {"normalisation": {"mean": [0.3]}},
        {"normalisation": {"mean": [0.3], "scale": [0]}},
        {"normalisation": {"mean": [float("nan")], "scale": [1]}},
        {"normalisation": {"mean": [0.3, 0.3], "scale": [1, 1]}},
        {"facts": None},
        {"facts": FACTS | {"source": 7}},
        {"facts": FACTS | {"pixel_sizes": {"foam": "large"}}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_a_header_that_lies_is_refused_in_no_time_and_memory(tmp_path: Path, change: dict[str, object]) -> None:
    refused(forged(tmp_path / "model.safetensors", **change))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    refused(forged(tmp_path / "model.safetensors", network=asdict(replace(SPEC, width=5))), "weights", "unet")


def test_a_model_for_other_channels_is_refused(tmp_path: Path) -> None:
    described = model_file.describe(saved(tmp_path / "model.safetensors"))
    model_file.check_channels(described, 1)
    with pytest.raises(UserError, match="is for 1 channels, but the scans have 11"):
        model_file.check_channels(described, 11)


@pytest.mark.parametrize(("size", "count"), [(1.5, 0), (1.8, 0), (1.25, 0), (2.0, 1), (1.1, 1), (None, 0)])
def test_another_pixel_size_is_reported(tmp_path: Path, size: float | None, count: int) -> None:
    described = model_file.describe(saved(tmp_path / "model.safetensors"))
    assert len(model_file.concerns(described, size)) == count
    unknown = model_file.describe(saved(tmp_path / "unknown.safetensors", pixel_sizes={"foam": None}))
    assert model_file.concerns(unknown, size) == []


ENTRIES: Any = {
    "foam": SimpleNamespace(
        scan=SimpleNamespace(identity={"fingerprint": "f"}, channels=None),
        choice=by_angle.choose("auto", "auto", 600, 256),
        layout=SimpleNamespace(channels=1),
        window=None,
    )
}


def configured(**changes: object) -> Config:
    return settings.load({"scans": {"foam": {"file": "x", "model": "old"}}} | changes)


def test_a_file_brings_its_own_network(tmp_path: Path) -> None:
    file = str(saved(tmp_path / "model.safetensors"))
    config = configured(models={"old": {"file": file}}, network={"slices": 11})
    run = Run(config, ENTRIES)
    assert run.spec("old").slices == 11
    assert with_models(run).spec("old") == SPEC
    facts = Params(with_models(run)).image_facts(Wildcards(scan="foam"))
    assert facts["config"]["split"] == {"sections": 4, "input": "mixed"}
    assert facts["origin"]["file"] == file
    assert facts["origin"]["facts"] == FACTS
    assert not {"network", "train"} & facts["config"].keys()


def test_training_from_a_file_depends_on_its_content_only(tmp_path: Path) -> None:
    file = saved(tmp_path / "model.safetensors")

    def request(**changes: object) -> dict[str, Any]:
        config = configured(models={"old": {"file": str(file), "scans": ["foam"]}}, **changes)
        return Params(with_models(Run(config, ENTRIES))).training_request("old")

    first = request()
    assert first["start"] == str(file)
    assert request(network={"slices": 11}) == first
    models.save(replace(models.load(file), normalisation=Normalisation((0.3,), (2.5,))), file)
    assert request() != first
    assert json.loads(json.dumps(request())) == json.loads(json.dumps(request()))
    assert model_file.facts(first, {"foam": {"pixel_size": {"value": 1.5, "source": "a test"}}})["origin"]["facts"][
        "source"
    ] == {"foam": "abc"}


def test_a_file_that_does_not_fit_is_refused_with_the_models_name(tmp_path: Path) -> None:
    channels = specs.complete(Network(name="unet", slices=1, width=2, depth=1), channels=3)
    for file, part in [
        (str(saved(tmp_path / "three.safetensors", channels)), "3 channels"),
        (str(tmp_path / "none"), "no such file"),
        ("a{b}", "braces"),
    ]:
        with pytest.raises(UserError, match=r"models\.old\.file: ") as caught:
            with_models(Run(configured(models={"old": {"file": file}}), ENTRIES))
        assert part in str(caught.value)


def test_a_model_that_is_damaged_is_refused_wherever_the_bit_was_flipped(tmp_path: Path) -> None:
    file = saved(tmp_path / "model.safetensors")
    content = file.read_bytes()
    mean = content.index(b'mean\\": [0.3') + len(b'mean\\": [0.')
    for place in (mean, len(content) // 2, len(content) - 4, len(content) - 2000):
        spoiled = bytearray(content)
        spoiled[place] ^= 1
        file.write_bytes(spoiled)
        with pytest.raises(UserError, match=r"model.safetensors is damaged: restore it from a copy, or train"):
            models.load(file)
    file.write_bytes(content)
    models.load(file)


def test_a_model_of_an_earlier_version_without_seal_is_taken(tmp_path: Path) -> None:
    models.load(forged(tmp_path / "model.safetensors"))
