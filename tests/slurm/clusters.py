"""A project that runs as SLURM jobs, and queries of both for the tests."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from projects import OPTIONS, ROOT, TRAIN, Project

PROFILE = ROOT / "profiles/slurm/config.yaml"
QUICK = {"latency-wait": 10}
IMPATIENT = Path(__file__).with_name("impatient.py")


def wait_for(what: Callable[[], Any], seconds: float = 120) -> Any:  # noqa: ANN401 - whatever it gives
    """Poll until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, f"waited {seconds} seconds in vain"
        time.sleep(0.1)
    return answer


def profile(folder: Path, *, one_node: bool = True, **train_and_rules: dict[str, object]) -> Path:
    """Copy the profile: for one node, with the lines that it marks changed; with other resources of some rules."""
    text = PROFILE.read_text()
    if one_node:
        text, count = re.subn(r"^( +\w+: )\S+( +# ONE NODE: )(\S+)$", r"\1\3\2", text, flags=re.MULTILINE)
        assert count == 2
    content = yaml.safe_load(text) | QUICK
    for rule, resources in train_and_rules.items():
        content["set-resources"].setdefault(rule, {}).update(resources)
    (folder / "profile").mkdir(exist_ok=True)
    (folder / "profile/config.yaml").write_text(yaml.safe_dump(content))
    return folder / "profile"


@dataclass(frozen=True)
class OnCluster(Project):
    """A project that runs as jobs, with SLURM's records of them."""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake, which writes to run.log."""
        options = [*OPTIONS, "--configfile", "config.yaml", "--profile", "profile", *arguments]
        command = [sys.executable, str(IMPATIENT), *options]
        with (self.folder / "run.log").open("w") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, text=True)

    def finish(self, running: subprocess.Popen[str], seconds: float = 400) -> str:
        """Wait for Snakemake, and return its output, with its exit status in the last line."""
        try:
            status = running.wait(seconds)
        finally:
            running.kill()
        return (self.folder / "run.log").read_text() + f"\nexit status {status}"

    def run(self, *arguments: str) -> str:
        """Run Snakemake."""
        return self.finish(self.start(*arguments))

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """Return SLURM's records of this project's jobs, of one rule or of all, the oldest first."""
        shown = subprocess.run(["scontrol", "--oneliner", "show", "job"], capture_output=True, text=True, check=True)
        every = [dict(re.findall(r"([\w/]+)=(\S*)", line)) for line in shown.stdout.splitlines()]
        ours = [job for job in every if job.get("WorkDir") == str(self.folder)]
        return [job for job in ours if re.match(f"rule_{rule}($|_wildcards)" if rule else "", job["Comment"])]

    def running(self, rule: str) -> str | None:
        """Return the number of a running job of the rule."""
        return next((job["JobId"] for job in self.jobs(rule) if job["JobState"] == "RUNNING"), None)


def train_more(project: Project) -> None:
    """Configure a training of about 10 seconds."""
    config = yaml.safe_load((project.folder / "config.yaml").read_text())
    project.configure(**config | {"train": TRAIN | {"pixels": 6e6, "evaluations": 30}})
