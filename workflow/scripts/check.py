"""Say what a run will do, take and need, and end with status 1 where something stands in its way."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise.common import devices, formatting, logs
from tomodenoise.common.errors import UserError
from tomodenoise.planning import forecast, preflight

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(config: dict[str, Any], memory: Mapping[str, Mapping[str, int]], cores: int, *, submitting: bool) -> None:
    """Print a table for each scan, then what all of them need together."""
    planned = preflight.plan(config)
    trainings = preflight.trainings(config, {name: entry for name, (entry, _) in planned.items()})
    for name, (entry, stages) in planned.items():
        print(preflight.headline(name, entry), *forecast.lines(stages, memory[name]), sep="\n")
    for model, stage in trainings.items():
        print(f"model {model}", *forecast.lines([stage], memory["models"]), sep="\n")
    every = [stage for _, stages in planned.values() for stage in stages] + list(trainings.values())
    needed = sum(preflight.to_write(name, stages, Path("results")) for name, (_, stages) in planned.items())
    time = formatting.duration(forecast.together(every, cores))
    print(f"time: {time} on {cores} cores, widened from what one machine took")
    print(f"graphics card here: {'yes, for which no time was measured' if devices.best() == 'cuda' else 'none'}")
    print(f"disk: about {formatting.size(needed)} more, of {formatting.size(shutil.disk_usage('.').free)} free")
    trouble = [*preflight.of_disk(needed, Path())]
    trouble += [line for entry, _ in planned.values() for line in preflight.unreadable(entry.scan)]
    if not submitting:
        print(preflight.hint(memory, cores) or "memory: enough")
        trouble += preflight.of_memory(memory)
    if trouble:
        raise UserError("; ".join(trouble))
    print("nothing stands in the way")


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(**dict(snakemake.params.items()))
