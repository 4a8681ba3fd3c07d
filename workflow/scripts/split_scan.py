"""Deal the projections of a scan to sections: index lists, no copied data."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise.common import logs
from tomodenoise.scans import description
from tomodenoise.splitting import by_angle, model, time_steps

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(scan: Path, output: Path, sections: int, inputs: int | str, why: str, by: str = "angle") -> None:
    """Read the angles from `scan.json` and write `split.json`; `by` is how a dynamic scan is split."""
    raw = description.from_json(json.loads(scan.read_text()))
    if raw.steps is None:
        found = by_angle.split(raw.angles, sections, inputs, raw.lit)
    else:
        found = time_steps.split(raw.angles, raw.steps, by, sections, inputs, raw.lit)
    found, chosen, count = replace(found, why=why), f" ({why})" if why else "", len(found.sections)
    logs.logger.info("%d projections in %d sections%s, input %s", len(raw.lit), count, chosen, inputs)
    if found.interlacing:
        logs.logger.info("%s", found.interlacing)
    for concern in by_angle.concerns(found):
        logs.logger.warning(concern)
    output.write_text(json.dumps(model.to_json(found), indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(
            Path(snakemake.input.scan),
            Path(snakemake.output[0]),
            **snakemake.params.choice,
        )
