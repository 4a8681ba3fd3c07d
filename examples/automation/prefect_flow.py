"""Denoise scans as a flow of Prefect: prefect_flow.py SCAN…, in a folder with beamtime.yaml.

Each scan is a task that calls process_scan.sh, which continues where it stopped: so a second try costs little. Prefect
needs an environment of its own; that of tomodenoise is only called.
"""

import subprocess
import sys
from pathlib import Path

from prefect import flow, task

PROCESS = Path(__file__).with_name("process_scan.sh")


@task(retries=1, task_run_name="denoise {scan}")  # type: ignore[untyped-decorator]
def denoise(scan: str) -> str:
    """Denoise a scan; return its path."""
    subprocess.run([str(PROCESS), scan], check=True)
    return scan


@flow(log_prints=True)  # type: ignore[untyped-decorator]
def beamtime(scans: list[str]) -> None:
    """Denoise scans one after the other; one that fails does not stop the others, but the flow fails at the end."""
    states = [denoise(scan, return_state=True) for scan in scans]
    for scan, state in zip(scans, states, strict=True):
        print(f"{scan}: {state.name}")
    if failed := [scan for scan, state in zip(scans, states, strict=True) if not state.is_completed()]:
        raise RuntimeError(f"not denoised: {', '.join(failed)}")


if __name__ == "__main__":
    beamtime(sys.argv[1:])
