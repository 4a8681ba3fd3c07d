"""What large runs take: one deep volume, a long series, hundreds of tiny scans; time, memory, files, their growth.

A run has all of the workflow, trained on a small budget. Memory, twice a second, is what all of its processes hold
together at a time (proportional set size), and what Snakemake holds itself; jobs share what is given to them. Planning
is a dry run of the whole before, and of what is left (nothing) after. Prints a markdown table.

    python benchmarks/load.py volume
    python benchmarks/load.py series 50 100 200
    python benchmarks/load.py scans 20 100 500
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
sys.path[:0] = [str(SCRIPTS)]

from tomodenoise.common import disk_usage

SMALL = {"network": {"width": 8, "depth": 2}, "train": {"pixels": 4e6, "evaluations": 2}}
LINE = "| {:<6} | {:>4} | {:>5} | {:>6} | {:>7} | {:>7} | {:>6} | {:>11} | {:>6} | {:>6} | {:>12} |"


def simulate(script: str, file: Path, **shape: object) -> str:
    """Write a scan by one of the simulating scripts, and name it."""
    options = [f"--{name}={value}" for name, value in shape.items()]
    command = [sys.executable, str(SCRIPTS / script), str(file), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return file.name


def volume(rows: int, folder: Path) -> dict[str, object]:
    """Scan of 1024 columns and 720 angles, sections of 180."""
    raw = simulate("simulate.py", folder / "raw.h5", columns=1024, rows=rows, angles=720, radii="6,20")
    return {"scans": {"deep": {"file": raw}}, "split": {"sections": 4}, "slab_megabytes": 128, **SMALL}


def series(steps: int, folder: Path) -> dict[str, object]:
    """So many steps of 64 columns, 12 rows and 29.92 projections."""
    shape = {"columns": 64, "rows": 12, "center": 32.2, "steps": steps, "projections": 29.92, "quiet": steps / 2}
    raw = simulate("simulate_series.py", folder / "raw.h5", **shape)
    scan = {"file": raw, "mode": "dynamic", "steps": {"projections": 29.92, "train": [0, 20]}}
    return {"scans": {"series": scan}, **SMALL}


def scans(count: int, folder: Path) -> dict[str, object]:
    """So many files of 64 columns, 8 rows and 64 angles, and one model for all that is trained on the first."""
    raw = simulate("simulate.py", folder / "raw.h5", columns=64, rows=8, angles=64, radii="2,4")
    names = [f"tiny{number:03d}" for number in range(count)]
    for name in names:
        (folder / f"{name}.h5").write_bytes((folder / raw).read_bytes())
    table = {name: {"file": f"{name}.h5", "model": "tiny"} for name in names}
    return {"scans": table, "models": {"tiny": {"scans": names[:1]}}, **SMALL}


def snakemake(folder: Path, cores: int, memory: int, *options: str) -> list[str]:
    """Give the command line that makes everything in a folder."""
    command = [sys.executable, "-m", "snakemake", "--profile", str(ROOT / "profiles/local")]
    places = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    limits = ["--cores", str(cores), "--resources", f"mem_mb={memory}"]
    return [*command, *places, "--configfile", str(folder / "config.yaml"), *limits, *options]


def plan(folder: Path) -> tuple[float, int]:
    """Seconds and the number of jobs of a dry run."""
    start = time.monotonic()
    run = subprocess.run(snakemake(folder, 2, 4096, "-n", "-q", "rules"), check=True, capture_output=True, text=True)
    total = [line.split()[1] for line in (run.stdout + run.stderr).splitlines() if line.startswith("total")]
    return time.monotonic() - start, int(total[0]) if total else 0


def held(process: psutil.Process) -> int:
    """Bytes that a process holds now; none if it has ended."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def go(folder: Path, cores: int, memory: int) -> tuple[float, int, int]:
    """Make everything; give minutes and two peaks in bytes: of all processes, and of Snakemake."""
    start, peak, own, log = time.monotonic(), 0, 0, folder / "run.log"
    with log.open("w") as text:
        run = psutil.Popen(snakemake(folder, cores, memory), stdout=text, stderr=text)
        while run.poll() is None:
            now = held(run)
            own, peak = max(own, now), max(peak, now + sum(map(held, run.children(recursive=True))))
            time.sleep(0.5)
    if run.returncode:
        sys.exit(log.read_text()[-4000:])
    return (time.monotonic() - start) / 60, peak, own


def measure(what: str, size: int, options: argparse.Namespace) -> None:
    """Run one load, and print its line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(yaml.safe_dump(LOADS[what](size, folder)))
        planning, jobs = plan(folder)
        minutes, peak, own = go(folder, options.cores, options.memory)
        made, kept = (disk_usage.of(folder / name) for name in ("results", ".snakemake"))
        again, left = plan(folder)
    memory = [f"{peak / 1e6:.0f}", f"{own / 1e6:.0f}"]
    cells = [jobs, f"{minutes:.1f}", *memory, made.files, kept.files, f"{made.size / 1e9:.2f}"]
    print(LINE.format(what, size, *cells, f"{planning:.1f}", f"{again:.1f}"), flush=True)
    if left:
        sys.exit(f"{left} jobs are left after the run")


LOADS: dict[str, Callable[[int, Path], dict[str, object]]] = {"volume": volume, "series": series, "scans": scans}
SIZES = {"volume": [256], "series": [50, 100, 200], "scans": [20, 100, 500]}


def main() -> None:
    """Run the sizes given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("sizes", type=int, nargs="*")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--memory", type=int, default=4096, help="that all jobs may ask for together, MB [4096]")
    options = parser.parse_args()
    names = ["jobs", "min", "peak MB", "its own", "files", "Snakemake's", "GB", "plan s", "plan again s"]
    print(LINE.format("load", "size", *names))
    print("|:--|" + "--:|" * (LINE.count("{") - 1))
    for size in options.sizes or SIZES[options.load]:
        measure(options.load, size, options)


if __name__ == "__main__":
    main()
