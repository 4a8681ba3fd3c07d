"""Render the page of one scan and its models, and its row of the overview."""

import json
from dataclasses import asdict
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import collect, pages


def main(job: logs.Job) -> None:
    """Write page and row of the only scan of the configuration.

    Raises
    ------
    UserError
        If one of its products is missing or damaged.
    """
    config = Config.model_validate(job.params.config)
    slabs = [Path(file) for file in (*job.input.corrections, *job.input.planes)]
    scans, models, failed = collect.of_all(config, Path(paths.RESULTS), Path("benchmarks"), slabs)
    if not scans:
        raise UserError(failed[0].reason)
    page = pages.render(scans, models, f"{pages.TITLE}: {scans[0].name}", "../report.html", failed)
    logs.logger.info("%d models, %d kB", len(models), len(page) // 1000)
    Path(job.output.row).write_text(json.dumps(asdict(pages.rows(scans, models)[0])))
    Path(job.output.page).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    logs.run(main)
