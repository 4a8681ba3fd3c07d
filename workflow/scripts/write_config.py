"""Draft a configuration from raw files: write_config.py CONFIG RAW…, which never overwrites a file."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tomodenoise.common.errors import UserError
from tomodenoise.planning import draft

HOME = Path(__file__).parents[2]
"""The checkout."""


def main(config: Path, files: Sequence[Path]) -> None:
    """Write the draft, and say how to continue. Paths are absolute, so that this works in any folder."""
    if not files:
        raise UserError("no raw files: name them, as in make config SCANS='raw/*.h5'")
    text = draft.draft([file.absolute() for file in sorted(files)])
    try:
        with config.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UserError(f"{config} already exists: move it away, or choose another with CONFIG=other.yaml") from None
    print(text, f"written to {config}; to see what a run takes, type in the folder for the results:", sep="\n")
    print(f"  {shlex.join(command(config))}")


def command(config: Path) -> list[str]:
    """Return the command that checks a configuration, from any folder."""
    own = Path(sys.executable).with_name("snakemake")
    snakemake = "snakemake" if shutil.which("snakemake") == str(own) else str(own)
    # The target first: `--configfile` takes all names that follow it for files.
    found = [snakemake, "check", "--snakefile", str(HOME / "Snakefile"), "--profile", str(HOME / "profiles" / "local")]
    return [*found, "--configfile", str(config.absolute())]


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), [Path(file) for file in sys.argv[2:]])
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
