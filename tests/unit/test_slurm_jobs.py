"""Protection of the jobs of a killed Snakemake from a second one."""

from pathlib import Path

import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.maintenance import slurm_jobs

RUN = "tomodenoise_710dfb64-4401-482d-8856-c6a7c03f2e68"
OTHER = "tomodenoise_00000000-4401-482d-8856-c6a7c03f2e68"


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `squeue` on the path that prints a file, or fails where there is none."""
    program = tmp_path / "bin/squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec cat {tmp_path}/queue\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return tmp_path / "queue"


def log(directory: Path) -> None:
    file = directory / ".snakemake/log/1.snakemake.log"
    file.parent.mkdir(parents=True)
    file.write_text(f"Building DAG of jobs...\nSLURM run ID: {RUN}\nUsing shell: /bin/bash\n")


def test_jobs_of_a_run_that_began_elsewhere_are_known_by_its_log(tmp_path: Path, squeue: Path) -> None:
    squeue.write_text(f"7|{RUN}|/elsewhere\n8|{RUN}|/elsewhere\n9|{OTHER}|/elsewhere\n")
    log(tmp_path)
    for submitting in (True, False):
        with pytest.raises(UserError, match=r"2 SLURM jobs .* scancel 7 8$"):
            slurm_jobs.check(tmp_path, submitting=submitting)


def test_without_its_log_jobs_are_known_by_their_folder(tmp_path: Path, squeue: Path) -> None:
    squeue.write_text(f"7|{RUN}|{tmp_path}\n8|interactive|{tmp_path}\n9|{OTHER}|{tmp_path}/deeper\n")
    with pytest.raises(UserError, match=r"scancel 7$"):
        slurm_jobs.check(tmp_path, submitting=True)


def test_an_empty_queue_refuses_nothing(tmp_path: Path, squeue: Path) -> None:
    squeue.write_text(f"9|{OTHER}|/elsewhere\n")
    log(tmp_path)
    slurm_jobs.check(tmp_path, submitting=True)


def test_a_slurm_that_does_not_answer_stops_whom_it_concerns(tmp_path: Path, squeue: Path) -> None:
    slurm_jobs.check(tmp_path, submitting=False)
    with pytest.raises(UserError, match=r"squeue: cat: .*queue"):
        slurm_jobs.check(tmp_path, submitting=True)
    log(tmp_path)
    with pytest.raises(UserError, match="squeue"):
        slurm_jobs.check(tmp_path, submitting=False)
