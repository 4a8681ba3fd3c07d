"""Damage at a random place of a product is found and named, and no whole file is blamed."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from undisturbed import Undisturbed, copied

from tomodenoise.maintenance import verify
from tomodenoise.storage import zarr_arrays

ROUNDS = 12
"""Number of trials of each damage to each kind of product."""

ARRAYS = ("projections.zarr", "sections.zarr", "denoised.ome.zarr/0")
PRODUCTS = {
    "projections": "foam/projections.zarr/c/**/*",
    "sections": "foam/sections.zarr/c/**/*",
    "volume": "foam/denoised.ome.zarr/*/c/**/*",
    "metadata": "foam/**/zarr.json",
    "model": "models/foam/model.safetensors",
    "planes": "foam/figures/**/*.npz",
}
WHOLE_IMAGE = "denoised.ome.zarr/zarr.json"
"""Has no checksum: people and their programs may write into it."""


def flip(content: bytearray, rng: random.Random) -> None:
    """Flip one bit."""
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(content: bytearray, rng: random.Random) -> None:
    """Truncate the file."""
    del content[rng.randrange(len(content)) :]


def blank(content: bytearray, rng: random.Random) -> None:
    """Replace 64 bytes by zeros, as after a power cut."""
    start = rng.randrange(len(content))
    content[start : start + 64] = bytes(len(content[start : start + 64]))


@pytest.fixture(scope="module")
def results(undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(undisturbed, tmp_path_factory.mktemp("corrupt") / "project").folder / "results"


@pytest.fixture(scope="module")
def arrays(results: Path) -> Sequence[verify.Expected]:
    paths = [results / "foam" / name for name in ARRAYS]
    opened = [zarr_arrays.open_array(path) for path in paths]
    return [
        verify.Expected(path, array.shape, array.shards or array.chunks, "ome.zarr" in str(path))
        for path, array in zip(paths, opened, strict=True)
    ]


@pytest.mark.parametrize("damage", [flip, cut, blank])
@pytest.mark.parametrize("product", PRODUCTS)
def test_damage_is_found_and_nothing_else_is(
    results: Path,
    arrays: Sequence[verify.Expected],
    product: str,
    damage: Callable[[bytearray, random.Random], None],
) -> None:
    rng = random.Random(f"{product} {damage.__name__}")
    files = [file for file in sorted(results.glob(PRODUCTS[product])) if file.is_file()]
    files = [file for file in files if WHOLE_IMAGE not in str(file)]
    assert files
    for _ in range(ROUNDS):
        file = rng.choice(files)
        whole = file.read_bytes()
        content = bytearray(whole)
        while content == whole:
            damage(content, rng)
        file.write_bytes(content)
        states = verify.survey(results, arrays, ["foam"], ["foam"], threads=1)
        file.write_bytes(whole)
        assert [flaw.file for state in states for flaw in state.flaws] == [file]
    states = verify.survey(results, arrays, ["foam"], ["foam"], threads=1)
    assert not [flaw for state in states for flaw in state.flaws]
