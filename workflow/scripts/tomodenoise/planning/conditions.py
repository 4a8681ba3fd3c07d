"""Conditions under which a scan was measured, with the source of each: recorded in models, and compared by a shelf."""

from typing import Any

from tomodenoise.planning.run import Run
from tomodenoise.scans import setting


def of_scan(run: Run, name: str) -> dict[str, dict[str, Any]]:
    """Return what is known of a scan by key, each as `value` and `source`; see `Params.conditions`."""
    entry = run.entries[name]
    config = run.config.scans[name]
    found = setting.read(entry.files[0], config.entry) if entry.files else {}
    if config.correct.phase:
        found["energy"] = {"value": float(config.correct.phase.energy), "source": "correct.phase.energy"}
    if entry.scan.pixel_size:
        source = "pixel_size of the scan" if config.pixel_size else f"the header of {entry.scan.file.name}"
        found["pixel_size"] = {"value": entry.scan.pixel_size, "source": source}
    steps = 1 if entry.scan.steps is None else int(entry.scan.steps[-1]) + 1
    density = len(entry.scan.lit) / steps / entry.scan.columns
    found["density"] = {"value": round(density, 4), "source": "projections of a time step, and columns"}
    return found
