"""Validation errors of the configuration, as messages for somebody who edits YAML."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from tomodenoise.config import schema

KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a group of keys",
    "string": "text",
}
"""Types of JSON Schema, in words."""

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
"""Names of keys in other programs, to ours."""


class Place(NamedTuple):
    """Where an error is, and the rules for the value there."""

    path: tuple[str | int, ...]
    """Keys that lead to the value; to the group that a key is missing from, or is unknown in."""
    rule: Mapping[str, Any]
    error: ErrorDetails

    @property
    def key(self) -> str:
        """Full name of the key."""
        return dotted(self.path)

    @property
    def limit(self) -> str:
        """Limit that the value exceeds."""
        limits = self.error.get("ctx", {})
        return next(f"{limits[name]:g}" for name in ("ge", "gt", "le", "min_length", "max_length") if name in limits)

    def __str__(self) -> str:
        """Key and value."""
        return f"{self.key}: {self.error['input']!r}"


def explain(errors: Sequence[ErrorDetails]) -> str:
    """Return one line about the first error: the value, what is wrong with it, and how to correct it.

    Errors in sections come before those in scans, which inherit the sections.
    """
    places = sorted(map(_locate, errors), key=_order)
    first = places[0]
    if "anyOf" in first.rule or first.error["type"] == "too_short":
        # A list that is refused for an entry of it: the entry has its own error.
        inner = (place for place in places if place.path[: len(first.path)] == first.path != place.path)
        first = next(inner, first)
    return MESSAGES.get(_kind(first), _wrong_type)(first)


def _order(place: Place) -> tuple[bool, list[str], bool]:
    later = place.error["type"] in {"string_type", "missing"}
    return place.path[:1] == ("scans",), list(map(str, place.path)), later


def _kind(place: Place) -> str:
    """Return the type of an error; one type for a value that may be a word or a number and is neither."""
    kind = place.error["type"]
    value = place.error["input"]
    if "[key]" in place.error["loc"]:
        return "string_pattern_mismatch"
    if value is None and kind not in {"missing", "invalid_key"}:
        return "no_value"
    return "wrong_type" if _words(place.rule.get("anyOf", [{}])[0]) else kind


def dotted(path: Iterable[object]) -> str:
    """Join the keys that lead to a value."""
    return ".".join(map(str, path)) or "the top level"


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """Suggest the known name that is most similar to another, or give other advice if none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise


def _locate(error: ErrorDetails) -> Place:
    """Follow the location of an error through the schema, without pydantic's names of alternatives."""
    path: list[str | int] = []
    rule = schema.schema()
    for part in error["loc"]:
        inner = _inside(rule, part)
        if inner is None:
            continue
        if error["type"] == "missing" and part == error["loc"][-1]:
            break
        path.append(part)
        rule = inner
    return Place(tuple(path), rule, error)


def _inside(rule: Mapping[str, Any], part: str | int) -> Mapping[str, Any] | None:
    """Return the rules for an entry or an item of a value; None if it has none of this name."""
    for kind in rule.get("anyOf", [rule]):
        entry = kind.get("additionalProperties")
        inner = kind.get("items") if isinstance(part, int) else kind.get("properties", {}).get(part, entry or None)
        if "prefixItems" in kind and isinstance(part, int):
            inner = kind["prefixItems"][part]
        if inner is not None:
            return dict(inner)
    return None


def _wrong_name(place: Place) -> str:
    name = place.error["input"]
    if not isinstance(name, str):
        return f"the name {name!r} is read as a {type(name).__name__}: put it in quotes"
    return f"{place.key}: the name {name!r} must consist of letters, digits, dots, dashes and underscores, at most 100"


def _words(rule: Mapping[str, Any]) -> Sequence[str]:
    words: Sequence[str] = rule.get("enum", [rule["const"]] if "const" in rule else [])
    return words


def _wrong_type(place: Place) -> str:
    value = place.error["input"]
    rules = place.rule.get("anyOf", [place.rule])
    if "enum" in place.rule:
        return f"{place} is not one of {', '.join(map(str, place.rule['enum']))}"
    if words := _words(rules[0]):
        return f"{place} is neither {' nor '.join(map(repr, words))} nor {_number(rules[1])}"
    wrong = f"{place} is not {' or '.join(KINDS[rule['type']] for rule in rules)}"
    if isinstance(value, str) and place.path[:-1] == ("scans",):
        return f"{wrong}: write {{file: {value}}}"
    is_entry = isinstance(value, str | float | int) and not isinstance(value, bool)
    return f"{wrong}: write [{value}]" if is_entry and rules[-1]["type"] == "array" else wrong


def _missing(place: Place) -> str:
    name = place.error["loc"][-1]
    if isinstance(name, int):
        return f"{place} has fewer entries than {place.rule['minItems']}"
    return f"{place.key}: '{name}' is missing"


def _number(rule: Mapping[str, Any]) -> str:
    least = f" of at least {rule['minimum']:g}" if "minimum" in rule else ""
    return f"{KINDS[rule['type']]}{least}"


def _unknown_key(place: Place) -> str:
    invalid = place.error["type"] == "invalid_key"
    known = [key for kind in place.rule.get("anyOf", [place.rule]) for key in kind.get("properties", {})]
    unknown = str(place.error["input"] if invalid else place.error["loc"][-1])
    word = unknown.casefold().replace("-", "_")
    close = [word] if word in known else difflib.get_close_matches(unknown, known, n=1, cutoff=0.7)
    alike = [key for key in schema.keys(schema.schema()) if key.rsplit(".", 1)[-1] == word]
    elsewhere = [key for key in alike if key.removeprefix("scans.NAME.") not in alike or key.count(".") < 2]
    elsewhere = [] if word in known else elsewhere
    meant = [SYNONYMS[word]] if word in SYNONYMS and not close else [*elsewhere, *close]
    meant = meant or difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
    named = " or ".join(f"'{key}'" for key in meant)
    advice = f"did you mean {named}?" if meant else f"the keys here are {', '.join(known)}"
    return f"unknown key '{dotted([*place.path, unknown])}': {advice}"


MESSAGES: dict[str, Callable[[Place], str]] = {
    "no_value": lambda place: f"{place.key} has no value: give it one, or leave it out",
    "extra_forbidden": _unknown_key,
    "invalid_key": _unknown_key,
    "missing": _missing,
    "finite_number": lambda place: f"{place} is not a finite number: correct it",
    "address": lambda place: f"{place} is not a web address: write https://…",
    "command": lambda place: f"{place} is not a command: write its words as a list, or close its quotes",
    "even": lambda place: f"{place} is even, but must be odd",
    "not_unique": lambda place: f"{place} lists an entry twice: list each once",
    "string_too_short": lambda place: f"{place} is empty",
    "string_pattern_mismatch": _wrong_name,
    "too_short": lambda place: f"{place} has fewer entries than {place.limit}",
    "too_long": lambda place: f"{place} has more entries than {place.limit}",
    "greater_than_equal": lambda place: f"{place} must be at least {place.limit}",
    "greater_than": lambda place: f"{place} must be more than {place.limit}",
    "less_than_equal": lambda place: f"{place} must be at most {place.limit}",
}
"""By the type of pydantic's error; for any other type, the value has a wrong type."""
