"""Render the report: one page for all scans and models, or an overview of scans that have their own pages."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.report import pages


def main(job: logs.Job) -> None:
    """Write the page; the overview is made of the rows that render_scan.py wrote."""
    if job.params.config:
        slabs = [Path(file) for file in (*job.input.corrections, *job.input.planes)]
        page = pages.report(job.params.config, slabs, None)
    else:
        page = pages.report({}, [], map(Path, job.input.rows))
    logs.logger.info("%d kB", len(page) // 1000)
    Path(job.output[0]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    logs.run(main)
