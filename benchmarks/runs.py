"""Run the workflow as a user does: a configuration in a folder, and a target."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

SNAKEFILE = Path(__file__).parents[1] / "Snakefile"


def run(folder: Path, config: Mapping[str, object], target: str, cores: int) -> None:
    """Make a target in a folder, which is made if missing; what Snakemake says is shown where it fails.

    Raises
    ------
    subprocess.CalledProcessError
        If a job or the configuration fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config)))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(folder)]
    options = ["--configfile", str(folder / "config.yaml"), "--cores", str(cores), "--quiet", "all", "--", target]
    subprocess.run([*command, *options], check=True)
