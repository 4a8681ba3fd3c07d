# What happens before and after the jobs of a run, and what it shows on the terminal.
import platform
import subprocess
from datetime import UTC, datetime

from snakemake.logging import logger

from tomodenoise.planning import console, outcome

LOOKING = {"check", "verify", "clean_intermediates"}
"""Targets that say themselves what they found."""

SHOWN = []
"""The filter of the terminal's lines, once a run has begun."""


def begin():
    lift_pace()
    refuse_second_writer()
    note_command()
    if not (LOOKING & set(workflow.dag_settings.targets)):
        SHOWN.append(console.attach(logger))


def finish(success):
    """Say what the run came to."""
    if not SHOWN:
        return
    brief = SHOWN[0]
    if brief.interrupted or not (success or brief.failures):
        say(
            "tomodenoise: interrupted; what is complete stays, the same command goes on"
        )
    else:
        failed = failed_scans(brief)
        unfinished = set() if success else unfinished_scans()
        finished = [scan for scan in SCANS if scan not in unfinished]
        page = Path("results/report.html")
        wanted = not workflow.dag_settings.targets or bool(
            {"all", "report"} & set(workflow.dag_settings.targets)
        )
        made = page if wanted and (success or survivors_reported(failed)) else None
        for line in outcome.lines(SCANS, failed, finished, made, Path()):
            say(line)
    brief.ended = True


def refuse_prefix():
    sys.exit(
        "tomodenoise: this workflow as a module takes no prefix: leave it out, and give it a folder of its own with"
        " --directory or workdir"
    )


def say(line):
    print(line, file=sys.stderr, flush=True)


def survivors_reported(failed):
    """Write the report of the scans that are done, and say which failed; whether that worked."""
    done = [scan for scan in SCANS if scan not in failed and is_finished(scan)]
    # After a run no checkpoint can be asked for.
    files = told_of(done, layout_so_far) if done else {"corrections": [], "planes": []}
    rows = [f"results/{scan}/figures/row.json" for scan in SCANS if scan not in failed]
    request = {
        "config": settings.only(CONFIG, done),
        "slabs": files["corrections"] + files["planes"],
        "rows": [row for row in rows if Path(row).exists()],
        "failed": [[scan, job.reason, job.log] for scan, job in failed.items()],
        "paged": PAGED,
    }
    Path("results").mkdir(exist_ok=True)
    command = [PYTHON, str(SCRIPTS / "report_survivors.py")]
    run = subprocess.run(
        command, input=json.dumps(request), text=True, capture_output=True
    )
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        say(f"tomodenoise: no report of the scans that are done: {last}")
    return not run.returncode


def failed_scans(brief):
    """Scans of which a job failed for good, to the first such job."""
    users = settings.users(CONFIG)
    found = {}
    for failure in brief.failures:
        outputs = failure.outputs if failure.final else []
        for scan in console.scans_of(outputs, SCANS, users):
            found.setdefault(scan, failure)
    return found


def unfinished_scans():
    """Scans of which jobs of this run are left."""
    left = [
        list(job.output)
        for job in workflow.dag.jobs
        if workflow.dag.needrun(job) and not workflow.dag.finished(job)
    ]
    users = settings.users(CONFIG)
    return {
        scan for outputs in left for scan in console.scans_of(outputs, SCANS, users)
    }


def is_finished(scan):
    """Whether all is there that a page of a scan shows."""
    if TABLE[scan].size_open and not Path(f"results/{scan}/center.json").exists():
        return False
    files = told_of([scan], layout_so_far).values()
    return all(Path(file).exists() for group in files for file in group)


def note_command():
    """Add a line to the list of commands that were run here: no product can hold it, as equal runs give equal files."""
    Path("logs").mkdir(exist_ok=True)
    line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {platform.node()} {shlex.join(sys.argv)}"
    with Path("logs/commands.log").open("a") as log:
        print(line, file=log)


def lift_pace():
    """Drop Snakemake's limit of a hundred jobs in a second, unless the user set another.

    With a limit each pass of its scheduler sets a timer for one more, and each job that ends adds a pass: in the end
    as many threads as jobs have ended ask for work once a second.
    """
    pace = workflow.scheduling_settings.max_jobs_per_timespan
    if pace and (pace.max_jobs, pace.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def refuse_second_writer():
    """End here while SLURM jobs of a killed Snakemake are at work; one that lives holds the directory's lock."""
    submitting = workflow.executor_plugin.name == "slurm"
    try:
        slurm_jobs.check(Path.cwd(), submitting=submitting)
    except UserError as mistake:
        raise WorkflowError(f"tomodenoise: {mistake}")
