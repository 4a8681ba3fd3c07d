"""Snakemake whose imports are done once: this process forks for each call, which spares it two thirds of its time.

A call is a line of JSON on the standard input: folder, environment, arguments, and the files that take what is printed.
Its exit status is a line on the standard output.
"""

import importlib
import json
import os
import runpy
import sys
from pathlib import Path

import snakemake.cli

sys.path.insert(1, str(Path(__file__).parents[2] / "workflow/scripts"))

for module in ("hooks", "params", "resources"):  # all that the Snakefile imports
    importlib.import_module(f"tomodenoise.planning.{module}")
snakemake.cli.get_argument_parser()  # which imports the plugins
for line in sys.stdin:
    call = json.loads(line)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201
        continue
    for number, (file, mode) in enumerate([(os.devnull, "r"), *((file, "w") for file in call["files"])]):
        with Path(file).open(mode) as stream:
            os.dup2(stream.fileno(), number)
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["folder"])
    sys.path[0] = call["folder"]  # as with python -m
    sys.argv[1:] = call["arguments"]
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    break
