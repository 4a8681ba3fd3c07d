"""Render the overview of scans that have their own pages."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.report import pages


def main(job: logs.Job) -> None:
    """Write a page that links to the page of each scan, from the rows that render_scan.py wrote."""
    listed = pages.read_rows(map(Path, job.input.rows))
    page = pages.render_overview(listed, "tomodenoise report", "{scan}/report.html")
    logs.logger.info("%d scans, %d kB", len(listed), len(page) // 1000)
    Path(job.output[0]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    logs.run(main)
