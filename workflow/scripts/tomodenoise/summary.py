"""What the report says of a scan and of a model, gathered from their products."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise import (
    correction,
    disk,
    facts,
    figures,
    grid,
    modelfile,
    report,
    scans,
    settings,
    spectra,
    splitting,
    volumes,
    watching,
)  # fmt: skip
from tomodenoise.judging import curves

STAGES = ("correct", "split", "reconstruct", "network", "train", "denoise")


def of_all(
    config: Mapping[str, Any], results: Path, benchmarks: Path, made: Collection[Path]
) -> tuple[list[report.ScanSection], list[report.ModelSection]]:
    """Gather all scans and models of a configuration, in the order of their names; see `of_scan`."""
    sections = [of_scan(name, config, results, benchmarks, made) for name in sorted(config["scans"])]
    return sections, [of_model(name, config, results) for name in settings.models(config)]


def of_scan(
    name: str, config: Mapping[str, Any], results: Path, benchmarks: Path, made: Collection[Path]
) -> report.ScanSection:
    """Gather one scan.

    Parameters
    ----------
    config : resolved configuration.
    results, benchmarks : the folders of products and of Snakemake's measurements.
    made : files of all slabs; others that lie beside them are of an earlier layout.
    """
    folder, model = results / name, settings.model_of(config, name)
    scan = scans.from_json(_read(folder / "scan.json"))
    scan = scans.sized(scan, config["scans"][name].get("pixel_size"))
    split = splitting.from_json(_read(folder / "split.json"))
    center = _read(folder / "center.json")
    slabs = [correction.SlabStatistics(**_read(path)) for path in _numbered(folder / "corrections", made)]
    shown = _numbered(folder / "figures" / "planes", made)
    planes = figures.join(_of_middle_block(shown))
    image = volumes.attributes(folder / "denoised.ome.zarr")
    described = image["provenance"].get("channels")
    axial = planes["axial (z)"][1]
    description = _model(model, config, results)
    denoised = f"{model}: {description.file}, trained on {', '.join(description.trained_on)}"
    visible = grid.field_of_view(axial.shape[0], center["radius"])
    series = watching.load(folder / "figures" / "series.npz") if split.times > 1 else None
    return report.ScanSection(
        name=name,
        facts=facts.of_scan(scan, split, center, slabs, series, described) | {"model": denoised},
        warnings=(
            *facts.warnings(scan, split, center, slabs, config),
            *modelfile.concerns(description, scan.pixel_size),
        ),
        planes=planes,
        window=report.window(axial, visible),
        pixel_size=scan.pixel_size,
        center_figure=(folder / "center.png").read_bytes(),
        model=model,
        settings=settings.relevant(config, name, sections=STAGES),
        provenance=image["provenance"],
        series=series,
        stages=report.stages(benchmarks / name) + report.stages(benchmarks / "models" / model),
        quality=_quality(folder),
        channels=_spectra(shown, described),
        volume=str(folder / "denoised.ome.zarr"),
        disk=_disk(folder, description, results / "models" / model, scan),
    )


def _spectra(files: Sequence[Path], described: Mapping[str, Any] | None) -> report.Channels | None:
    """Gather what is shown of several channels from the planes of all slabs."""
    found = spectra.read(files)
    if found is None or described is None:
        return None
    unit = f" / {described['unit']}" if described["unit"] else ""
    return report.Channels(
        labels=tuple(described["labels"][number] for number in found["channels"]),
        images=np.asarray(found["images"]),
        voxels=tuple((int(y), int(x)) for y, x in found["voxels"]),
        curves=np.asarray(found["curves"]),
        values=np.asarray(described["values"], dtype=np.float64),
        axis=f"{described['name']}{unit}",
    )


def _disk(folder: Path, model: modelfile.Description, trained: Path, scan: scans.Scan) -> Mapping[str, disk.Use]:
    """Measure products; a model that was trained here takes its checkpoint and history as well."""
    raw = [Path(str(file)) for file in scan.identity["files"]]  # type: ignore[attr-defined]
    return disk.products(folder, trained if trained.is_dir() else model.file, raw)


def _quality(folder: Path) -> report.Quality:
    found = _read(folder / "quality.json")
    return report.Quality(**found, curves=curves.read(folder / "figures" / "quality.npz"))


def of_model(name: str, config: Mapping[str, Any], results: Path) -> report.ModelSection:
    """Gather one model; one that was not trained here, but taken from a file, has no history."""
    model, record = _model(name, config, results), results / "models" / name / "history.jsonl"
    trained = bool(settings.trained_on(config, name))
    history = [json.loads(line) for line in record.read_text().splitlines()] if trained else []
    origin, sizes = model.facts.get("origin"), sorted(set(model.pixel_sizes))
    told = {"file": str(model.file), "trained on": ", ".join(model.trained_on)}
    if origin:
        told["training began from"] = f"{origin['file']}, trained on {', '.join(origin['facts']['source'])}"
    if sizes:
        told["pixel size in training"] = ", ".join(f"{size:g} µm" for size in sizes)
    channels = f" of {model.spec.channels} channels" if model.spec.channels > 1 else ""
    steps = f" of {model.spec.steps} time steps" if model.spec.steps > 1 else ""
    told["network"] = f"{model.spec.name}, {model.spec.slices} slices{steps}{channels} in, {model.weights:,} weights"
    if history:
        told["pixels seen"] = f"{history[-1]['pixels'] / 1e6:.1f} million"
    told["normalisation"] = f"mean {facts.spread(model.mean)}, deviation {facts.spread(model.scale)} per pixel"
    return report.ModelSection(name, history, told)


def _model(name: str, config: Mapping[str, Any], results: Path) -> modelfile.Description:
    file = settings.file_of(config, name)
    if file is None or settings.trained_on(config, name):
        file = results / "models" / name / "model.safetensors"
    return modelfile.describe(file)


def _numbered(folder: Path, files: Collection[Path]) -> list[Path]:
    """Those of a folder, called BLOCK-SLAB, in order."""
    return sorted((file for file in files if file.parent == folder), key=_block_and_slab)


def _block_and_slab(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.split("-")))


def _of_middle_block(files: Sequence[Path]) -> list[Path]:
    """Pick the slabs of the time steps in the middle."""
    blocks = sorted({_block_and_slab(file)[0] for file in files})
    return [file for file in files if _block_and_slab(file)[0] == blocks[len(blocks) // 2]]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content
