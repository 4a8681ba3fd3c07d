"""Denoise a scan as a task of Ewoks (ESRF), which passes on the volume and the report.

The graph of one task below runs as `ewoks_task.py SCAN`, in a folder with beamtime.yaml; in a larger graph the input
`scan` is linked to what writes the scan. Ewoks needs an environment of its own; that of tomodenoise is only called.
"""

import json
import subprocess
import sys
from pathlib import Path

from ewokscore import Task, execute_graph

PROCESS = Path(__file__).with_name("process_scan.sh")

GRAPH = {
    "graph": {"id": "denoising"},
    "nodes": [{"id": "denoise", "task_type": "class", "task_identifier": "ewoks_task.Denoise"}],
}


class Denoise(Task, input_names=["scan"], output_names=["volume", "report"]):  # type: ignore[call-arg,misc]
    """Denoise a scan by process_scan.sh, which continues where it stopped."""

    def run(self) -> None:
        """Run it, and find what it made: one scan for each file."""
        scan = Path(self.inputs.scan)
        subprocess.run([str(PROCESS), str(scan)], check=True)
        folder = Path("runs", scan.stem, "results").absolute()
        (volume,) = folder.glob("*/denoised.ome.zarr")
        self.outputs.volume = str(volume)
        self.outputs.report = str(folder / "report.html")


if __name__ == "__main__":
    asked = {"id": "denoise", "name": "scan", "value": sys.argv[1]}
    made = execute_graph(GRAPH, inputs=[asked], outputs=[{"all": True}])
    print(json.dumps(made, indent=1))
