"""Start train_model.py on this node: one process, or several that torchrun joins, also across nodes.

launch_training.py NODES PROCESSES ARGUMENT…, where PROCESSES is the number on each node, and train_model.py gets the
arguments. On several nodes srun starts it once on each.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tomodenoise.common.errors import UserError
from tomodenoise.training import launching

TRAIN_MODEL = Path(__file__).with_name("train_model.py")


def main(nodes: int, processes: int, arguments: Sequence[str]) -> NoReturn:
    """Become train_model.py, or the torchrun that starts it."""
    launcher = launching.launcher(nodes, processes, os.environ)
    # Training itself handles SLURM's early warning; torchrun, and Python until then, would die of it.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # Snakemake says as many as the rule's threads, which are shared by that many processes here.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    os.execv(sys.executable, [sys.executable, *launcher, str(TRAIN_MODEL), *arguments])


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    except UserError as mistake:
        sys.exit(f"tomodenoise: {mistake}")
