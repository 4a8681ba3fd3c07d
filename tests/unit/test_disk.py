"""Disk usage in the report: all files are counted once, whatever was deleted since."""

from pathlib import Path

from tomodenoise.common import disk_usage
from tomodenoise.common.disk_usage import Use


def write(folder: Path, **sizes: int) -> None:
    for name, size in sizes.items():
        file = folder / name.replace("__", ".").replace("_to_", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))


def test_the_largest_entry_comes_first_and_folders_are_summed(tmp_path: Path) -> None:
    write(tmp_path, a_to_b_to_c=7, a_to_d=1, e=9)
    assert list(disk_usage.usage(tmp_path).items()) == [("e", Use(1, 9)), ("a", Use(2, 8))]
    assert disk_usage.of(tmp_path) == Use(3, 17)
    assert disk_usage.of(tmp_path / "none") == Use(0, 0)


def test_every_file_of_a_scan_is_counted_once(tmp_path: Path) -> None:
    results = tmp_path / "results"
    write(results, sections__zarr_to_zarr__json=3, sections__zarr_to_c_to_0=50, denoised__ome__zarr_to_0=20)
    write(results, denoised__h5=5, denoised_tiff_to_0__tif=6, reconstruction__ome__zarr_to_0=7, scan__json=2)
    write(tmp_path, raw__h5=100, model_to_model__safetensors=4)
    uses = disk_usage.products(results, tmp_path / "model", [tmp_path / "raw.h5", tmp_path / "gone.h5"])
    assert uses == {
        "raw file": Use(1, 100),
        "sections": Use(2, 53),
        "denoised volume": Use(1, 20),
        "exports": Use(3, 18),
        "figures and records": Use(1, 2),
        "model": Use(1, 4),
    }
    assert sum(use.size for use in uses.values()) == 104 + disk_usage.of(results).size


def test_links_are_not_followed_in_circles(tmp_path: Path) -> None:
    (tmp_path / "itself").symlink_to(tmp_path)
    assert disk_usage.of(tmp_path).files == 1
