"""Draw which packages of the library import which, as a Mermaid diagram in docs/architecture.md.

    python docs/draw_imports.py                     # update the page
    python docs/draw_imports.py --check             # exit with 1 if the page is out of date
    python docs/draw_imports.py --print FOLDER      # print the diagram of another checkout's workflow/scripts

Only the shortest arrows are drawn: where A imports B and B imports C, an arrow from A to C is left out.
"""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import grimp

DOCS = Path(__file__).parent
PAGE = DOCS / "architecture.md"
SCRIPTS = DOCS.parent / "workflow" / "scripts"
BEGIN = "<!-- imports: written by docs/draw_imports.py -->\n"
END = "<!-- imports: end -->\n"
ROOT = "tomodenoise"

Imports = Mapping[str, frozenset[str]]
"""For each package, the packages that it imports."""


def main(arguments: list[str]) -> None:
    """Update, check or print the diagram."""
    if arguments[:1] == ["--print"]:
        sys.stdout.write(draw(Path(arguments[1])))
        return
    old = PAGE.read_text(encoding="utf-8")
    head, _, rest = old.partition(BEGIN)
    new = head + BEGIN + draw(SCRIPTS) + END + rest.partition(END)[2]
    if "--check" not in arguments:
        PAGE.write_text(new, encoding="utf-8")
    elif new != old:
        sys.exit(f"docs/{PAGE.name}: the diagram of the imports is out of date: run `make docs`")


def draw(scripts: Path) -> str:
    """Return the diagram and its counts, as Markdown, of the library in a folder of scripts."""
    imports = read_imports(scripts)
    modules = sum(path.name != "__init__.py" for path in (scripts / ROOT).rglob("*.py"))
    arrows = sum(map(len, imports.values()))
    lines = [f"    {package} --> {target}" for package, targets in reduced(imports) for target in targets]
    counts = f"{len(imports)} packages, {modules} modules, {arrows} arrows of which {len(lines)} are drawn."
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", "", counts, ""])


def read_imports(scripts: Path) -> Imports:
    """Read what each package, or module outside a package, directly under the library imports of the others."""
    sys.path.insert(0, str(scripts))
    graph = grimp.build_graph(ROOT, cache_dir=None)
    children = sorted(graph.find_children(ROOT))
    for child in children:
        graph.squash_module(child)
    return {
        child.removeprefix(f"{ROOT}."): frozenset(
            name.removeprefix(f"{ROOT}.")
            for name in graph.find_modules_directly_imported_by(child)
            if name in children and name != child
        )
        for child in children
    }


def reduced(imports: Imports) -> list[tuple[str, list[str]]]:
    """Return the transitive reduction, each package after all that import it. The imports form no cycle."""

    @cache
    def below(package: str) -> frozenset[str]:
        return imports[package].union(*(below(target) for target in imports[package]))

    @cache
    def height(package: str) -> int:
        return 1 + max((height(target) for target in imports[package]), default=0)

    ordered = sorted(imports, key=lambda package: (-height(package), package))
    return [
        (package, sorted(imports[package] - frozenset().union(*(below(target) for target in imports[package]))))
        for package in ordered
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
