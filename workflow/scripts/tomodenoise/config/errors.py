"""What is wrong with a configuration, in the words of somebody who edits YAML."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from jsonschema.exceptions import ValidationError

KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a group of keys",
    "string": "text",
}
"""What the types of JSON Schema are called where YAML is written."""

SYNONYMS = {
    **dict.fromkeys(("epoch", "epochs", "budget", "steps_total"), "train.pixels"),
    **dict.fromkeys(("lr", "rate"), "train.learning_rate"),
    **dict.fromkeys(("batch_size", "batchsize"), "train.batch"),
    **dict.fromkeys(("patch_size", "crop_size", "tile"), "train.patch"),
    **dict.fromkeys(("validation", "val_split"), "train.held_out"),
    **dict.fromkeys(("ring", "rings", "ring_removal", "destripe", "stripe"), "correct.stripes"),
    **dict.fromkeys(("paganin", "phase_retrieval"), "correct.phase"),
    **dict.fromkeys(("outliers", "spikes", "dezinger"), "correct.zingers"),
    **dict.fromkeys(("cor", "axis", "rotation_axis", "rotation_center", "center_of_rotation"), "scans.NAME.center"),
    **dict.fromkeys(("voxel_size", "pixelsize", "resolution"), "scans.NAME.pixel_size"),
    **dict.fromkeys(("roi", "crop", "slice_range"), "scans.NAME.rows"),
    **dict.fromkeys(("path", "filename", "raw", "input_file"), "scans.NAME.file"),
    **dict.fromkeys(("skip", "bad_frames", "leave_out", "ignore"), "scans.NAME.exclude"),
    **dict.fromkeys(("k", "nsplits", "splits", "n_sections"), "split.sections"),
    **dict.fromkeys(("method", "recon", "algo"), "reconstruct.algorithm"),
    **dict.fromkeys(("padding",), "reconstruct.pad"),
    **dict.fromkeys(("lambda", "weight"), "reconstruct.regularisation"),
    **dict.fromkeys(("architecture", "arch", "model_type"), "network.name"),
    **dict.fromkeys(("output", "format", "formats"), "export"),
    **dict.fromkeys(("weights", "checkpoint", "pretrained"), "models.NAME.file"),
}
"""Keys as other programs call them, to ours."""


def explain(error: ValidationError, schema: Mapping[str, Any]) -> str:
    """Say in one line what the schema does not accept, where it stands, and how to correct it."""
    key, value = dotted(error.absolute_path), error.instance
    if "propertyNames" in error.absolute_schema_path or error.validator == "pattern":
        return f"{key}: the name {value!r} must be of letters, digits, dots, dashes and underscores"
    if value is None and error.validator in {"type", "enum", "oneOf"}:
        return f"{key} has no value: give it one, or leave it out"
    messages = {
        "type": lambda: f"{key}: {_of_other_type(error)}",
        "additionalProperties": lambda: _unknown_key(error, schema),
        "required": lambda: f"{key}: {error.message.split(' ')[0]} is missing",
        "enum": lambda: f"{key}: '{value}' is none of {', '.join(map(str, _rules(error)['enum']))}",
        "minProperties": lambda: f"{key} is empty: name at least one, as in `sample: {{file: raw/sample.h5}}`",
        "oneOf": lambda: f"{key}: {value!r} is neither {_alternatives(error)}",
        "not": lambda: f"{key}: {value!r} is even, but must be odd",
        "minItems": lambda: f"{key}: {value!r} has fewer entries than {error.validator_value}",
        "maxItems": lambda: f"{key}: {value!r} has more entries than {error.validator_value}",
        "uniqueItems": lambda: f"{key}: {value!r} names one twice: name each once",
        "minLength": lambda: f"{key}: '' is empty",
    }
    return messages.get(str(error.validator), lambda: f"{key}: {error.message}")()


def dotted(path: Iterable[object]) -> str:
    """Write the keys that lead to a value as people do."""
    return ".".join(map(str, path)) or "the top level"


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """Ask for the known name that is most like another, or say something else where none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise


def _of_other_type(error: ValidationError) -> str:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else cast("list[str]", wanted)
    value = error.instance
    wrong = f"{value!r} is not {' or '.join(KINDS[kind] for kind in kinds)}"
    if isinstance(value, str) and list(error.absolute_path)[:-1] == ["scans"]:
        return f"{wrong}: write {{file: {value}}}"
    return f"{wrong}: write [{value}]" if isinstance(value, str) and "array" in kinds else wrong


def _alternatives(error: ValidationError) -> str:
    word, number = _rules(error)["oneOf"]
    kind = "a whole number" if number["type"] == "integer" else "a number"
    least = f" of at least {number['minimum']}" if "minimum" in number else ""
    return f"{word['const']!r} nor {kind}{least}"


def _unknown_key(error: ValidationError, schema: Mapping[str, Any]) -> str:
    known = list(_rules(error).get("properties", {}))
    unknown = next(str(key) for key in cast("Mapping[str, Any]", error.instance) if key not in known)
    plain = unknown.casefold().replace("-", "_")
    close = difflib.get_close_matches(unknown, known, n=1, cutoff=0.7)
    elsewhere = [key for key in keys(schema) if key.rsplit(".", 1)[-1] == plain]
    meant = close or ([SYNONYMS[plain]] if plain in SYNONYMS else elsewhere)
    meant = meant or difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
    named = " or ".join(f"'{key}'" for key in meant)
    advice = f"did you mean {named}?" if meant else f"known are {', '.join(known)}"
    return f"unknown key '{dotted([*error.absolute_path, unknown])}': {advice}"


def keys(rules: Mapping[str, Any], around: str = "") -> Iterator[str]:
    """Give the full names of all keys, NAME standing for what the user names."""
    for key, rule in rules.get("properties", {}).items():
        yield around + key
        entry = rule.get("additionalProperties")
        named = isinstance(entry, Mapping)
        yield from keys(entry if named else rule, f"{around}{key}.{'NAME.' if named else ''}")


def _rules(error: ValidationError) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", error.schema)
