"""The JSON Schema of the configuration, from its models: for editors, the page of keys, and error messages."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from tomodenoise.config.model import Config

TITLE = "tomodenoise configuration"


class _Generator(GenerateJsonSchema):
    """Generator of a schema without null, titles, and the defaults of whole sections."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        described = super().default_schema(schema)
        if described.get("default") is None or isinstance(described["default"], dict):
            described.pop("default", None)
        return described

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        described = super().dict_schema(schema)
        for pattern, rule in described.pop("patternProperties", {}).items():
            described |= {"propertyNames": {"pattern": pattern}, "additionalProperties": rule}
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own
        return False


@cache
def schema() -> Mapping[str, Any]:
    """Return the schema, with all references resolved."""
    generated = Config.model_json_schema(schema_generator=_Generator)
    inlined: dict[str, Any] = _inlined(generated, generated.pop("$defs"))
    return {"$schema": GenerateJsonSchema.schema_dialect, **inlined, "title": TITLE}


def _inlined(rule: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Replace references by their definitions, and leave out titles."""
    if isinstance(rule, list):
        return [_inlined(item, definitions) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if "$ref" in rule:
        rule = {**definitions[rule["$ref"].rsplit("/", 1)[-1]], **rule}
    return {key: _inlined(value, definitions) for key, value in rule.items() if key not in {"$ref", "title"}}


def keys(rules: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the full names of all keys, with NAME for names that the user gives."""
    for key, rule in rules.get("properties", {}).items():
        yield prefix + key
        entry = rule.get("additionalProperties")
        named = isinstance(entry, Mapping)
        yield from keys(entry if named else rule, f"{prefix}{key}.{'NAME.' if named else ''}")
