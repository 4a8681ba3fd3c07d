"""No configuration, however wrong, ends in more than one line; none runs code, reaches a shell or leaves the folder."""

import cProfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tomodenoise.common.errors import UserError
from tomodenoise.config import schema, settings

KEYS = sorted({part for key in schema.keys(schema.schema()) for part in key.split(".")})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["auto", "none"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=3),
    max_leaves=8,
)


def leaves(rules: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Name every key of the schema; entries of scans and models are called x."""
    below = dict(rules.get("properties", {}))
    if isinstance(other := rules.get("additionalProperties"), Mapping):
        below["x"] = other
    if not below:
        yield path
    for key, part in below.items():
        yield from leaves(part, (*path, key))


def nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Put a value under a path of keys, with what is required."""
    config: dict[str, Any] = {"scans": {"x": {"file": "raw.h5"}}}
    inner = config
    if "phase" in path:
        parent = config["scans"]["x"] if path[0] == "scans" else config
        parent["correct"] = {"phase": {"delta_beta": 100, "energy": 20, "distance": 1}}
    if path[:2] == ("scans", "x") and path[2] in {"flats", "darks"}:
        config["scans"]["x"][path[2]] = {"file": "references.h5"}
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return config


@pytest.mark.parametrize("path", sorted(leaves(schema.schema())), ids=".".join)
def test_a_value_of_the_wrong_type_is_refused_with_its_key(path: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as refusal:
        settings.load(nested(path, {"of": {"the": "wrong type"}}))
    line = str(refusal.value)
    assert "\n" not in line
    assert ".".join(path) in line or f"'{'.'.join([*path, 'of'])}'" in line


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), VALUES, max_size=4))
@example({"scans": {"a": {"file": "x", "rows": [0, float("nan")]}}})
@example({"scans": {"a": {"file": "x", "pixel_size": float("inf")}}})
def test_any_mapping_is_a_configuration_or_refused_in_one_line(config: dict[Any, Any]) -> None:
    try:
        settings.load(config)
    except UserError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - what is not refused is right, too


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda bits: bits.decode("latin-1")))
@example("a: !!python/object/apply:os.system ['touch stolen']")
@example("a: &a [*a]")
@example("? [1, 2]\n: 3")
@example("{a: 1}: 2")
def test_any_text_is_yaml_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "config.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    try:
        settings.check_unique(file)
    except UserError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - as above
    assert not Path("stolen").exists()


@pytest.mark.parametrize(
    "name", ["../up", "/etc", "..", ".hidden", "a/b", "a b", "a;b", "$(a)", "a\nb", "", "ä", "-rf"]
)
def test_names_stay_in_the_results_folder_and_out_of_the_shell(name: str) -> None:
    for config in (
        {"scans": {name: {"file": "x"}}},
        {"scans": {"a": {"file": "x", "model": name}}},
        {"scans": {"a": {"file": "x"}}, "models": {name: {"scans": ["a"]}}},
    ):
        with pytest.raises(UserError, match="must consist of letters, digits, dots, dashes and underscores"):
            settings.load(config)


def test_anchors_stand_for_what_they_name() -> None:
    text = "scans: {a: &a {file: x, rows: [0, 4]}, b: {<<: *a, file: y}}"
    resolved = settings.load(yaml.safe_load(text))
    assert resolved.scans["b"].rows == (0, 4)


def test_ten_thousand_scans_cost_ten_times_as_much_as_a_thousand() -> None:
    """Counted in calls of functions, which are the same on every machine and whatever else runs there."""

    def calls(count: int) -> int:
        config = {"scans": {f"scan{number}": {"file": f"{number}.h5"} for number in range(count)}}
        profile = cProfile.Profile(builtins=False)
        complete = profile.runcall(settings.load, config)
        trained = {name: profile.runcall(complete.trained_on, name) for name in complete.used_models}
        assert trained == profile.runcall(complete.users)
        return sum(entry.callcount for entry in profile.getstats())

    few, many, most = (calls(count) for count in (1, 1000, 10000))
    assert most - few <= 10.5 * (many - few)
