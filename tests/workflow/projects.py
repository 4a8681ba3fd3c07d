"""The real workflow on tiny simulated scans, run as a user does: through the command line."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

import simulate

ROOT = Path(__file__).parents[2]
OPTIONS = ["--snakefile", str(ROOT / "Snakefile")]
SNAKEMAKE = [sys.executable, "-m", "snakemake", *OPTIONS]


@dataclass(frozen=True)
class Run:
    """Result of a call of Snakemake."""

    status: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """Number of jobs by rule, from the table that Snakemake prints before it starts; empty if all is done."""
        lines = self.text.split("Job stats:", 1)[-1].splitlines()[3:] if "Job stats:" in self.text else []
        table = {}
        for line in lines:
            name, *count = line.split()[:2] or [""]
            if name == "total" or not count:
                break
            table[name] = int(count[0])
        return {name: count for name, count in table.items() if name not in {"all", "denoise", "train", "report"}}


@dataclass(frozen=True)
class Project:
    """A working directory with raw files and a config."""

    folder: Path

    def configure(self, **config: object) -> None:
        """Write config.yaml."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def snakemake(self, *arguments: str) -> Run:
        """Call Snakemake in the folder."""
        options = [*OPTIONS, "--configfile", "config.yaml", "--cores", "2", *arguments]
        with tempfile.TemporaryDirectory() as printed:
            files = [Path(printed) / name for name in ("stdout", "stderr")]
            status = warm()(self.folder, options, files)
            return Run(status, "".join(file.read_text() for file in files))

    def bits(self, pattern: str = "results/**/*") -> dict[str, bytes]:
        """Contents of the files that match."""
        files = [file for file in sorted(self.folder.glob(pattern)) if file.is_file()]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}


@cache
def warm() -> Callable[[Path, list[str], list[Path]], int]:
    """Start a Snakemake that waits for calls until this process ends; return the function that calls it."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("warm.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def call(folder: Path, arguments: list[str], files: list[Path]) -> int:
        assert server.stdin
        assert server.stdout
        places = {"folder": str(folder), "files": [str(file) for file in files], "environment": dict(os.environ)}
        print(json.dumps(places | {"arguments": arguments}), file=server.stdin, flush=True)
        return int(server.stdout.readline())

    return call


def simulated(file: Path, *options: str, columns: int = 64, rows: int = 12, angles: int = 96) -> Path:
    """Simulate a tiny scan, once."""
    if not file.exists():
        shape = ["--columns", str(columns), "--rows", str(rows), "--angles", str(angles)]
        simulate.main([str(file), "--radii", "2,4", *shape, *options])
    return file


TRAIN = {"pixels": 20_000, "batch": 2, "patch": 32, "evaluations": 2}
NETWORK = {"slices": 3, "width": 4, "depth": 2}
