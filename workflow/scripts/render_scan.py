"""Render the page of one scan and its models, and its row of the overview."""

import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import collect, pages


def main(slabs: Collection[Path], page: Path, row: Path, config: Config) -> None:
    """Write page and row of the only scan of the configuration.

    Raises
    ------
    UserError
        If one of its products is missing or damaged.
    """
    scans, models, failed = collect.of_all(config, Path(paths.RESULTS), Path("benchmarks"), slabs)
    if not scans:
        raise UserError(failed[0].reason)
    content = pages.render(scans, models, f"tomodenoise report: {scans[0].name}", "../report.html", failed)
    logs.logger.info("%d models, %d kB", len(models), len(content) // 1000)
    row.write_text(json.dumps(asdict(pages.rows(scans, models)[0])))
    page.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    with logs.job() as snakemake:
        slabs = [Path(file) for file in (*snakemake.input.corrections, *snakemake.input.planes)]
        main(
            slabs,
            Path(snakemake.output.page),
            Path(snakemake.output.row),
            Config.model_validate(snakemake.params.config),
        )
