"""Write docs/reference.md and the JSON Schema for editors from the models of the configuration.

document_config.py [--check]; with --check nothing is written, and the exit status says whether both are up to date.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from tomodenoise.config import schema

PAGE = ROOT / "docs" / "reference.md"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
HEADER = "# Generated from the models, see tomodenoise/config/model.py: `make docs`.\n"
INTRODUCTION = """\
# Configuration keys

Only `scans` is required. Paths are relative to the working directory. A key that is not listed here is refused, and the
message names the nearest one that is. [Choosing settings](settings.md) says which key helps when.
"""


def main(check: bool) -> None:
    """Write both files, or compare them."""
    rules = schema.schema()
    texts = {
        PAGE: INTRODUCTION + "\n".join(reference(rules)) + "\n",
        SCHEMA: HEADER + yaml.safe_dump(json.loads(json.dumps(rules)), sort_keys=False, allow_unicode=True, width=120),
    }
    for file, text in texts.items():
        if not check:
            file.write_text(text)
        elif not file.is_file() or file.read_text() != text:
            sys.exit(f"{file.relative_to(ROOT)} differs from the models: run `make docs`")


def reference(rules: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown: a table for each section of the configuration."""
    for name, section in rules["properties"].items():
        entry = section.get("additionalProperties")
        keys = entry["properties"] if entry else section.get("properties", {})
        yield f"\n## `{name}{'.NAME' if entry else ''}`\n"
        yield section["description"] + ("" if keys else f" Default: `{json.dumps(section['default'])}`.")
        if keys:
            yield "\n| key | default | values | meaning |\n|---|---|---|---|"
            yield from _rows("", keys, set(rules["properties"]))


def _rows(prefix: str, keys: Mapping[str, Any], sections: set[str]) -> Iterator[str]:
    """Rows of keys and those below them, except for sections, which have their own tables."""
    for key, rule in keys.items():
        yield _row(prefix + key, rule)
        if prefix + key not in sections:
            yield from _rows(f"{prefix}{key}.", rule.get("properties", {}), sections)


def _row(key: str, rule: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(rule['default'])}`" if "default" in rule else "-"
    values = ", ".join(f"`{value}`" for kind in rule.get("anyOf", [rule]) for value in _values(kind))
    description = rule["description"].replace("|", r"\|")
    return f"| `{key}` | {default} | {values} | {description} |"


def _values(kind: Mapping[str, Any]) -> list[Any]:
    return list(kind.get("enum", [kind.get("const", kind.get("type"))]))


if __name__ == "__main__":
    main("--check" in sys.argv[1:])
