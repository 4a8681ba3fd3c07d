"""Describe the results as an RO-Crate, with the complete configuration as one of its files."""

import importlib.util
from pathlib import Path

from tomodenoise.common import files, logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config


def main(job: logs.Job) -> None:
    """Write both files."""
    if importlib.util.find_spec("rocrate") is None:
        raise UserError("crate: the package rocrate is missing: pip install rocrate, or leave out the key crate")
    from tomodenoise.report import crate  # noqa: PLC0415 - it needs that package

    output = Path(job.output.crate)
    settings = job.params.config
    config = Config.model_validate(settings | {"crate": job.params.asked})
    with files.replacing(Path(job.output.config)) as partial:
        partial.write_text(crate.to_text(settings), encoding="utf-8")
    content = crate.describe(config, output.parent, job.input.get("exported", []))
    with files.replacing(output) as partial:
        partial.write_text(crate.to_text(content), encoding="utf-8")
    if config.crate is None or config.crate.license is None:
        logs.logger.warning("no licence is given, but an RO-Crate needs one: set crate.license before you publish it")
    logs.logger.info("%s: %d entities", output, len(content["@graph"]))


if __name__ == "__main__":
    logs.run(main)
