"""Each script imports what its job needs, and no more: every job pays for what it imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"

HEAVY = {"h5py", "jinja2", "matplotlib", "scipy", "skimage", "torch", "zarr"}
"""Packages that take a tenth of a second or more."""

COMPUTING = {"torch", "zarr"}
PAGES = {"h5py", "jinja2", "matplotlib", "scipy", "zarr"}
RAW = {"h5py", "scipy"}

ALLOWED = {
    "allocate": {"zarr"},
    "calibrate_uncertainty": COMPUTING | {"h5py", "scipy", "skimage"},
    "check": {"h5py", "zarr"},
    "clean_intermediates": {"h5py", "zarr"},
    "compare_demo": {"matplotlib", "scipy", "skimage", "zarr"},
    "correct_slab": RAW | {"zarr"},
    "denoise_slab": COMPUTING,
    "describe_image": {"zarr"},
    "describe_scan": RAW,
    "describe_tiff": {"zarr"},
    "examine_counts": RAW,
    "export_file": set(),
    "export_tiff_slab": {"zarr"},
    "find_center": {"matplotlib", "scipy", "zarr"},
    "halve_slab": {"zarr"},
    "judge_dose": COMPUTING | {"h5py", "scipy", "skimage"},
    "judge_scan": COMPUTING | {"h5py", "scipy", "skimage"},
    "launch_training": set(),
    "mix_slab": {"zarr"},
    "reconstruct_slab": COMPUTING,
    "render_report": PAGES,
    "render_scan": PAGES,
    "report_survivors": PAGES,
    "shelve_model": set(),
    "simulate": RAW,
    "simulate_series": RAW,
    "simulate_xrdct": RAW,
    "split_scan": set(),
    "thin_scan": set(),
    "train_model": COMPUTING | {"scipy"},
    "uncertain_slab": COMPUTING | {"h5py", "scipy"},
    "verify": {"h5py", "zarr"},
    "watch_series": {"h5py", "zarr"},
    "write_config": {"h5py"},
    "write_crate": set(),
}
"""Heavy packages that a script may import at its start; any other is imported where it is used."""


def test_the_table_names_all_scripts() -> None:
    assert ALLOWED.keys() == {path.stem for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize("allowed", sorted({tuple(sorted(packages)) for packages in ALLOWED.values()}))
def test_scripts_import_no_more_than_their_jobs_need(allowed: tuple[str, ...]) -> None:
    """Those with the same packages share a process, as its start takes longest."""
    alike = [script for script, packages in ALLOWED.items() if packages == set(allowed)]
    code = f"import json, sys, {', '.join(alike)}; print(json.dumps([name for name in sys.modules if '.' not in name]))"
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    imported = HEAVY.intersection(json.loads(run.stdout))
    more = ", ".join(sorted(imported - set(allowed)))
    assert imported <= set(allowed), f"one of {', '.join(alike)} imports {more} at its start"
