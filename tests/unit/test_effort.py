"""`effort` sets defaults; what the configuration sets itself prevails."""

from typing import Any

import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.config import effort, settings
from tomodenoise.config.model import Config

SCANS = {"foam": {"file": "raw/foam.h5"}}


def load(**keys: object) -> Config:
    return settings.load({"scans": SCANS, **keys})


def test_quick_is_the_default() -> None:
    assert load(effort="quick").as_json() == load().as_json()


@pytest.mark.parametrize("word", ["standard", "thorough"])
def test_more_effort_trains_a_wider_network_for_longer_in_larger_batches(word: str) -> None:
    quick, more = load(), load(effort=word)
    assert (more.network.width or 0) > 16
    assert more.train.pixels >= 10 * quick.train.pixels
    assert more.train.batch * more.train.patch**2 >= 8 * 96**2


def test_own_keys_prevail() -> None:
    config = load(effort="thorough", network={"width": 20}, train={"pixels": 7e6}, denoise={"ensemble": 1})
    assert (config.network.width, config.train.pixels, config.denoise.ensemble) == (20, 7e6, 1)
    assert config.train.batch == 32


def test_a_completed_configuration_keeps_its_settings() -> None:
    config = load(effort="standard", train={"patch": 64})
    assert settings.load(config.as_json()).as_json() == config.as_json()


def test_each_network_gets_wider_from_its_own_width() -> None:
    assert [load(effort="standard", network={"name": name}).network.width for name in ("unet", "unet3d", "msd")] == [
        32,
        32,
        2,
    ]


@pytest.mark.parametrize("network", [{"name": "unet3d"}, {"name": "msd", "dimensions": 3}])
def test_batches_of_cubes_stay_as_they_are(network: dict[str, Any]) -> None:
    config, quick = load(effort="thorough", network=network), load()
    assert (config.train.batch, config.train.patch) == (quick.train.batch, quick.train.patch)
    assert config.train.pixels > quick.train.pixels


@pytest.mark.parametrize("wrong", ["fast", 3, None, ["quick"]])
def test_an_unknown_word_is_refused_in_one_line(wrong: object) -> None:
    with pytest.raises(UserError, match=r"effort(: .*quick| has no value)"):
        load(effort=wrong)


def test_wrong_sections_are_left_to_the_check_that_follows() -> None:
    raw = {"scans": SCANS, "effort": "standard", "network": "unet", "train": 5}
    assert effort.apply(raw) == raw
    for section in ({"network": "unet"}, {"train": 5}, {"network": {"name": ["unet"]}}):
        with pytest.raises(UserError, match=next(iter(section))):
            load(effort="standard", **section)
