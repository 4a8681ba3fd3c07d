"""Render the report of the finished scans after a failed run: report_survivors.py < REQUEST, in the working directory.

REQUEST is JSON: `config` of the finished scans, their files `slabs` and `rows`, `failed` (a list of name, reason and
log), and `paged` (whether each scan has its own page). The page gets an old modification time, so that Snakemake makes
the report again in the next run.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomodenoise.planning import paths
from tomodenoise.report import pages
from tomodenoise.report.content import Failed


def main(request: Mapping[str, Any], output: Path) -> None:
    """Write one page for the finished scans, or the overview of their pages."""
    failed = [Failed(*failure) for failure in request["failed"]]
    rows = map(Path, request["rows"]) if request["paged"] else None
    page = pages.report(request["config"], [Path(file) for file in request["slabs"]], rows, failed)
    output.write_text(page, encoding="utf-8")
    os.utime(output, (1, 1))  # Snakemake takes the time 0 for none, and would keep the page and run nothing


if __name__ == "__main__":
    main(json.load(sys.stdin), Path(paths.REPORT))
