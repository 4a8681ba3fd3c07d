"""Render the overview of scans that have their own pages."""

from collections.abc import Sequence
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.report import pages


def main(rows: Sequence[Path], output: Path) -> None:
    """Write a page that links to the page of each scan, from the rows that render_scan.py wrote."""
    listed = pages.read_rows(rows)
    page = pages.render_overview(listed, "tomodenoise report", "{scan}/report.html")
    logs.logger.info("%d scans, %d kB", len(listed), len(page) // 1000)
    output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    with logs.job() as snakemake:
        main([Path(file) for file in snakemake.input.rows], Path(snakemake.output[0]))
