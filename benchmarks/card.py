"""What a graphics card does with this code, in about four minutes: `make bench-gpu OUT=folder`.

Ceilings of the card; training by network and batch; reconstruction; inference; the tests that need a card; the whole
workflow on a simulated scan of 1024 x 1024 x 64 voxels; what 2048 cubed would take. Nothing is downloaded. A part that
fails, or lacks a package, says so, and the others go on. On a processor all parts run in a reduced form, whose figures
mean nothing. Writes card.md and card.json.

    python benchmarks/card.py --out results
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import card_rates, card_run, counting
from benchmarks.card_rates import Row

from tomodenoise.common import devices

SKIPPED = ("skipped: ", "failed: ")


@dataclass
class Part:
    """A table, as far as it came."""

    title: str
    rows: list[Row] = field(default_factory=list)
    note: str = ""
    """Why it is not complete."""
    seconds: float = 0.0


def measured(title: str, rows: Callable[[], Iterable[Row]]) -> Part:
    """Collect the rows of a part; an error ends this part alone."""
    part = Part(title)
    began = time.perf_counter()
    try:
        for row in rows():
            part.rows.append(row)
    except Exception as error:
        part.note = f"{SKIPPED[1]}{type(error).__name__}: {error}"
    part.seconds = time.perf_counter() - began
    print(text(part), flush=True)
    return part


def tests() -> Iterable[Row]:
    """Run the tests that need a card."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "--no-header", "-p", "no:cacheprovider"]
    run = subprocess.run([*command, "tests/unit"], cwd=ROOT, capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")) or (" in " in line and line[:1].isdigit()):
            yield {"pytest -m gpu": line}
    if run.returncode not in {0, 5}:
        raise RuntimeError(f"pytest ended with status {run.returncode} {run.stderr[-300:]}".strip())


def text(part: Part) -> str:
    """Write a part as Markdown."""
    lines = [f"## {part.title}", ""]
    if part.rows:
        names = list(part.rows[0])
        lines += [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
        lines += [f"| {' | '.join(cell(row.get(name)) for name in names)} |" for row in part.rows]
    return "\n".join([*lines, *([part.note] if part.note else []), f"\n({part.seconds:.0f} s)\n"])


def cell(value: str | float | None) -> str:
    """Write a figure with three digits."""
    if isinstance(value, str) or value is None:
        return value or ""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def parts(device: torch.device, folder: Path, cores: int) -> Sequence[Part]:
    """Measure all parts."""
    graphics = device.type == "cuda"
    size = card_rates.CARD if graphics else card_rates.PROCESSOR
    scan = card_run.CARD if graphics else card_run.PROCESSOR
    lacking = card_run.missing()
    simulated = None if lacking else card_run.simulation(scan, folder / "run")
    done = [
        measured("Ceilings", lambda: card_rates.ceilings(size, device)),
        measured("Training", lambda: card_rates.training(size, device, folder / "train")),
        measured("Reconstruction", lambda: card_rates.reconstruction(size, device)),
        measured("Inference", lambda: card_rates.inference(size, device, folder / "denoise")),
    ]
    tested = measured("Tests", tests) if graphics else Part("Tests", note=f"{SKIPPED[0]}no card")
    title = f"The whole workflow: {scan.columns} x {scan.columns} x {scan.rows} voxels, {scan.angles} angles"
    if simulated is None:
        return [*done, tested, Part(title, note=f"{SKIPPED[0]}this Python lacks {', '.join(lacking)}")]
    whole = measured(title, lambda: card_run.workflow(scan, folder / "run", simulated, cores))
    figures = [part.rows for part in done[1:]]
    large = measured(
        "Calculated: 2048 x 2048 x 2048 voxels, 1500 angles, 4 sections, effort: standard",
        lambda: card_run.forecast(scan, whole.rows, *figures),
    )
    return [*done, tested, whole, large]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("bench-gpu"), help="folder of the results [%(default)s]")
    parser.add_argument("--cores", type=int, default=min(8, os.cpu_count() or 1), help="of the workflow [%(default)s]")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # as jobs do
    device = torch.device(devices.best())
    head = f"{counting.machine(device)}; {os.cpu_count()} cores; {time.strftime('%Y-%m-%d')}"
    print(f"# {head}\n", flush=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = parts(device, Path(folder), options.cores)
    body = "\n".join(text(part) for part in made)
    (options.out / "card.md").write_text(f"# {head}\n\n{body}\n{time.perf_counter() - began:.0f} s in all.\n")
    (options.out / "card.json").write_text(
        json.dumps({"machine": head, "parts": [asdict(part) for part in made]}, indent=1)
    )


if __name__ == "__main__":
    main()
