"""Quality at equal pixels seen, or at equal operations, of networks and recipes on a scan whose truth is known.

Prints markdown tables. With `--results` each result becomes a line of a file, and what stands there is not computed
again, so that a long comparison can be stopped and gone on with.

    python benchmarks/quality.py --pixels 34e6 --seeds 3 --classical --results quality.jsonl
    python benchmarks/quality.py --flops 7.4e12 --only default msd --phantom honeycomb
    python benchmarks/quality.py --seeds 0 --results quality.jsonl
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import contestants, denoise_recipe, simulated

from tomodenoise.evaluation import classical
from tomodenoise.metrics import merit
from tomodenoise.networks.registry import NETWORKS

PHANTOMS: Mapping[str, Callable[[str], simulated.Scan]] = {
    "foam": simulated.foam,
    "honeycomb": simulated.honeycomb,
    "foam-14-rows": partial(simulated.tall_foam, 14),
    "foam-54-rows": partial(simulated.tall_foam, 54),
}
COLUMNS = {
    "psnr": ("PSNR / dB", 2),
    "ssim": ("SSIM", 3),
    "psnr_8": ("8-fold ensemble / dB", 2),
    "psnr_half": ("PSNR of f(half) / dB", 2),
    "upsnr": ("uPSNR / dB", 2),
    "split_loss": ("split loss", 4),
    "kflop": ("kFLOP/px", 0),
    "mpx_per_s": ("Mpx/s", 2),
    "cpu_seconds": ("CPU s", 0),
}

Line = dict[str, Any]


def run(options: argparse.Namespace, scan: simulated.Scan) -> Iterable[tuple[Line, Callable[[Path], Line]]]:
    """Yield what identifies each result that is asked for, and what computes it in an empty folder."""
    place = {"phantom": scan.name, "window": scan.window}
    if options.classical:
        yield place | {"budget": "without a network"}, lambda _: {"filters": filters(scan)}
    names = [name for name in contestants.CONTESTANTS if not options.only or any(part in name for part in options.only)]
    for seed, name in product(range(options.seeds), names):
        one = contestants.CONTESTANTS[name]
        pixels = options.flops / (3 * contestants.flops(one.spec)) if options.flops else options.pixels
        train = contestants.options(one, pixels, seed)
        budget = f"{options.flops / 1e12:g} TFLOP" if options.flops else f"{pixels / 1e6:g} Mpx"
        key = place | {"budget": budget, "name": name, "seed": seed, "sections": one.sections}
        key |= {"train": train.as_json()} | ({"exact": one.exact} if one.exact else {})
        network = json.loads(json.dumps(asdict(one.spec)))
        yield key | {"network": network}, partial(contestants.compete, one, train, scan)


def filters(scan: simulated.Scan) -> list[Line]:
    """Judge the reconstructions, and classical filters that are tuned with the truth on the judged rows."""
    first, last = simulated.JUDGED
    rows = (first - classical.MARGIN, scan.truth.shape[0])
    truth, mask = scan.truth[slice(*rows)], np.zeros((rows[1] - rows[0], *scan.mask.shape), dtype=bool)
    mask[first - rows[0] : last - rows[0]] = scan.mask
    images = {"noise-free reconstruction": simulated.full(scan, rows, exact=True)}
    images["reconstruction"] = noisy = simulated.full(scan, rows)
    lines = [
        {"name": name, "psnr": merit.psnr(image, truth, mask, 1), "ssim": merit.ssim(image, truth, mask, 1)}
        for name, image in images.items()
    ]
    best = classical.best_filters(noisy, truth, mask, 1)
    return lines + [{"name": f"{each.name}, tuned", "psnr": each.psnr, "ssim": each.ssim} for each in best]


def table(lines: Sequence[Line]) -> str:
    """Set mean and deviation over seeds in one table for each phantom, window and budget."""
    flat = [{**line, **each} for line in lines for each in line.get("filters", [line])]

    def heading(line: Line) -> tuple[str, str, str]:
        return line["phantom"], line["window"], line["budget"]

    text = []
    for titles, group in groupby(sorted(flat, key=heading), heading):
        members = list(group)
        columns = [key for key in COLUMNS if any(key in line for line in members)]
        text += ["\n{}, {} window, {}\n".format(*titles), f"| | {' | '.join(COLUMNS[key][0] for key in columns)} |"]
        text += ["|---|" + "---:|" * len(columns)]
        rows = {name: [line for line in members if line["name"] == name] for name in {line["name"] for line in members}}
        best_last = sorted(rows.items(), key=lambda row: float(np.mean([line["psnr"] for line in row[1]])))
        text += [f"| {name} | {' | '.join(cell(same, key) for key in columns)} |" for name, same in best_last]
    return "\n".join(text)


def cell(lines: Sequence[Line], key: str) -> str:
    """Write the mean, and the standard deviation over seeds where there are several."""
    values = [line[key] for line in lines if key in line]
    if not values:
        return ""
    digits = COLUMNS[key][1]
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 and digits else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def read(results: Path | None) -> list[Line]:
    """Read the results that there are."""
    there = results.read_text().splitlines() if results and results.is_file() else []
    return [json.loads(text) for text in there]


def main() -> None:
    """Compute what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantom", choices=PHANTOMS, default="foam")
    parser.add_argument("--window", default="cosine", help="on the ramp filter [%(default)s]")
    parser.add_argument("--pixels", type=float, default=34e6, help="that a network is shown [%(default)g]")
    parser.add_argument("--flops", type=float, help="budget of training, in the place of --pixels")
    parser.add_argument("--seeds", type=int, default=1, help="number of trainings of each; 0 prints what is there")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of the contestants to run")
    parser.add_argument("--classical", action="store_true", help="also tune the classical filters")
    parser.add_argument("--results", type=Path, help="file of results, to go on with and to print")
    options = parser.parse_args()
    torch.set_num_threads(1)
    NETWORKS.update(denoise_recipe.ENTRY)
    if options.phantom == "honeycomb" and not simulated.HONEYCOMB.is_file():
        sys.exit(f"skipped: {simulated.HONEYCOMB} is not there")
    lines = read(options.results)
    scan = PHANTOMS[options.phantom](options.window) if options.seeds or options.classical else None
    for key, compute in run(options, scan) if scan else ():
        if any(key.items() <= line.items() for line in lines):
            continue
        with tempfile.TemporaryDirectory() as folder:
            lines.append(key | compute(Path(folder)))
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
        print(f"done: {key.get('name', 'filters')}, seed {key.get('seed')}", file=sys.stderr, flush=True)
    print(table(lines))


if __name__ == "__main__":
    main()
