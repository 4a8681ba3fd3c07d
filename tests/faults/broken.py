"""Faults that strike a run of Snakemake: each starts it, strikes, waits for its end, and repairs what it broke."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from projects import SNAKEMAKE, Project

RUN = ["--configfile", "config.yaml", "--cores", "2", "--rerun-incomplete"]
LONGEST = 600
DAY = 86400

Fault = Callable[[Project, random.Random, float], bool]
"""What breaks the run of a project that takes so many seconds; returns whether it struck during the run."""


def start(project: Project, *prefix: str) -> subprocess.Popen[bytes]:
    """Start Snakemake in a session of its own, to be found in struck.log."""
    with (project.folder / "struck.log").open("wb") as log:
        command = [*prefix, *SNAKEMAKE, *RUN]
        return subprocess.Popen(command, cwd=project.folder, stdout=log, stderr=log, start_new_session=True)


def end(run: subprocess.Popen[bytes]) -> bool:
    """Wait for its end and for that of all its jobs; return whether it failed."""
    try:
        run.wait(LONGEST)
    finally:
        kill(run)
    return run.returncode != 0


def power_cut(project: Project, rng: random.Random, seconds: float) -> bool:
    """Kill Snakemake and all its jobs at once."""
    run = start(project)
    struck = wait(run, rng, seconds)
    kill(run)
    return struck


def job_killed(project: Project, rng: random.Random, seconds: float) -> bool:
    """Kill one process that Snakemake started, as the system does when it lacks memory."""
    run = start(project)
    wait(run, rng, seconds)
    if jobs := sorted(_below(run.pid)):
        with suppress(ProcessLookupError):
            os.kill(rng.choice(jobs), signal.SIGKILL)
    end(run)
    return bool(jobs)


def terminated(project: Project, rng: random.Random, seconds: float) -> bool:
    """Ask Snakemake to end, as a scheduler does."""
    run = start(project)
    if struck := wait(run, rng, seconds):
        run.send_signal(signal.SIGTERM)
    end(run)
    return struck


def no_memory(project: Project, rng: random.Random, seconds: float) -> bool:
    """Limit the address space of every process at random."""
    return end(start(project, "prlimit", f"--as={rng.randrange(200 << 20, 3 << 30)}"))


def disk_full(project: Project, rng: random.Random, seconds: float) -> bool:
    """Leave at most a megabyte on the disk."""
    filler = project.folder / "filler"
    free = shutil.disk_usage(project.folder).free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - rng.randrange(1 << 20), 1))
    struck = end(start(project))
    filler.unlink()
    return struck


def read_only(project: Project, rng: random.Random, seconds: float) -> bool:
    """Make the file system read-only."""
    _remount(project.folder, "ro")
    try:
        done = subprocess.run([*SNAKEMAKE, *RUN], cwd=project.folder, capture_output=True, check=False)
    finally:
        _remount(project.folder, "rw")
    return done.returncode != 0


def no_permission(project: Project, rng: random.Random, seconds: float) -> bool:
    """Make half of the folders read-only from some moment on."""
    # Root may do everything, but not without this capability.
    run = start(project, "setpriv", "--bounding-set=-dac_override,-dac_read_search")
    wait(run, rng, seconds)
    folders = sorted(path for path in project.folder.glob("results/**/") if path.is_dir())
    closed = rng.sample(folders, k=(len(folders) + 1) // 2)
    for folder in closed:
        folder.chmod(0o500)
    struck = end(run)
    for folder in closed:
        if folder.exists():
            folder.chmod(0o755)
    return struck


def clock_set_back(project: Project, rng: random.Random, seconds: float) -> bool:
    """Give all files times in the future, as if the clock had been set back by a day."""
    times = {file: file.stat().st_mtime for file in project.folder.glob("results/**/*") if file.is_file()}
    for file, moment in times.items():
        os.utime(file, (moment + DAY, moment + DAY))
    struck = end(start(project))
    for file, moment in times.items():
        if file.exists() and file.stat().st_mtime == moment + DAY:
            os.utime(file, (moment, moment))
    return struck


FAULTS: dict[str, Fault] = {
    "power cut": power_cut,
    "job killed": job_killed,
    "terminated": terminated,
    "no memory": no_memory,
    "disk full": disk_full,
    "read only": read_only,
    "no permission": no_permission,
    "clock set back": clock_set_back,
}
ON_A_DISK_OF_ITS_OWN = {"disk full", "read only"}


def wait(run: subprocess.Popen[bytes], rng: random.Random, seconds: float) -> bool:
    """Wait until a random moment; return whether the run is still going."""
    moment = time.monotonic() + rng.uniform(0, seconds)
    while run.poll() is None and time.monotonic() < moment:
        time.sleep(0.02)
    return run.poll() is None


def kill(run: subprocess.Popen[bytes]) -> None:
    """Kill it and its jobs, if any are left."""
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def _below(pid: int) -> Iterator[int]:
    """Find all descendants of a process."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _below(child)


def _remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)
