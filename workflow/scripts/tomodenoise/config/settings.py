"""The configuration: read, checked, completed; errors are reported in one line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tomodenoise.common.errors import UserError
from tomodenoise.config import effort
from tomodenoise.config.errors import explain, nearest
from tomodenoise.config.model import FILTERS, PER_SCAN, Config, ModelEntry
from tomodenoise.networks import specs

RESERVED = {"models", "slurm", ".html", ".json", ".log"}
"""Names, and endings of names, of files next to the folders of scans."""


def load(raw: Mapping[str, Any]) -> Config:
    """Check a configuration and complete it, except for the network, whose defaults depend on the channels.

    The defaults of `network`, `train` and `denoise` depend on `effort`.

    Each scan gets the sections `PER_SCAN` in full: the configuration's, updated by its own keys; null resets a key to
    its default. Models that `models` lacks are added, each trained on the scans that name it.

    Raises
    ------
    UserError
        For the first error, with the key's full name; for an unknown key with the key that may be meant.
    """
    try:
        config = Config.model_validate(_with_sections(effort.apply(raw)))
    except ValidationError as error:
        raise UserError(f"config: {explain(error.errors(include_url=False))}") from None
    if not config.scans:
        raise UserError("config: scans is empty: name at least one, as in `sample: {file: raw/sample.h5}`")
    complete = _with_models(config)
    _check_names(complete)
    _check_models(complete)
    _check_compared(complete)
    specs.complete(config.network)
    return complete


def _with_models(config: Config) -> Config:
    """Add the models that `models` lacks, and scans to models of a shelf: each has those that name it."""
    trained: dict[str, list[str]] = {}
    for name in config.scans:
        trained.setdefault(config.model_of(name), []).append(name)
    shelf = {"shelf": config.shelf.default} if config.shelf.default else {}
    lacking = {name: names for name, names in trained.items() if name not in config.models}
    models = {name: ModelEntry(scans=tuple(names), **shelf) for name, names in lacking.items()}
    shelved = {
        name: model.model_copy(update={"scans": tuple(trained[name])})
        for name, model in config.models.items()
        if model.shelf and not model.scans and name in trained
    }
    return config.model_copy(update={"models": models | config.models | shelved})


def _with_sections(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the sections of each scan by the configuration's; add `steps` to dynamic scans for its defaults."""
    scans = raw.get("scans")
    completed = {}
    for name, entry in scans.items() if isinstance(scans, Mapping) else ():
        completed[name] = entry
        if isinstance(entry, Mapping):
            steps: dict[str, Any] = {"steps": {}} if entry.get("mode") == "dynamic" else {}
            sections = {key: _merged(raw.get(key), entry.get(key, {})) for key in PER_SCAN}
            completed[name] = {**steps, **entry, **sections}
    return {**raw, "scans": completed} if isinstance(scans, Mapping) else dict(raw)


def _merged(section: object, own: object) -> object:
    """Update a section by a scan's own keys; null stands for the default."""
    if not isinstance(own, Mapping):
        return own
    both = {**section, **own} if isinstance(section, Mapping) else own
    return {key: value for key, value in both.items() if value is not None}


def check_unique(path: Path) -> None:
    """Refuse a YAML file with a duplicate key, whose first value would be lost silently.

    Raises
    ------
    UserError
        With the key and its second line; also if the file is not valid YAML.
    """
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}, line {line}: {error.problem}: this is not valid YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    for line, problem in _problems(tree):
        raise UserError(f"{path}, line {line}: {problem}")


def _problems(node: yaml.Node | None, around: tuple[yaml.Node, ...] = ()) -> Iterator[tuple[int, str]]:
    """Yield the line and the reason of duplicate keys, keys that are not text, and aliases that contain themselves."""
    if not isinstance(node, yaml.CollectionNode):
        return
    if node in around:
        yield node.start_mark.line + 1, "this refers to itself: write it out"
        return
    seen: set[str] = set()
    for item in node.value:
        key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
        if key is not None and not isinstance(key, yaml.ScalarNode):
            yield key.start_mark.line + 1, "this key is not text: give it a name"
        elif key is not None and key.value in seen:
            yield key.start_mark.line + 1, f"'{key.value}' is given twice: give each entry its own name"
        elif key is not None:
            seen.add(key.value)
        yield from _problems(value, (*around, node))


def _check_names(config: Config) -> None:
    for scan in config.scans:
        if scan in RESERVED or Path(scan).suffix in RESERVED:
            raise UserError(f"config: scans.{scan}: this name is reserved in results or logs: choose another")


def _check_models(config: Config) -> None:
    for name, model in config.models.items():
        if model == ModelEntry():
            raise UserError(
                f"config: models.{name} is empty: name a file to take it from, scans to train it on, or both"
            )
        if model.shelf and model.file:
            raise UserError(f"config: models.{name} has a file and a shelf: leave one of them out")
        if model.shelf and not model.scans:
            raise UserError(
                f"config: models.{name}: no scan uses this model of a shelf: list its scans, or leave it out"
            )
        for scan in model.scans or ():
            if scan not in config.scans:
                advice = nearest(scan, config.scans, "name it under scans")
                raise UserError(f"config: models.{name}.scans: there is no scan '{scan}': {advice}")


def _check_compared(config: Config) -> None:
    for name in config.compare:
        if name in FILTERS and name in config.models:
            raise UserError(f"config: compare: '{name}' is a filter and a model: give the model another name")
        if name not in config.models and name not in FILTERS:
            advice = nearest(name, [*FILTERS, *config.models], f"filters are {', '.join(FILTERS)}")
            raise UserError(f"config: compare: there is no filter or model '{name}': {advice}")
