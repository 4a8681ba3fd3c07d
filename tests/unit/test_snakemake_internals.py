"""The internals of Snakemake that we use still exist, in the tested version."""

import inspect
import logging
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import snakemake.api  # noqa: F401  its modules import each other in a circle, which is entered here
from snakemake.logging import logger
from snakemake.settings.types import DAGSettings, MaxJobsPerTimespan, SchedulingSettings
from snakemake.workflow import DAG, JobScheduler, Workflow

from tomodenoise.common.errors import UserError
from tomodenoise.planning import snakemake_internals
from tomodenoise.planning.console import Brief, Lines


def test_snakemake_is_of_the_version_that_was_looked_into() -> None:
    assert version("snakemake").startswith(f"{snakemake_internals.VERSION}.")


def test_the_rules_of_a_forced_stage_are_forced_before_jobs_are_looked_at() -> None:
    forced = SimpleNamespace(
        dag_settings=SimpleNamespace(forcerun={"train"}), dag=SimpleNamespace(forcerules=set()), get_rule=str.upper
    )
    assert snakemake_internals.gather(forced, "train", ["a"])(None) == ["a"]
    assert snakemake_internals.gather(forced, "denoise", lambda _: ["b"])(None) == ["b"]
    assert forced.dag.forcerules == {"TRAIN_MODEL"}
    assert "self.forcerules" in inspect.getsource(DAG.update_needrun)
    assert hasattr(Workflow, "get_rule")
    assert "forcerun" in DAGSettings.__dataclass_fields__


def test_an_error_of_the_user_ends_snakemake_in_a_line() -> None:
    def refuse(_wildcards: object) -> list[str]:
        raise UserError("export is empty")

    gathered = snakemake_internals.gather(
        SimpleNamespace(dag_settings=SimpleNamespace(forcerun=set())), "export", refuse
    )
    with pytest.raises(SystemExit, match="tomodenoise: export is empty"):
        gathered(None)


@pytest.mark.parametrize(("jobs", "limiter"), [(100, None), (50, "kept")])
def test_only_the_default_pace_is_lifted(jobs: int, limiter: str | None) -> None:
    settings = SchedulingSettings(max_jobs_per_timespan=MaxJobsPerTimespan(jobs, "1s"))
    running = SimpleNamespace(scheduling_settings=settings, scheduler=SimpleNamespace(job_rate_limiter="kept"))
    snakemake_internals.lift_pace(running)
    assert running.scheduler.job_rate_limiter == limiter
    assert "self.job_rate_limiter is not None" in inspect.getsource(JobScheduler)


def test_jobs_that_are_left_are_those_needed_and_not_finished() -> None:
    jobs = {name: SimpleNamespace(output=[name]) for name in ("done", "left", "other")}
    planned = SimpleNamespace(
        jobs=jobs.values(), needrun=lambda job: job.output != ["other"], finished=lambda job: job.output == ["done"]
    )
    assert snakemake_internals.unfinished(SimpleNamespace(dag=planned)) == [["left"]]
    assert all(hasattr(DAG, name) for name in ("jobs", "needrun", "finished"))


def test_values_of_the_first_process_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMODENOISE_OPTIONS", "--cores 2")
    assert snakemake_internals.from_first_process("OPTIONS", "--target-jobs all") == "--cores 2"


def test_a_lint_is_known_by_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, expected in ((["--lint"], True), (["--lint=json"], True), (["all", "-n"], False)):
        monkeypatch.setattr("sys.argv", ["snakemake", *words])
        assert snakemake_internals.is_linting() is expected


def test_the_lines_of_the_terminal_are_filtered_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, brief = logging.StreamHandler(), Brief()
    monkeypatch.setattr(logger, "handlers", [terminal, logging.NullHandler()])
    snakemake_internals.thin_out_terminal(brief, SimpleNamespace())
    assert terminal.filters == [brief]
    assert isinstance(terminal.formatter, Lines)
