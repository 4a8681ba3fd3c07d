"""One process by itself, several by torchrun, and on several nodes each with what finds the others."""

from pathlib import Path

import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.training import launching

STEP = {
    "SLURM_JOB_ID": "41234",
    "SLURM_JOB_NODELIST": "gpu[3-4]",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_NODEID": "1",
    "SLURMD_NODENAME": "gpu4",
}


def test_one_process_needs_no_launcher() -> None:
    assert launching.launcher(1, 1, {}) == []


def test_several_on_one_node_take_a_free_port() -> None:
    assert launching.launcher(1, 4, STEP)[2:] == ["--nproc-per-node=4", "--standalone"]


def test_several_nodes_meet_at_the_first_at_the_port_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho gpu3\necho gpu4\n")
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    second = launching.launcher(2, 1, STEP)
    first = launching.launcher(2, 1, STEP | {"SLURM_NODEID": "0", "SLURMD_NODENAME": "gpu3"})
    other = launching.launcher(2, 1, STEP | {"SLURM_JOB_ID": "41235"})
    assert "--rdzv-endpoint=gpu3:13234" in first
    assert "--rdzv-endpoint=gpu3:13234" in second
    assert "--rdzv-endpoint=gpu3:13235" in other
    assert "--rdzv-conf=is_host=true" in first
    assert "--rdzv-conf=is_host=false" in second
    assert "--local-addr=gpu4" in second


@pytest.mark.parametrize("environment", [{}, STEP | {"SLURM_STEP_NUM_NODES": "1"}])
def test_several_nodes_without_a_step_on_each_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UserError, match="2 nodes needs SLURM, and `mpi: srun`"):
        launching.launcher(2, 1, environment)
