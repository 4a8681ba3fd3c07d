"""What the report says of a scan and of a model, gathered from their products."""

import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tomodenoise.common import disk_usage, logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.correction import measured as correction_measured
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.denoising import previews, spectra
from tomodenoise.evaluation import time_series
from tomodenoise.networks import model_file
from tomodenoise.report import facts, greys, quality, timing
from tomodenoise.report.channels import Channels
from tomodenoise.report.content import Failed, ModelSection, ScanSection
from tomodenoise.report.quality import Quality
from tomodenoise.scans import description as scans_description
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import model as splitting_model
from tomodenoise.storage import zarr_arrays

Content = TypeVar("Content")

STAGES = ("correct", "split", "reconstruct", "network", "train", "denoise")


class Gathered(NamedTuple):
    """What a page says."""

    scans: list[ScanSection]
    models: list[ModelSection]
    failed: list[Failed]
    """Scans and models with a product that is missing or damaged."""


def of_all(
    config: Config,
    results: Path,
    benchmarks: Path,
    made: Collection[Path],
) -> Gathered:
    """Gather scans and their models, in the order of their names; one that cannot be gathered costs the others nothing.

    Parameters
    ----------
    config, results, benchmarks, made : as for `of_scan`.
    """
    failed: list[Failed] = []
    scan = partial(of_scan, config=config, results=results, benchmarks=benchmarks, made=made)
    model = partial(of_model, config=config, results=results)
    scans = list(_each("", sorted(config.scans), scan, failed))
    models = list(_each("model ", config.used_models, model, failed))
    return Gathered(scans, models, failed)


def _each(kind: str, names: Sequence[str], gather: Callable[[str], Content], failed: list[Failed]) -> Iterator[Content]:
    """Gather one after the other; what fails, whatever the reason, is noted in `failed`."""
    for name in names:
        try:
            yield gather(name)
        except Exception as error:
            reason = _reason(error)
            logs.logger.warning("%s%s cannot be shown: %s", kind, name, reason, exc_info=True)
            failed.append(Failed(f"{kind}{name}", reason, ""))


def _reason(error: Exception) -> str:
    """Say in a line why something cannot be shown."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is missing; run snakemake verify"
    return " ".join(f"{type(error).__name__}: {error}".split())


def of_scan(name: str, config: Config, results: Path, benchmarks: Path, made: Collection[Path]) -> ScanSection:
    """Gather one scan.

    Parameters
    ----------
    results, benchmarks : the folders of products and of Snakemake's measurements.
    made : files of all slabs; others that lie beside them are of an earlier layout.

    Raises
    ------
    UserError
        If a product is damaged.
    FileNotFoundError
        If one is missing.
    """
    folder, model = results / name, config.model_of(name)
    scan = scans_description.from_json(_read(folder / "scan.json"))
    scan = scans_description.sized(scan, config.scans[name].pixel_size)
    split = splitting_model.from_json(_read(folder / "split.json"))
    center = _read(folder / "center.json")
    measured = correction_measured.from_json(_read(folder / "measured.json"))
    slabs = [SlabStatistics(**_read(path)) for path in numbered(folder / "corrections", made)]
    shown = numbered(folder / "figures" / "planes", made)
    views = previews.join([checked(path, previews.load) for path in shown])
    image = checked(folder / "denoised.ome.zarr", zarr_arrays.attributes)
    described = image["provenance"].get("channels")
    description = _model(model, config, results)
    denoised = f"{model}: {description.file}, trained on {', '.join(description.trained_on)}"
    series = checked(folder / "figures" / "series.npz", time_series.load) if split.times > 1 else None
    return ScanSection(
        name=name,
        facts={
            **facts.of_scan(scan, split, center, series, described),
            "rings": facts.rings(measured.stripes),
            "model": denoised,
        },
        details=facts.details(scan, split, center, slabs),
        warnings=(
            *facts.warnings(scan, split, center, slabs, measured, config.scans[name].correct),
            *model_file.concerns(description, scan.pixel_size),
        ),
        planes=views.planes,
        slices=views.slices,
        greys=greys.stored(views.planes, views.slices, center["radius"]),
        pixel_size=scan.pixel_size,
        center_figure=(folder / "center.png").read_bytes(),
        model=model,
        settings=config.shaping(name, sections=STAGES),
        provenance=image["provenance"],
        series=series,
        stages=timing.stages(benchmarks / name) + timing.stages(benchmarks / "models" / model),
        quality=_quality(folder),
        channels=_spectra(shown, described),
        volume=str(folder / "denoised.ome.zarr"),
        tiff=str(folder / "denoised_tiff"),
        exported="tiff" in config.export,
        disk=_disk(folder, description, results / "models" / model, scan),
    )


def _spectra(files: Sequence[Path], described: Mapping[str, Any] | None) -> Channels | None:
    """Gather what is shown of several channels from the planes of all slabs."""
    found = spectra.read(files)
    if found is None or described is None:
        return None
    unit = f" / {described['unit']}" if described["unit"] else ""
    return Channels(
        labels=tuple(described["labels"][number] for number in found["channels"]),
        images=np.asarray(found["images"]),
        voxels=tuple((int(y), int(x)) for y, x in found["voxels"]),
        curves=np.asarray(found["curves"]),
        values=np.asarray(described["values"], dtype=np.float64),
        axis=f"{described['name']}{unit}",
    )


def _disk(folder: Path, model: model_file.Description, trained: Path, scan: Scan) -> Mapping[str, disk_usage.Use]:
    """Measure products; a model that was trained here takes its checkpoint and history as well."""
    raw = [Path(str(file)) for file in scan.identity["files"]]  # type: ignore[attr-defined]
    return disk_usage.products(folder, trained if trained.is_dir() else model.file, raw)


def _quality(folder: Path) -> Quality:
    curves = checked(folder / "figures" / "quality.npz", quality.read_curves)
    return quality.of(_read(folder / "quality.json"), curves)


def of_model(name: str, config: Config, results: Path) -> ModelSection:
    """Gather one model; one that was not trained here, but taken from a file, has no history."""
    model, record = _model(name, config, results), results / "models" / name / "history.jsonl"
    trained = bool(config.trained_on(name))
    history = checked(record, _lines) if trained else []
    origin, sizes = model.facts.get("origin"), sorted(set(model.pixel_sizes))
    described = {"file": str(model.file), "trained on": ", ".join(model.trained_on)}
    if origin:
        described["training began from"] = f"{origin['file']}, trained on {', '.join(origin['facts']['source'])}"
    if sizes:
        described["voxel size in training"] = ", ".join(f"{size:g} µm" for size in sizes)
    channels = f" of {model.spec.channels} channels" if model.spec.channels > 1 else ""
    steps = f" of {model.spec.steps} time steps" if model.spec.steps > 1 else ""
    described["network"] = f"{model.spec.name}, {model.spec.slices} slices{steps}{channels}, {model.weights:,} weights"
    if history:
        described["pixels seen"] = f"{history[-1]['pixels'] / 1e6:.1f} million"
    mean, deviation = facts.spread(model.mean), facts.spread(model.scale)
    described["normalisation"] = f"mean {mean}, standard deviation {deviation} per pixel"
    return ModelSection(name, history, described)


def _model(name: str, config: Config, results: Path) -> model_file.Description:
    file = config.file_of(name)
    if file is None or config.trained_on(name):
        file = results / "models" / name / "model.safetensors"
    return model_file.describe(file)


def numbered(folder: Path, files: Collection[Path]) -> list[Path]:
    """Those of a folder, called BLOCK-SLAB, in order."""
    return sorted((file for file in files if file.parent == folder), key=_block_and_slab)


def _block_and_slab(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.split("-")))


def _read(path: Path) -> dict[str, Any]:
    return checked(path, lambda path: json.loads(path.read_text()))


def _lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def checked(path: Path, read: Callable[[Path], Content]) -> Content:
    """Read a product; where it is damaged say which one it is."""
    try:
        return read(path)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged; run snakemake verify") from error
