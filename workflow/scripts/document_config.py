"""Write the JSON Schema of the configuration and config/README.md from its models: document_config.py [--check].

With --check nothing is written, and the exit status is 1 if a file is out of date.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tomodenoise.config import schema

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
PAGE = ROOT / "config" / "README.md"
INTRODUCTION = PAGE.with_name("introduction.md")
HEADER = "# Generated from the models in tomodenoise/*/options.py and tomodenoise/config/model.py: `make docs`.\n"


def main(check: bool) -> None:
    """Write both files, or compare them."""
    rules = schema.schema()
    texts = {
        SCHEMA: HEADER + yaml.safe_dump(json.loads(json.dumps(rules)), sort_keys=False, allow_unicode=True, width=120),
        PAGE: INTRODUCTION.read_text() + "\n".join(reference(rules)) + "\n",
    }
    for file, text in texts.items():
        if not check:
            file.write_text(text)
        elif not file.is_file() or file.read_text() != text:
            sys.exit(f"{file.name} differs from the models or from {INTRODUCTION.name}: run `make docs`")


def reference(rules: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown: a table for each section of the configuration."""
    for name, section in rules["properties"].items():
        entry = section.get("additionalProperties")
        keys = entry["properties"] if entry else section.get("properties", {})
        yield f"\n### `{name}{'.NAME' if entry else ''}`\n"
        yield section["description"] + ("" if keys else f" Default: `{json.dumps(section['default'])}`.")
        if keys:
            yield "\n| key | default | values | what it does |\n|---|---|---|---|"
            yield from _rows("", keys, set(rules["properties"]))


def _rows(prefix: str, keys: Mapping[str, Any], sections: set[str]) -> Iterator[str]:
    """Rows of keys and those below them, except for sections, which have tables of their own."""
    for key, rule in keys.items():
        yield _row(prefix + key, rule)
        if prefix + key not in sections:
            yield from _rows(f"{prefix}{key}.", rule.get("properties", {}), sections)


def _row(key: str, rule: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(rule['default'])}`" if "default" in rule else "-"
    values = ", ".join(f"`{value}`" for kind in rule.get("anyOf", [rule]) for value in _values(kind))
    return f"| `{key}` | {default} | {values} | {rule['description']} |"


def _values(kind: Mapping[str, Any]) -> list[Any]:
    return list(kind.get("enum", [kind.get("const", kind.get("type"))]))


if __name__ == "__main__":
    main("--check" in sys.argv[1:])
