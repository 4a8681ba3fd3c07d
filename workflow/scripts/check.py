"""Print the jobs, time, memory and disk space of a run; end with status 1 if there is a problem."""

import os
import shutil
from pathlib import Path

from tomodenoise.common import cards, formatting, logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.planning import forecast, run


def main(job: logs.Job) -> None:
    """Print a table for each scan, then what all of them need together."""
    opened = run.open_loaded(Config.model_validate(job.params.config), installed_elsewhere=True)
    plan = forecast.plan(opened)
    cores = job.params.cores
    for name, stages in plan.scans.items():
        print(forecast.headline(name, opened.entries[name]), *forecast.lines(stages), sep="\n")
    for model, stage in plan.trainings.items():
        spec = opened.spec(model)
        print(f"model {model}", *forecast.lines([stage]), *forecast.copies(opened.rounds(model)), sep="\n")
        print(forecast.efforts(spec.name, spec.channels))
    needed = sum(forecast.to_write(name, stages, Path("results")) for name, stages in plan.scans.items())
    time = formatting.duration(forecast.together(plan.stages, cores))
    print(f"time: {time} on {'one core' if cores == 1 else f'{cores} cores'}, estimated from one machine's times")
    found = cards.visible(os.environ)
    print(f"GPUs here: {f'{found}; their times were not measured' if found else 'none'}")
    print(f"disk: about {formatting.size(needed)} more, of {formatting.size(shutil.disk_usage('.').free)} free")
    trouble = [*forecast.of_disk(needed, Path())]
    trouble += [line for name in opened.scans for line in forecast.unreadable(opened.entries[name].scan)]
    if not job.params.submitting:
        print(forecast.hint(plan, cores) or "memory: enough")
        trouble += forecast.of_memory(plan)
    if trouble:
        raise UserError("; ".join(trouble))
    print("no problems found")


if __name__ == "__main__":
    logs.run(main)
