"""Paths of all products, relative to the working directory: patterns whose braces are wildcards of Snakemake."""

import re
from collections.abc import Iterable, Sequence
from itertools import product

from tomodenoise.exports.registry import EXPORTS

RESULTS = "results"

SCAN = f"{RESULTS}/{{scan}}/scan.json"
MEASURED = f"{RESULTS}/{{scan}}/measured.json"
SPLIT = f"{RESULTS}/{{scan}}/split.json"
CENTER = f"{RESULTS}/{{scan}}/center.json"
CENTER_FIGURE = f"{RESULTS}/{{scan}}/center.png"

PROJECTIONS = f"{RESULTS}/{{scan}}/projections.zarr"
PROJECTIONS_JSON = f"{PROJECTIONS}/zarr.json"
PROJECTIONS_SHARD = f"{PROJECTIONS}/c/{{block}}/{{slab}}/0"
CHANNELS_SHARD = f"{PROJECTIONS}/c/{{block}}/0/{{slab}}/0"
"""Of projections with several channels, whose array has one more axis."""
CORRECTIONS = f"{RESULTS}/{{scan}}/corrections/{{block}}-{{slab}}.json"

SECTIONS = f"{RESULTS}/{{scan}}/sections.zarr"
SECTIONS_JSON = f"{SECTIONS}/zarr.json"
SECTIONS_SHARD = f"{SECTIONS}/c/{{block}}/0/{{slab}}/0/0"

MODEL = f"{RESULTS}/models/{{model}}/model.safetensors"
HISTORY = f"{RESULTS}/models/{{model}}/history.jsonl"
WATCHED = f"{RESULTS}/models/{{model}}/training.html"
"""The page of a training. Not an output: Snakemake would delete it after a failure, and miss it in older results."""

SHELVED = f"{RESULTS}/models/{{model}}/shelved.json"

IMAGE = f"{RESULTS}/{{scan}}/{{volume}}.ome.zarr"
IMAGE_JSON = f"{IMAGE}/zarr.json"
LEVEL = f"{IMAGE}/{{level}}"
LEVEL_JSON = f"{LEVEL}/zarr.json"
IMAGE_SHARD = f"{LEVEL}/c/{{block}}/0/{{slab}}/0/0"
PLANES = f"{RESULTS}/{{scan}}/figures/planes/{{block}}-{{slab}}.npz"

EXPORTED_FILE = f"{RESULTS}/{{scan}}/{{volume}}.{{suffix}}"
TIFF_JSON = f"{RESULTS}/{{scan}}/{{volume}}_{{tiff}}/volume.json"
TIFF_SLAB = f"{RESULTS}/{{scan}}/{{volume}}_{{tiff}}/slabs/{{block}}-{{slab}}.json"

DOSE_CHECK = f"{RESULTS}/{{scan}}/dose/check.json"
DOSE = f"{RESULTS}/{{scan}}/dose.json"
DOSE_PICTURES = f"{RESULTS}/{{scan}}/figures/dose.npz"

UNCERTAINTY_JSON = f"{RESULTS}/{{scan}}/uncertainty.json"
UNCERTAINTY_PICTURES = f"{RESULTS}/{{scan}}/figures/uncertainty.npz"

QUALITY = f"{RESULTS}/{{scan}}/quality.json"
QUALITY_CURVES = f"{RESULTS}/{{scan}}/figures/quality.npz"
SERIES = f"{RESULTS}/{{scan}}/figures/series.npz"
PAGE = f"{RESULTS}/{{scan}}/report.html"
ROW = f"{RESULTS}/{{scan}}/figures/row.json"
REPORT = f"{RESULTS}/report.html"
CRATE = f"{RESULTS}/ro-crate-metadata.json"
CRATE_CONFIG = f"{RESULTS}/config.json"
"""The complete configuration, as a file of the crate."""

DENOISED, UNCERTAINTY, RECONSTRUCTION = "denoised", "uncertainty", "reconstruction"
"""Volumes: the clean one, its uncertainty, if asked for, and the noisy one, if it is exported."""


def fill(pattern: str, **known: object) -> str:
    """Fill in some wildcards of a pattern; the others stay."""
    return re.sub(r"\{(\w+)\}", lambda braces: str(known.get(braces[1], braces[0])), pattern)


def fill_all(patterns: str | Sequence[str], **values: Iterable[object]) -> list[str]:
    """Fill in every combination of the values, the last name running fastest, in every pattern."""
    combinations = [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]
    listed = [patterns] if isinstance(patterns, str) else patterns
    return [pattern.format(**combination) for combination in combinations for pattern in listed]


def one_of(names: Iterable[str]) -> str:
    """Return a regular expression that matches these names only, or nothing if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def exports(kind: str, scan: str, volume: str) -> str:
    """Return the last file of the export of a scan's volume as `kind`, an entry of the key `export`.

    The kind `reconstruction` is the noisy volume itself, whatever `volume` is.
    """
    return f"{RESULTS}/{scan}/{EXPORTS[kind].file.format(volume=volume)}"
