"""The pages say what is true: configurations are valid, commands, targets, files and generated parts exist."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tomodenoise.config import settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "config").glob("*.md"), *(ROOT / "docs").glob("*.md")]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SCAN = {"scan": {"file": "raw/scan.h5"}}


def blocks(page: Path, kind: str) -> Iterator[str]:
    """Give the text of each fenced block of a kind, such as `yaml` or `sh`."""
    return (block["text"] for block in FENCE.finditer(page.read_text(encoding="utf-8")) if block["kind"] == kind)


def words() -> Iterator[tuple[str, list[str]]]:
    """Give each line of the shell blocks of all pages, in words without options and comments."""
    for page, name in zip(PAGES, NAMES, strict=True):
        for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").replace("&&", "\n").splitlines():
            if command := shlex.split(line, comments=True):
                yield f"{name}: {line}", command


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_configuration_in_the_pages_is_valid(page: Path) -> None:
    for text in blocks(page, "yaml"):
        settings.load({"scans": SCAN} | yaml.safe_load(text))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_configuration_in_a_line_of_text_is_valid(page: Path) -> None:
    properties = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]
    for text in re.findall(r"`(\w+: [\[{][^`…]*[\]}])`", page.read_text(encoding="utf-8")):
        key = text.partition(":")[0]
        if key in properties:
            settings.load({"scans": SCAN} | yaml.safe_load(text))
        else:
            mode = {"mode": "dynamic"} if key == "steps" else {}
            assert key in properties["scans"]["additionalProperties"]["properties"], text
            settings.load({"scans": {"scan": SCAN["scan"] | mode | yaml.safe_load(text)}})


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([\w-]+)", page.read_text(encoding="utf-8"))}
    named |= {line[1] for _, line in words() if line[0] == "make"}
    assert named
    assert named <= targets


def test_the_public_workflow_calls_make_targets_that_exist() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = set(workflow["jobs"]["runs"]["strategy"]["matrix"]["target"])
    for job in workflow["jobs"].values():
        called |= {name for step in job["steps"] for name in re.findall(r"^make ([\w-]+)", step.get("run", ""))}
    assert called <= targets


def test_every_snakemake_target_in_the_pages_is_a_rule() -> None:
    rules = set(re.findall(r"^rule (\w+):", "".join(map(_text, [ROOT / "Snakefile", *_rule_files()])), re.MULTILINE))
    page = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert {"all", "check", "verify", "denoise"} <= listed
    spoken = {name for path in PAGES for name in re.findall(r"`snakemake (\w+)`", path.read_text(encoding="utf-8"))}
    typed = {line[1] for _, line in words() if line[0] == "snakemake" and line[1].isidentifier()}
    assert {"check", "center", "verify"} <= typed
    assert (listed | spoken - {"TARGET"} | typed) <= rules


def test_no_target_follows_a_configuration_file() -> None:
    """Snakemake takes all names after `--configfile` for files."""
    for where, line in words():
        if "--configfile" in line:
            rest = line[line.index("--configfile") + 2 :]
            assert not rest or rest[0].startswith("-"), where


def test_every_file_in_a_command_exists() -> None:
    for where, line in words():
        files = [word for word in line if re.match(r"(docs|profiles|envs|workflow|benchmarks)/", word)]
        assert all((ROOT / file).exists() for file in files), where


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_to_a_file_of_the_repository_works(page: Path) -> None:
    targets = re.findall(r"(?:\]\(|src=\")([^)#\s\"]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_readme_is_short_and_its_pictures_small() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 80
    assert all(picture.stat().st_size < 300_000 for picture in (ROOT / "docs/images").iterdir())


@pytest.mark.parametrize("script", ["docs/draw_imports.py", "docs/document_config.py", "docs/what_fits.py"])
def test_generated_pages_are_up_to_date(script: str) -> None:
    run = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") + "\n"


def _rule_files() -> list[Path]:
    return sorted((ROOT / "workflow/rules").glob("*.smk"))
