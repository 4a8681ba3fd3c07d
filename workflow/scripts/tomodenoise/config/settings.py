"""The configuration: checked against the schema, completed with its defaults, errors reported in one line."""

import copy
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator

from tomodenoise.common.errors import UserError
from tomodenoise.config.errors import dotted, explain, nearest
from tomodenoise.networks import specs

FILTERS = ("median", "tv", "nlm", "paganin")
"""Filters that `compare` may name; every other name there is that of a model."""

PER_SCAN = ("correct", "split", "reconstruct")
"""Sections of which a scan may have keys of its own."""

NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")

SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"


def schema() -> dict[str, Any]:
    """Read the schema: the one place where keys, defaults and descriptions stand."""
    content: dict[str, Any] = yaml.safe_load(SCHEMA.read_text())
    return content


def resolve(config: Mapping[str, Any]) -> dict[str, Any]:
    """Check a configuration and fill in every default, but for those of a network, which depend on the channels.

    Each scan gets the sections `PER_SCAN` in full: those of the configuration, its own keys in their place; a key that
    is null has its default. A scan's own model, or one that scans only name, stands under `models` as well: trained on
    the scans that name it. Text is read as a number where a number is wanted: YAML 1.1 takes 1e8 for text.

    Raises
    ------
    UserError
        For the first error, with the key's full name; an unknown key with what may have been meant.
    """
    rules = schema()
    config = _with_numbers(_with_steps(config), rules, rules)
    errors = sorted(
        Draft202012Validator(rules).iter_errors(_without_nulls(config)), key=lambda e: list(map(str, e.absolute_path))
    )
    if errors:
        raise UserError(f"config: {explain(errors[0], rules)}")
    for path, number in _endless(config):
        raise UserError(f"config: {dotted(path)}: {number} is no finite number: correct it")
    complete: dict[str, Any] = _with_defaults(config, rules)
    for name, entry in complete["scans"].items():
        complete["scans"][name] = entry | {key: _own(entry, key, complete, rules) for key in PER_SCAN}
    specs.complete(complete["network"])
    _check_names(complete)
    _check_models(complete)
    _check_compared(complete)
    return complete | {"models": _unwritten(complete) | complete["models"]}


def _own(entry: Mapping[str, Any], key: str, config: Mapping[str, Any], rules: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a YAML value
    """Give a scan's section: the keys of the configuration's, its own ones in their place, defaults for null."""
    if key not in entry:
        return config[key]
    merged = {**config[key], **entry[key]}
    given = {name: value for name, value in merged.items() if value is not None}
    return _with_defaults(given, rules["properties"][key])


def _without_nulls(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the keys by which a scan goes back to a default, which the schema need not know."""
    scans = config.get("scans")
    if not isinstance(scans, Mapping):
        return config
    return {**config, "scans": {name: _entry_without_nulls(entry) for name, entry in scans.items()}}


def _entry_without_nulls(entry: object) -> object:
    if not isinstance(entry, Mapping) or not entry.keys() & set(PER_SCAN):
        return entry
    return {
        key: {name: item for name, item in value.items() if item is not None}
        if key in PER_SCAN and isinstance(value, Mapping)
        else value
        for key, value in entry.items()
    }


def _with_numbers(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a YAML value
    """Read text as a number where the schema wants one."""
    if "$ref" in rules:
        rules = root["properties"][rules["$ref"].rsplit("/", 1)[-1]]
    if isinstance(value, Mapping):
        known, other = rules.get("properties", {}), rules.get("additionalProperties") or {}
        return {key: _with_numbers(item, known.get(key, other), root) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item, rules.get("items", {}), root) for item in value]
    kinds = {rule.get("type") for rule in rules.get("oneOf", [rules]) if isinstance(rule.get("type"), str)}
    if isinstance(value, str) and kinds & {"number", "integer"} and NUMBER.fullmatch(value.strip()):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def _unwritten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Write out the models that nobody describes."""
    found: dict[str, Any] = {}
    for scan in config["scans"]:
        if (model := model_of(config, scan)) not in config["models"]:
            found.setdefault(model, {"scans": []})["scans"].append(scan)
    return found


def _with_steps(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give dynamic scans the key `steps`, so that its defaults are filled in; no other scan has it."""
    scans = config.get("scans")
    if not isinstance(scans, Mapping):
        return config
    dynamic = {n: e for n, e in scans.items() if isinstance(e, Mapping) and e.get("mode") == "dynamic"}
    return {**config, "scans": {**scans, **{name: {"steps": {}, **entry} for name, entry in dynamic.items()}}}


def model_of(config: Mapping[str, Any], scan: str) -> str:
    """Name the model that denoises a scan."""
    return str(config["scans"][scan].get("model", scan))


def trained_on(config: Mapping[str, Any], model: str) -> list[str]:
    """Name the scans that a model is trained on; none where it is used as its file holds it."""
    return list(config["models"][model].get("scans", []))


def users(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name with each model the scans that it is trained on or denoises."""
    found = {model: dict.fromkeys(trained_on(config, model)) for model in models(config)}
    for scan in config["scans"]:
        found[model_of(config, scan)][scan] = None
    return {model: list(scans) for model, scans in found.items()}


def file_of(config: Mapping[str, Any], model: str) -> Path | None:
    """File that a model is taken from, or that its training starts from; None where it starts anew."""
    file = config["models"][model].get("file")
    return None if file is None else Path(file)


def models(config: Mapping[str, Any]) -> list[str]:
    """Name the models that denoise a scan, or that others are compared with."""
    return sorted({model_of(config, scan) for scan in config["scans"]} | set(rivals(config)))


def rivals(config: Mapping[str, Any]) -> list[str]:
    """Name the models in `compare`."""
    return [name for name in config["compare"] if name not in FILTERS]


def only(config: Mapping[str, Any], scans: Sequence[str]) -> dict[str, Any]:
    """Give the configuration as far as some scans go: their entries, and those of their models and the compared."""
    some = {**config, "scans": {scan: config["scans"][scan] for scan in scans}}
    return {**some, "models": {name: config["models"][name] for name in models(some)}}


def relevant(
    config: Mapping[str, Any], scan: str, keys: Sequence[str] | None = None, sections: Sequence[str] = ()
) -> dict[str, Any]:
    """Pick what shapes a product of a scan: keys of its entry, all if None, and sections as this scan has them."""
    entry = config["scans"][scan]
    picked = {key: value for key, value in entry.items() if key not in PER_SCAN and (keys is None or key in keys)}
    chosen = {section: (entry if section in PER_SCAN else config)[section] for section in sections}
    return {"scans": {scan: picked}, **chosen}


def check_unique(path: Path) -> None:
    """Refuse a YAML file that holds a key twice, as the first one would be lost without a word.

    Raises
    ------
    UserError
        With the key and the line where it stands again; also where the file is no YAML.
    """
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}, line {line}: {error.problem}: this is no valid YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from None
    for line, mistake in _wrong(tree):
        raise UserError(f"{path}, line {line}: {mistake}")


def _wrong(node: yaml.Node | None, around: tuple[yaml.Node, ...] = ()) -> Iterator[tuple[int, str]]:
    """Find entries of one name, names that are no text, and an alias within what it stands for: line and mistake."""
    if not isinstance(node, yaml.CollectionNode):
        return
    if node in around:
        yield node.start_mark.line + 1, "this refers to itself: write it out"
        return
    seen: set[str] = set()
    for item in node.value:
        key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
        if key is not None and not isinstance(key, yaml.ScalarNode):
            yield key.start_mark.line + 1, "the name of this entry is no text: give it a name"
        elif key is not None and key.value in seen:
            yield key.start_mark.line + 1, f"'{key.value}' stands there twice: give each entry a name of its own"
        elif key is not None:
            seen.add(key.value)
        yield from _wrong(value, (*around, node))


def _endless(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], float]]:
    """Find numbers that are infinite or none, with the keys that lead to them."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _endless(item, (*path, key))


def _with_defaults(value: object, rules: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a YAML value
    if isinstance(value, list):
        return [_with_defaults(item, rules.get("items", {})) for item in value]
    if not isinstance(value, Mapping):
        # JSON Schema takes 5.0 for an integer, but no array can have 5.0 channels.
        return int(cast("int", value)) if rules.get("type") == "integer" else value
    known = rules.get("properties", {})
    filled = {key: copy.deepcopy(rule["default"]) for key, rule in known.items() if "default" in rule} | dict(value)
    other = rules.get("additionalProperties") or {}
    return {key: _with_defaults(item, known.get(key, other)) for key, item in filled.items()}


def _check_names(config: Mapping[str, Any]) -> None:
    for name in [*config["scans"], *config["models"]]:
        if not isinstance(name, str):
            raise UserError(f"config: the name {name!r} is read as a {type(name).__name__}: put it in quotes")


def _check_models(config: Mapping[str, Any]) -> None:
    for name, model in config["models"].items():
        if not model:
            raise UserError(
                f"config: models.{name} is empty: name a file to take it from, scans to train it on, or both"
            )
        for scan in model.get("scans", []):
            if scan not in config["scans"]:
                advice = nearest(scan, config["scans"], "name it under scans")
                raise UserError(f"config: models.{name}.scans: there is no scan '{scan}': {advice}")


def _check_compared(config: Mapping[str, Any]) -> None:
    known = {*config["models"], *(model_of(config, scan) for scan in config["scans"])}
    for name in config["compare"]:
        if name in FILTERS and name in known:
            raise UserError(f"config: compare: '{name}' is a filter and a model: give the model another name")
        if name not in known | set(FILTERS):
            advice = nearest(name, [*FILTERS, *known], f"filters are {', '.join(FILTERS)}")
            raise UserError(f"config: compare: there is no filter or model '{name}': {advice}")
