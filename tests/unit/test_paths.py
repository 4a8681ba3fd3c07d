"""Patterns of product paths, and the shards that hold what a job works on."""

import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.errors import UserError
from tomodenoise.config.settings import load
from tomodenoise.planning import notify, paths, shards
from tomodenoise.planning.files import Files
from tomodenoise.planning.run import Run, Wildcards
from tomodenoise.storage.layout import Layout

ROOT = Path(__file__).parents[2]
CONFIG = load({"scans": {"s": {"file": "s.h5"}}})
Entry: Any = SimpleNamespace
SERIES = Layout(angles=98, depth=9, columns=48, size=48, stored=8, slab_bytes=2**15, firsts=(0, 25, 49, 74))

layouts = st.builds(
    lambda angles, depth, size, sections, slab, channels, steps: Layout(
        angles=angles * steps,
        depth=depth,
        columns=size,
        size=size,
        stored=sections * steps,
        slab_bytes=slab,
        channels=channels,
        firsts=tuple(range(0, angles * steps, angles)),
    ),
    st.integers(4, 20),
    st.integers(1, 40),
    st.integers(8, 600),
    st.integers(1, 4),
    st.integers(2**12, 2**22),
    st.integers(1, 3),
    st.integers(1, 5),
)


def job(**wildcards: int) -> Wildcards:
    return Wildcards(scan="s", **{name: str(number) for name, number in wildcards.items()})


def test_some_wildcards_of_a_pattern_are_filled_in() -> None:
    assert paths.fill(paths.LEVEL_JSON, volume="denoised", level=0) == "results/{scan}/denoised.ome.zarr/0/zarr.json"
    assert paths.fill(paths.SCAN) == paths.SCAN


def test_no_scan_is_named_like_a_file_next_to_the_folders_of_scans() -> None:
    patterns = [value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)]
    taken = {pattern.split("/")[1] for pattern in patterns if pattern.startswith("results/")} - {"{scan}"}
    rules = "".join(file.read_text() for file in (ROOT / "workflow").rglob("*.smk"))
    logs = set(re.findall(r'"logs/([\w.-]+)', rules))
    assert {"models", "report.html"} <= taken
    for name in sorted(taken | logs | {notify.NOTE.name, notify.LOG.name, "commands.log", "slurm"}):
        with pytest.raises(UserError, match="choose another"):
            load({"scans": {name: {"file": "x"}}})


def test_every_combination_is_filled_in() -> None:
    assert paths.fill_all("{a}/{b}", a="xy", b=[1, 2]) == ["x/1", "x/2", "y/1", "y/2"]
    assert paths.fill_all(["{a}.json", "{a}.png"], a="xy") == ["x.json", "x.png", "y.json", "y.png"]
    assert paths.fill_all("{a}", a=[]) == []


def test_a_pattern_of_names_matches_these_only() -> None:
    assert paths.one_of(["a.b", "c"]) == r"a\.b|c"
    assert paths.one_of([]) == "(?!)"


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("tiff16", "results/s/denoised_tiff16/volume.json"),
        ("hdf5", "results/s/denoised.h5"),
        ("ozx", "results/s/denoised.ozx"),
        ("reconstruction", "results/s/reconstruction.ome.zarr/zarr.json"),
    ],
)
def test_an_export_is_asked_for_by_its_last_file(kind: str, file: str) -> None:
    assert paths.exports(kind, "s", "denoised") == file


def around(layout: Layout, block: int, slab: int) -> list[str]:
    """Shards of projections from which a slab of sections is reconstructed."""
    return shards.projections("s", layout, layout.angles_of(block), layout.slabs[slab])


def test_the_shards_of_a_small_series() -> None:
    """Steps of 25, 24, 25 and 24 projections in blocks of 25: the third begins in one block and ends in the next."""
    assert shards.sections("s", SERIES, (1, 2)) == [f"results/s/sections.zarr/c/1/0/{slab}/0/0" for slab in range(9)]
    assert around(SERIES, 1, 3) == ["results/s/projections.zarr/c/1/0/0"]
    assert around(SERIES, 2, 8) == ["results/s/projections.zarr/c/1/2/0", "results/s/projections.zarr/c/2/2/0"]


def test_channels_have_an_axis_of_their_own_in_the_projections() -> None:
    layout = Layout(angles=60, depth=3, columns=48, size=48, stored=3, slab_bytes=2**30, channels=4)
    assert shards.projections("s", layout) == ["results/s/projections.zarr/c/0/0/0/0"]


@settings(max_examples=30)
@given(layout=layouts)
def test_every_shard_is_read_and_no_other(layout: Layout) -> None:
    """The jobs of a stage read together exactly what the jobs before them write."""
    blocks = range(len(layout.blocks))
    slabs = [(block, slab) for block in blocks for slab in range(len(layout.slabs))]
    assert set(chain(*(around(layout, *place) for place in slabs))) == set(shards.projections("s", layout))
    files = Files(Run(CONFIG, {"s": Entry(layout=layout, size_open=False)}))
    images = [job(block=block, slab=slab) for block in blocks for slab in range(len(layout.image_slabs(0)))]
    assert set(chain(*map(files.sections_around, images))) == set(files.all_sections())
    assert set(chain(*map(files.sections_within, images))) == set(files.all_sections())
    pattern = paths.fill(paths.IMAGE_SHARD, volume="denoised")
    for level in range(1, len(layout.levels)):
        places = [(block, slab) for block in blocks for slab in range(len(layout.image_slabs(level)))]
        jobs = [job(block=block, slab=slab, level=level) for block, slab in places]
        assert set(chain(*map(files.finer, jobs))) == set(shards.level(pattern, "s", layout, level - 1))


@settings(max_examples=30)
@given(layout=layouts)
def test_no_shard_is_named_twice_and_the_middle_is_among_them(layout: Layout) -> None:
    files = Files(Run(CONFIG, {"s": Entry(layout=layout, size_open=False)}))
    for names in (files.all_sections(), files.denoised(), shards.projections("s", layout)):
        assert len(set(names)) == len(names)
    assert len(shards.corrections("s", layout)) == len(shards.projections("s", layout))
    assert set(files.middle_sections(job())) <= set(files.all_sections())
    assert set(files.middle_image(job())) <= set(files.denoised())
