"""Write docs/reference.md from the schema: document_config.py [--check].

With --check nothing is written, and the exit status says whether the page is up to date.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tomodenoise.config import settings

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
INTRODUCTION = """\
# Configuration keys

Only `scans` is required. Paths are relative to the working directory. A key that is not listed here is refused, with
the nearest one that is. [Choosing settings](settings.md) says which key helps when.
"""


def main(check: bool) -> None:
    """Write the page, or compare it."""
    text = INTRODUCTION + "\n".join(reference(settings.schema())) + "\n"
    if not check:
        PAGE.write_text(text)
    elif not PAGE.is_file() or PAGE.read_text() != text:
        sys.exit(f"docs/{PAGE.name} differs from the schema: run `make docs`")


def reference(schema: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown: a table for each section of the configuration."""
    for name, section in schema["properties"].items():
        entry = section.get("additionalProperties")
        keys = entry["properties"] if entry else section.get("properties", {})
        yield f"\n## `{name}{'.NAME' if entry else ''}`\n"
        yield section["description"] + ("" if keys else f" Default: `{json.dumps(section['default'])}`.")
        if keys:
            yield "\n| key | default | values | what it does |\n|---|---|---|---|"
            yield from _rows("", keys)


def _rows(prefix: str, keys: Mapping[str, Any]) -> Iterator[str]:
    for key, rule in keys.items():
        yield _row(prefix + key, rule)
        yield from _rows(f"{prefix}{key}.", rule.get("properties", {}))


def _row(key: str, rule: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(rule['default'])}`" if "default" in rule else "-"
    kinds = rule.get("oneOf", [rule])
    values = ", ".join(f"`{value}`" for kind in kinds for value in _values(kind))
    description = rule["description"].replace("|", r"\|")
    return f"| `{key}` | {default} | {values} | {description} |"


def _values(kind: Mapping[str, Any]) -> list[Any]:
    types = kind.get("type", "object" if "$ref" in kind else [])
    return list(kind.get("enum", [kind["const"]] if "const" in kind else [types] if isinstance(types, str) else types))


if __name__ == "__main__":
    main("--check" in sys.argv[1:])
