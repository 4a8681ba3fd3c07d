"""The configuration: checked against the schema, completed with its defaults, mistakes told in one line."""

import copy
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tomodenoise import specs
from tomodenoise.errors import UserError

FILTERS = ("median", "tv", "nlm", "paganin")
"""Filters that `compare` may name; every other name there is that of a model."""

KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a group of keys",
    "string": "text",
}
"""What the types of JSON Schema are called where YAML is written."""

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"


def schema() -> dict[str, Any]:
    """Read the schema: the one place where keys, defaults and descriptions stand."""
    content: dict[str, Any] = yaml.safe_load(SCHEMA.read_text())
    return content


def resolve(config: Mapping[str, Any]) -> dict[str, Any]:
    """Check a configuration and fill in every default, but for those of a network, which depend on the channels.

    A scan's own model, or one that scans only name, stands under `models` as well: trained on the scans that name it.

    Raises
    ------
    UserError
        For the first mistake, with the key's full name; an unknown key with the nearest valid one.
    """
    rules, config = schema(), _with_steps(config)
    mistakes = sorted(Draft202012Validator(rules).iter_errors(config), key=lambda m: list(map(str, m.absolute_path)))
    if mistakes:
        raise UserError(f"config: {_explain(mistakes[0])}")
    for path, number in _endless(config):
        raise UserError(f"config: {_dotted(path)}: {number} is no finite number: correct it")
    complete: dict[str, Any] = _with_defaults(config, rules)
    specs.complete(complete["network"])
    _check_names(complete)
    _check_models(complete)
    _check_compared(complete)
    return complete | {"models": _unwritten(complete) | complete["models"]}


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
    """Pick what shapes a product of a scan: keys of the scan's entry, all if None, and sections of the config."""
    entry = {key: value for key, value in config["scans"][scan].items() if keys is None or key in keys}
    return {"scans": {scan: entry}, **{section: config[section] for section in sections}}


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


def _explain(mistake: ValidationError) -> str:
    """Say what the schema found in the words of somebody who edits YAML."""
    key, value = _dotted(mistake.absolute_path), mistake.instance
    if "propertyNames" in mistake.absolute_schema_path or mistake.validator == "pattern":
        return f"{key}: the name {value!r} must be of letters, digits, dots, dashes and underscores"
    if value is None and mistake.validator in {"type", "enum", "oneOf"}:
        return f"{key} has no value: give it one, or leave it out"
    messages = {
        "type": lambda: f"{key}: {_of_other_type(mistake)}",
        "additionalProperties": lambda: _unknown_key(mistake),
        "required": lambda: f"{key}: {mistake.message.split(' ')[0]} is missing",
        "enum": lambda: f"{key}: '{value}' is none of {', '.join(map(str, _rules(mistake)['enum']))}",
        "minProperties": lambda: f"{key} is empty: name at least one, as in `sample: {{file: raw/sample.h5}}`",
        "oneOf": lambda: f"{key}: {value!r} is neither {_alternatives(mistake)}{_read_as_text(value)}",
        "not": lambda: f"{key}: {value!r} is even, but must be odd",
        "minItems": lambda: f"{key}: {value!r} has fewer entries than {mistake.validator_value}",
        "maxItems": lambda: f"{key}: {value!r} has more entries than {mistake.validator_value}",
        "uniqueItems": lambda: f"{key}: {value!r} names one twice: name each once",
        "minLength": lambda: f"{key}: '' is empty",
    }
    return messages.get(str(mistake.validator), lambda: f"{key}: {mistake.message}")()


def _of_other_type(mistake: ValidationError) -> str:
    wanted = mistake.validator_value
    kinds = [wanted] if isinstance(wanted, str) else cast("list[str]", wanted)
    value = mistake.instance
    wrong = f"{value!r} is not {' or '.join(KINDS[kind] for kind in kinds)}"
    if isinstance(value, str) and "array" in kinds:
        return f"{wrong}: write [{value}]"
    return wrong + (_read_as_text(value) if {"number", "integer"} & set(kinds) else "")


def _read_as_text(value: object) -> str:
    """Add how to write a number that YAML takes for text: 1e8, for one, has neither a dot nor a sign."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    return f": it is read as text, write {yaml.safe_dump(int(number) if number.is_integer() else number).split()[0]}"


def _alternatives(mistake: ValidationError) -> str:
    word, number = _rules(mistake)["oneOf"]
    kind = "a whole number" if number["type"] == "integer" else "a number"
    least = f" of at least {number['minimum']}" if "minimum" in number else ""
    return f"{word['const']!r} nor {kind}{least}"


def _unknown_key(mistake: ValidationError) -> str:
    known = list(_rules(mistake).get("properties", {}))
    unknown = next(key for key in cast("Mapping[str, Any]", mistake.instance) if key not in known)
    nearest = difflib.get_close_matches(str(unknown), known, n=1, cutoff=0.5)
    mend = f"did you mean '{nearest[0]}'?" if nearest else f"known are {', '.join(known)}"
    return f"unknown key '{_dotted([*mistake.absolute_path, unknown])}': {mend}"


def _rules(mistake: ValidationError) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", mistake.schema)


def _dotted(path: Iterable[object]) -> str:
    return ".".join(map(str, path)) or "the top level"


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
                nearest = difflib.get_close_matches(scan, list(config["scans"]), n=1)
                mend = f"did you mean '{nearest[0]}'?" if nearest else "name it under scans"
                raise UserError(f"config: models.{name}.scans: there is no scan '{scan}': {mend}")


def _check_compared(config: Mapping[str, Any]) -> None:
    known = {*config["models"], *(model_of(config, scan) for scan in config["scans"])}
    for name in config["compare"]:
        if name in FILTERS and name in known:
            raise UserError(f"config: compare: '{name}' is a filter and a model: give the model another name")
        if name not in known | set(FILTERS):
            nearest = difflib.get_close_matches(name, [*FILTERS, *known], n=1)
            mend = f"did you mean '{nearest[0]}'?" if nearest else f"filters are {', '.join(FILTERS)}"
            raise UserError(f"config: compare: there is no filter or model '{name}': {mend}")
