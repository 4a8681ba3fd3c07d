"""Start and end of a run: the list of commands, the final lines, the report after a failure, the user's command."""

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tomodenoise.planning import outcome, paths
from tomodenoise.planning.console import Brief, Failure
from tomodenoise.planning.files import Files
from tomodenoise.planning.notify import Ending, notify
from tomodenoise.planning.run import Run

QUIET_TARGETS = {"check", "verify", "clean_intermediates"}
"""Targets that print their own results."""

REPORTING_TARGETS = {"all", "report", "dose"}


@dataclass(frozen=True)
class Hooks:
    """Actions after the jobs of a run, in the working directory."""

    run: Run
    report_command: Sequence[str]
    """Command that starts report_survivors.py."""
    brief: Brief = field(default_factory=Brief)
    """The filter of the terminal, which collects the jobs that failed."""

    def finish(
        self, targets: Collection[str], unfinished: Iterable[Sequence[str]], logs: Sequence[str], *, success: bool
    ) -> None:
        """Print the outcome of the run, and run the user's command.

        Parameters
        ----------
        targets : as the user typed them; none for the default one.
        unfinished : outputs of each job that is left.
        logs : Snakemake's own.
        """
        if is_quiet(targets):
            return
        ending = self._ending(targets, unfinished, logs, success=success)
        if ending.state == "interrupted":
            _print("tomodenoise: interrupted; finished products are kept, the same command continues")
        else:
            for line in outcome.lines(self.run.scans, ending.failed, list(ending.finished), ending.report):
                _print(line)
        self.brief.ended = True
        if problem := notify(self.run, ending):
            _print(problem)

    def _ending(
        self, targets: Collection[str], unfinished: Iterable[Sequence[str]], logs: Sequence[str], *, success: bool
    ) -> Ending:
        """Find the finished scans, and after a failure write their report."""
        left = {scan for outputs in unfinished for scan in _scans_of(self.run, outputs)}
        known = Ending(
            "done" if success else "failed",
            targets,
            [scan for scan in self.run.scans if scan not in left],
            failed_scans(self.run, self.brief.failures),
            [failure for failure in self.brief.failures if failure.final],
            log=next(iter(logs), None),
        )
        if self.brief.interrupted or not (success or self.brief.failures):
            return replace(known, state="interrupted")
        is_reporting = not targets or bool(REPORTING_TARGETS & set(targets))
        made = is_reporting and (success or self._report_survivors(known.failed))
        return replace(known, report=Path(paths.REPORT) if made else None)

    def _report_survivors(self, failed: Mapping[str, Failure]) -> bool:
        """Write the report of the finished scans, with a list of those that failed; return whether that worked."""
        request = survivors(self.run, failed)
        Path(paths.RESULTS).mkdir(exist_ok=True)
        text = json.dumps(request)
        script = subprocess.run(self.report_command, input=text, text=True, capture_output=True, check=False)
        if script.returncode:
            last = (script.stderr.strip().splitlines() or ["no reason given"])[-1]
            _print(f"tomodenoise: no report of the finished scans: {last}")
        return not script.returncode


def is_quiet(targets: Collection[str]) -> bool:
    """Return whether a run prints no final lines."""
    return bool(QUIET_TARGETS & set(targets))


def options() -> str:
    """Return the options that Snakemake was called with, without targets that only check."""
    return shlex.join(word for word in sys.argv[1:] if word not in {"verify", "check"})


def note_command(log: Path) -> None:
    """Add a line to the list of commands that were run here; products lack it, as equal runs give equal files."""
    log.parent.mkdir(exist_ok=True)
    line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {platform.node()} {shlex.join(sys.argv)}"
    with log.open("a") as stream:
        print(line, file=stream)


def failed_scans(run: Run, failures: Iterable[Failure]) -> dict[str, Failure]:
    """Return the scans with a job that failed for good, and the first such job of each."""
    first: dict[str, Failure] = {}
    for failure in failures:
        for scan in _scans_of(run, failure.outputs) if failure.final else []:
            first.setdefault(scan, failure)
    return first


def survivors(run: Run, failed: Mapping[str, Failure]) -> dict[str, object]:
    """Return the input of report_survivors.py: the finished scans, and the failed ones with the reason."""
    # After a run no checkpoint can be evaluated, and finished scans have a center.
    files = Files(replace(run, wait_for_center=lambda _scan: None))
    done = [scan for scan in run.scans if scan not in failed and _is_finished(files, scan)]
    page = files.page(done)
    rows = paths.fill_all(paths.ROW, scan=[scan for scan in run.scans if scan not in failed])
    return {
        "config": run.config.only(done).for_report(),
        "slabs": page["corrections"] + page["planes"],
        "rows": [row for row in rows if Path(row).exists()],
        "failed": [[scan, job.reason, job.log] for scan, job in failed.items()],
        "paged": run.is_paged,
    }


def _is_finished(files: Files, scan: str) -> bool:
    """Return whether all files exist that a page of a scan shows."""
    if not files.run.is_size_known(scan):
        return False
    return all(Path(file).exists() for group in files.page([scan]).values() for file in group)


def _scans_of(run: Run, outputs: Sequence[str]) -> list[str]:
    """Return the scans to which a job with these outputs belongs: those of a model, or one."""
    users = run.config.users()
    found: dict[str, None] = {}
    for output in outputs:
        folder, name, part, *_ = (*Path(output).parts[1:], "", "", "")
        trained = [name] if part == "dose" else users.get(name, ())
        found |= dict.fromkeys(trained if folder == "models" else [folder])
    return [scan for scan in run.scans if scan in found]


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
