"""How the processes of a training are started: one by itself, several by torchrun. Imports no torch."""

import subprocess
from collections.abc import Mapping

from tomodenoise.common.errors import UserError


def launcher(nodes: int, processes: int, environment: Mapping[str, str]) -> list[str]:
    """Return Python's arguments in front of the program, which start torchrun; none for a single process.

    Parameters
    ----------
    processes : on each node.
    environment : of a job step of SLURM, where there are several nodes.

    Raises
    ------
    UserError
        If there are several nodes and no such step.
    """
    if nodes * processes == 1:
        return []
    torchrun = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    if nodes == 1:
        return [*torchrun, "--standalone"]  # on a port that is free
    if environment.get("SLURM_STEP_NUM_NODES") != str(nodes):
        raise UserError(f"training on {nodes} nodes needs SLURM, and `mpi: srun` for train_model in the profile")
    # A port of this job alone, below the range from which the system assigns ports.
    port = 12000 + int(environment["SLURM_JOB_ID"]) % 20000
    # torch would guess this from the machine's name, which is not always the node's.
    opens = environment["SLURM_NODEID"] == "0"
    return [
        *torchrun,
        f"--nnodes={nodes}",
        "--rdzv-backend=c10d",
        f"--rdzv-id={environment['SLURM_JOB_ID']}",
        f"--rdzv-endpoint={_first(environment['SLURM_JOB_NODELIST'])}:{port}",
        f"--rdzv-conf=is_host={str(opens).lower()}",
        f"--local-addr={environment['SLURMD_NODENAME']}",
    ]


def _first(nodes: str) -> str:
    """Return the first node of a list such as gpu[1-2,7]."""
    listed = subprocess.run(["scontrol", "show", "hostnames", nodes], check=True, stdout=subprocess.PIPE, text=True)
    return listed.stdout.split()[0]
