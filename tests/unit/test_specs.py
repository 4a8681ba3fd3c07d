"""What the configuration says of a network is completed, or refused in one line; schema and defaults agree."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.config import schema, settings
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS

OTHER: dict[str, Any] = {"slices": 7, "width": 3, "depth": 2, "dilations": [1, 4], "dimensions": 3}
"""Values that are no network's default."""


def takes(name: str, key: str) -> bool:
    if NETWORKS[name].defaults.get(key) == OTHER[key]:
        return False
    try:
        return getattr(specs.complete(Network.model_validate({"name": name, key: OTHER[key]})), key) is not None
    except UserError:
        return False


@pytest.mark.parametrize("name", NETWORKS)
def test_a_completed_spec_survives_json(name: str) -> None:
    spec = specs.complete(Network(name=name), channels=3)
    assert specs.from_json(json.loads(json.dumps(asdict(spec)))) == spec


@pytest.mark.parametrize("key", OTHER)
def test_the_schema_gives_defaults_only_for_networks_that_take_a_key(key: str) -> None:
    description = schema.schema()["properties"]["network"]["properties"][key]["description"]
    defaults = {name: network.defaults[key] for name, network in NETWORKS.items() if takes(name, key)}
    defaults_text = ", ".join(f"`{name}` {json.dumps(value)}" for name, value in defaults.items())
    assert description.endswith(f" Default: {defaults_text}.")


def test_the_schema_names_every_network() -> None:
    assert schema.schema()["properties"]["network"]["properties"]["name"]["enum"] == list(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_resolved_network_is_as_written_and_completed_for_channels(name: str) -> None:
    config = settings.load({"scans": {"a": {"file": "x"}}, "network": {"name": name}})
    resolved = config.as_json()
    assert json.loads(json.dumps(resolved)) == resolved == settings.load(resolved).as_json()
    assert resolved["network"] == {"name": name}
    one, many = (specs.complete(config.network, channels) for channels in (1, 40))
    assert one == specs.complete(Network(name=name))
    assert (many.slices, many.channels) == (1, 40)


def test_a_volumetric_msd_sees_no_slices_beside_its_cube() -> None:
    spec = specs.complete(Network(name="msd", dimensions=3))
    assert (spec.slices, spec.volumetric, spec.inputs) == (1, True, 1)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"name": "unet3d", "slices": 5}, "network.slices: a volumetric network sees cubes, not 5 slices"),
        ({"name": "msd", "dimensions": 3, "slices": 3}, "network.slices: a volumetric network sees cubes"),
        ({"name": "unet", "dimensions": 3}, "network.dimensions: unet has 2: leave the key out"),
        ({"name": "unet3d", "dilations": [1]}, "network.dilations: only msd has dilations"),
        ({"name": "unet", "depth": 20}, "network.depth: unet has 6 at most, not 20: set it lower"),
    ],
)
def test_what_a_network_cannot_have_is_refused_in_one_line(network: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        specs.complete(Network.model_validate(network))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dilations_add_up_to_the_reach_of_msd() -> None:
    reach = NETWORKS["msd"].reach
    assert reach(specs.complete(Network(name="msd"))) == 550
    assert reach(specs.complete(Network(name="msd", depth=5, dilations=[1, 4]))) == 1 + 4 + 1 + 4 + 1


def test_pooling_sets_the_grid() -> None:
    assert {name: network.multiple(specs.complete(Network(name=name))) for name, network in NETWORKS.items()} == {
        "unet": 8,
        "msd": 1,
        "unet3d": 4,
    }
