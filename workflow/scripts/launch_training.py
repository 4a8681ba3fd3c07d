"""Start train_model.py on this node: one process, or several that torchrun joins, also across nodes.

launch_training.py NODES PROCESSES ARGUMENT…, where PROCESSES is the number on each node, and train_model.py gets the
arguments. On several nodes srun starts it once on each.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from tomodenoise.common.errors import UserError

TRAIN_MODEL = Path(__file__).with_name("train_model.py")


def main(nodes: int, processes: int, arguments: Sequence[str]) -> NoReturn:
    """Become train_model.py, or the torchrun that starts it."""
    words = launcher(nodes, processes, os.environ)
    # Training itself handles SLURM's early warning; torchrun, and Python until then, would die of it.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # Snakemake says as many as the rule's threads, which are shared by that many processes here.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    os.execv(sys.executable, [sys.executable, *words, str(TRAIN_MODEL), *arguments])


def launcher(nodes: int, processes: int, environment: Mapping[str, str]) -> list[str]:
    """Compose the words before train_model.py; without any it runs by itself.

    Parameters
    ----------
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
    """Name the first of a list such as gpu[1-2,7]."""
    listed = subprocess.run(["scontrol", "show", "hostnames", nodes], check=True, stdout=subprocess.PIPE, text=True)
    return listed.stdout.split()[0]


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
