"""Resources that jobs request and use: memory and minutes of each rule, for simulated scans of several sizes.

The peak is what the system noted of a job's own process, plus NESTED for the two Snakemakes around it that a cluster
counts as well; the time is that of Snakemake's benchmark files. Jobs run one by one. Prints a markdown table.

    python benchmarks/resources.py 256 384 512 --network unet
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
NESTED = 300
"""MB."""
SCRIPT = re.compile(rb"/(?:tmp\w+\.)?(\w+)\.py\0")
TABLE = "| {:>7} | {:<16} | {:>8} | {:>6} | {:>5.2f} | {:>7} | {:>5} |"


def watch(running: subprocess.Popen[str], directory: Path) -> dict[str, int]:
    """Note the largest memory of each script, in MB, until Snakemake ends."""
    peaks: dict[str, int] = {}
    while running.poll() is None:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                named = SCRIPT.findall((folder / "cmdline").read_bytes())
                used = re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text())
                ours = (folder / "cwd").resolve() == directory
            except OSError:
                continue  # it has ended
            if named and used and ours:
                name = named[-1].decode()
                peaks[name] = max(peaks.get(name, 0), int(used[1]) * 1024 // 10**6)
        time.sleep(0.05)
    return peaks


def measure(columns: int, network: str, folder: Path) -> None:
    """Run a scan of this size, and print a line for each rule."""
    shape = ["--columns", columns, "--angles", columns * 3 // 2, "--rows", 32, "--radii", "2,6"]
    simulate = [sys.executable, ROOT / "workflow/scripts/simulate.py", folder / "raw.h5", *shape]
    subprocess.run(list(map(str, simulate)), check=True, stdout=subprocess.DEVNULL)
    config = {
        "scans": {"scan": {"file": "raw.h5"}},
        "network": {"name": network},
        "train": {"pixels": 4e6, "evaluations": 3},
        "slab_megabytes": 64,
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    options = ["--configfile", "config.yaml", "--cores", "1", "--directory", str(folder)]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *options]
    log = folder / "run.log"
    with log.open("w") as text:
        running = subprocess.Popen(command, cwd=folder, stdout=text, stderr=text, text=True)
        peaks = watch(running, folder)
    if running.returncode:
        sys.exit(log.read_text())
    asked = re.findall(
        r"^(?:local)?(?:rule|checkpoint) (\w+):.*?^    benchmark: (\S+)$.*?^    resources: (.*?)$",
        log.read_text(),
        re.M | re.S,
    )
    lines: dict[str, tuple[float, str, str]] = {}
    for rule, benchmark, resources in asked:
        seconds = float((folder / benchmark).read_text().splitlines()[1].split()[0])
        values = dict(re.findall(r"(\w+)=(\d+)", resources))
        if rule in peaks and "mem_mb" in values:
            lines[rule] = max(lines.get(rule, (0.0, "", "")), (seconds, values["mem_mb"], values.get("runtime", "")))
    for rule, (seconds, memory, minutes) in lines.items():
        used = peaks[rule] + NESTED
        print(TABLE.format(columns, rule, memory, used, int(memory) / used, minutes, f"{seconds / 60:.2f}"), flush=True)


def main() -> None:
    """Measure the sizes given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", type=int, nargs="*", default=[256, 384, 512])
    parser.add_argument("--network", default="unet")
    options = parser.parse_args()
    print("| columns | rule             | asked MB |   peak | ratio | minutes | took  |\n|--:|:--|--:|--:|--:|--:|--:|")
    for columns in options.columns:
        with tempfile.TemporaryDirectory() as folder:
            measure(columns, options.network, Path(folder).resolve())


if __name__ == "__main__":
    main()
