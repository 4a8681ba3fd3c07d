"""Draft a configuration from raw files: write_config.py CONFIG RAW…, which never overwrites a file."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tomodenoise import drafts, settings
from tomodenoise.errors import UserError


def main(config: Path, files: Sequence[Path]) -> None:
    """Write the draft, once it is sure that the workflow takes it."""
    if not files:
        raise UserError("no raw files: name them, as in make config SCANS='raw/*.h5'")
    text = drafts.draft(sorted(files))
    settings.resolve(yaml.safe_load(text))
    try:
        with config.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UserError(f"{config} is there already: move it away, or name another with CONFIG=other.yaml") from None
    # The target first: `--configfile` takes all names that follow it for files.
    check = ["snakemake", "check", "--profile", "profiles/local", "--configfile", str(config)]
    print(text, f"written to {config}; see what a run takes: {shlex.join(check)}", sep="\n")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), [Path(file) for file in sys.argv[2:]])
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
