# On which scans a model is trained, by which program, and what that takes.
def trained_on(wildcards):
    return settings.trained_on(CONFIG, wildcards.model)


def training_floats(wildcards):
    shapes = [layout_so_far(scan) for scan in trained_on(wildcards)]
    network = scan_table.spec_of(CONFIG, TABLE, FILES, wildcards.model)
    return needs.training(network, shapes, CONFIG["train"])


def training_request(wildcards):
    """All that decides what training makes of a model, as one JSON text."""
    return json.dumps(
        rerun_keys.training_request(CONFIG, TABLE, FILES, wildcards.model, SLICES)
    )


def training_program(wildcards, input, threads, resources):
    """Words of the command; no reason to run again, as a function of `input` is none.

    With `mpi` the command runs outside of SLURM's steps, so that srun can start one on each node.
    """
    step = ["srun", "--ntasks-per-node=1", "--kill-on-bad-exit=1", "--label"]
    step += [f"--{name}={resources.nodes}" for name in ("nodes", "ntasks")]
    step += [f"--cpus-per-task={resources.get('cpus_per_task', threads)}"]
    launcher = [PYTHON, SCRIPTS / "launch_training.py", resources.nodes, threads]
    return [*(step if "mpi" in resources.keys() else []), *launcher]
