"""The plan reported before a run is what the rules will do, and obstacles are found."""

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tomodenoise.common import formatting
from tomodenoise.config import settings
from tomodenoise.networks import specs
from tomodenoise.networks.options import Network
from tomodenoise.planning import forecast, resources
from tomodenoise.scans.opening import open_scan
from tomodenoise.storage.layout import Layout
from tomodenoise.training.options import Train

LAYOUT = Layout(angles=1500, depth=2048, columns=2048, size=2048, stored=4, slab_bytes=2**30)
UNET = specs.complete(Network(name="unet"))


def stages(**config: object) -> dict[str, forecast.Stage]:
    resolved = settings.load({"scans": {"a": {"file": "a.h5"}}, **config})
    return {stage.name: stage for stage in forecast.of_scan(LAYOUT, UNET, resolved, resolved.scans["a"].reconstruct)}


def needing(megabytes: int) -> forecast.Plan:
    return forecast.Plan({"a": [replace(stages()["denoise"], megabytes=megabytes)]}, {})


def test_jobs_and_bytes_are_those_of_the_layout() -> None:
    planned = stages(export=["tiff16", "reconstruction"])
    assert planned["correct"].jobs == len(LAYOUT.projection_slabs)
    assert planned["reconstruct"].jobs == len(LAYOUT.slabs)
    assert planned["denoise"].jobs == len(LAYOUT.image_slabs(0))
    assert planned["pyramid"].jobs == sum(len(LAYOUT.image_slabs(level)) for level in range(1, len(LAYOUT.levels)))
    assert planned["correct"].size == 4 * 1500 * 2048 * 2048
    assert planned["reconstruct"].size == 4 * 4 * 2048**3
    assert planned["tiff16"].size == 2 * 2 * 2048**3
    assert planned["tiff16"].jobs == 2 * planned["denoise"].jobs


def test_chunks_at_the_edge_of_uncompressed_slices_count_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Layout(angles=181, depth=2, columns=640, size=640, stored=2, slab_bytes=2**30)
    monkeypatch.setattr(f"{__name__}.LAYOUT", narrow)
    planned = stages(export=["reconstruction"])
    assert planned["reconstruct"].size == 4 * 2 * 2 * 1024**2
    assert planned["reconstruction"].size == 4 * 2 * (1024**2 + 320**2 + 160**2)
    assert planned["denoise"].size == 4 * 2 * 640**2  # compressed: what fills a chunk up takes next to nothing


def test_rounded_sections_take_less() -> None:
    rounded, whole = stages(reconstruct={"bits": 16})["reconstruct"], stages()["reconstruct"]
    assert rounded == replace(whole, size=int(forecast.ROUNDED * whole.size))


def test_times_hold_what_was_measured() -> None:
    planned = stages()
    # benchmarks/RESULTS.md: seconds of a row at 2048 x 1500, with the jobs' start and the work alone.
    low, high = planned["correct"].seconds
    assert low < 0.06 * 2048 < high
    low, high = planned["reconstruct"].seconds
    assert low < 0.94 * 2048 < high
    low, high = planned["denoise"].seconds
    assert low < 2048**3 / 1.18e6 < high
    low, high = forecast.of_training(UNET, Train(pixels=34e6)).seconds
    assert low < 62 < high


def test_training_that_ends_earlier_takes_less() -> None:
    whole = forecast.of_training(UNET, Train(pixels=1e9))
    assert forecast.of_training(UNET, Train(pixels=1e9, iterations=10)).seconds[1] < whole.seconds[1] / 100
    assert forecast.of_training(UNET, Train(pixels=1e9, minutes=5)).seconds[1] == 300


def test_more_cores_share_the_jobs_of_a_stage_but_not_the_training() -> None:
    training = forecast.of_training(UNET, Train(pixels=1e8))
    planned = [*stages().values(), training]
    single, many = (forecast.together(planned, cores) for cores in (1, 1000))
    assert single[1] == pytest.approx(sum(stage.seconds[1] for stage in planned))
    assert training.seconds[1] < many[1] < single[1]
    assert forecast.together([training, training], 2) == training.seconds


def test_the_table_is_straight() -> None:
    planned = stages(export=["hdf5"])
    lines = list(forecast.lines([*planned.values(), replace(planned["denoise"], megabytes=4200)]))
    assert len({len(line) for line in lines}) == 1
    assert "4.2 GB" in "".join(lines)
    assert "once centered" in "".join(lines)


def test_frames_that_cannot_be_read_are_found_before_the_run(tmp_path: Path) -> None:
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as content:
        values = np.random.default_rng(0).integers(1, 99, (20, 4, 32), dtype=np.uint16)
        content.create_dataset("exchange/data", data=values, chunks=(1, 4, 32), compression="gzip")
        content["exchange/data_white"] = values
        content["exchange/theta"] = np.linspace(0, 180, 20, endpoint=False)
        place = content["exchange/data"].id.get_chunk_info(19).byte_offset
    scan = open_scan(file)
    assert list(forecast.unreadable(scan)) == []
    with file.open("r+b") as stream:
        stream.seek(place)
        stream.write(bytes(20))
    (message,) = forecast.unreadable(scan)
    assert "/exchange/data: frame 19: " in message


def test_a_disk_too_small_and_a_job_too_large_are_reported(tmp_path: Path) -> None:
    assert list(forecast.of_disk(1, tmp_path)) == []
    (message,) = forecast.of_disk(10**18, tmp_path)
    assert message.startswith("1000000.0 TB are to be written")
    assert "intermediates=delete" in message
    memory = forecast.memory()
    assert list(forecast.of_memory(needing(memory - 1))) == []
    assert "lower slab_megabytes" in next(forecast.of_memory(needing(memory + 1)))
    assert forecast.hint(needing(memory // 2), 2) is None
    assert "--resources mem_mb=" in (forecast.hint(needing(memory // 2), 3) or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be written to" in next(forecast.of_disk(1, tmp_path))


def test_sizes_and_times_are_readable() -> None:
    sizes = {0: "0 B", 999: "999 B", 1500: "1.5 kB", 2.34e6: "2.3 MB", 6.8e12: "6.8 TB", 3e15: "3000.0 TB"}
    assert {number: formatting.size(number) for number in sizes} == sizes
    times = {
        (68400, 468000): "0.79 to 5.4 days",
        (1, 59): "less than 1 min",
        (1, 60): "0.1 to 1 min",
        (1800, 7200): "0.5 to 2 h",
    }
    assert {span: formatting.duration(span) for span in times} == times


def test_rounds_on_copies_are_named_and_have_the_memory_that_was_measured() -> None:
    assert list(forecast.copies(0)) == []
    assert "2 rounds" in next(forecast.copies(2))
    tooth = Layout(angles=181, depth=12, columns=640, size=640, stored=2, slab_bytes=2**30)
    assert 366 < 4 * resources.projecting(tooth) / 2**20 < 500
