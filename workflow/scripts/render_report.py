"""Render the report: one page for all scans and models."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import collect, pages


def main(job: logs.Job) -> None:
    """Write one page for all scans of the configuration."""
    config = Config.model_validate(job.params.config)
    slabs = [Path(file) for file in (*job.input.corrections, *job.input.planes)]
    scans, models, failed = collect.of_all(config, Path(paths.RESULTS), Path("benchmarks"), slabs)
    page = pages.render(scans, models, "tomodenoise report", failed=failed)
    logs.logger.info("%d scans, %d models, %d kB", len(scans), len(models), len(page) // 1000)
    Path(job.output[0]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    logs.run(main)
