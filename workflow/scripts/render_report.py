"""Render the report: one page for all scans and models."""

from collections.abc import Collection
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import collect, pages


def main(slabs: Collection[Path], output: Path, config: Config) -> None:
    """Write one page for all scans of the configuration; slabs whose files are not in `slabs` are ignored."""
    scans, models, failed = collect.of_all(config, Path(paths.RESULTS), Path("benchmarks"), slabs)
    page = pages.render(scans, models, "tomodenoise report", failed=failed)
    logs.logger.info("%d scans, %d models, %d kB", len(scans), len(models), len(page) // 1000)
    output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    with logs.job() as snakemake:
        slabs = [Path(file) for file in (*snakemake.input.corrections, *snakemake.input.planes)]
        main(slabs, Path(snakemake.output[0]), Config.model_validate(snakemake.params.config))
