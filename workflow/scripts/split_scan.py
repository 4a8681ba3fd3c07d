"""Deal the projections of a scan to sections: index lists, no copied data."""

import json
from dataclasses import replace
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.scans import description
from tomodenoise.splitting import by_angle, model, time_steps


def main(job: logs.Job) -> None:
    """Read the angles from `scan.json` and write `split.json`."""
    choice = job.params.choice
    chosen = choice["sections"], choice["inputs"]
    raw = description.read(Path(job.input.scan))
    if raw.steps is None:
        split = by_angle.split(raw.angles, *chosen, raw.lit)
    else:
        split = time_steps.split(raw.angles, raw.steps, choice["by"], *chosen, raw.lit)
    split = replace(split, why=choice["why"])
    why = f" ({split.why})" if split.why else ""
    counts = len(raw.lit), len(split.sections), why, chosen[1]
    logs.logger.info("%d projections in %d sections%s, input %s", *counts)
    if split.interlacing:
        logs.logger.info("%s", split.interlacing)
    for concern in by_angle.concerns(split):
        logs.logger.warning(concern)
    Path(job.output[0]).write_text(json.dumps(model.to_json(split), indent=1))


if __name__ == "__main__":
    logs.run(main)
