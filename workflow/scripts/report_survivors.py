"""Render the report of what a failed run left: report_survivors.py < REQUEST, in the working directory.

REQUEST is a JSON text with `config`, of the finished scans, `slabs` and `rows`, files of theirs, `failed`, a list of
name, reason and log, and `paged`, whether each scan has a page of its own. The page that it writes looks as old as can
be, so that Snakemake makes the report again once all is well.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import collect, pages
from tomodenoise.report.content import Failed, Row

TITLE = "tomodenoise report"


def main(request: Mapping[str, Any], output: Path) -> None:
    """Write one page for the finished scans, or the overview of their pages."""
    failed = [Failed(*each) for each in request["failed"]]
    if request["paged"]:
        rows = [Row(**json.loads(Path(file).read_text())) for file in request["rows"]]
        page = pages.render_overview(rows, TITLE, "{scan}/report.html", failed)
    else:
        slabs = [Path(file) for file in request["slabs"]]
        config = Config.model_validate(request["config"])
        scans, models, missing = collect.of_all(config, Path(paths.RESULTS), Path("benchmarks"), slabs)
        page = pages.render(scans, models, TITLE, failed=[*failed, *missing])
    output.write_text(page, encoding="utf-8")
    os.utime(output, (0, 0))


if __name__ == "__main__":
    main(json.load(sys.stdin), Path(paths.REPORT))
