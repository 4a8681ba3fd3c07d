"""Content of the report, read from the products of each scan and model."""

import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tomodenoise.common import disk_usage, logs
from tomodenoise.common.errors import UserError
from tomodenoise.config.model import Config
from tomodenoise.correction import measured as correction_measured
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.denoising import greys, previews
from tomodenoise.evaluation import time_series
from tomodenoise.networks import model_file
from tomodenoise.report import dose, facts, quality, timing, uncertainty
from tomodenoise.report.content import Failed, ModelSection, ScanSection
from tomodenoise.scans import description as scans_description
from tomodenoise.splitting import model as splitting_model
from tomodenoise.storage import zarr_arrays

Content = TypeVar("Content")

STAGES = ("correct", "split", "reconstruct", "network", "train", "denoise")


class Gathered(NamedTuple):
    """Content of a page."""

    scans: list[ScanSection]
    models: list[ModelSection]
    failed: list[Failed]
    """Scans and models with a missing or damaged product."""


def of_all(config: Config, results: Path, benchmarks: Path, made: Collection[Path]) -> Gathered:
    """Gather all scans, see `of_scan`, and their models, by name; one that fails does not affect the others."""
    failed: list[Failed] = []
    scan = partial(of_scan, config=config, results=results, benchmarks=benchmarks, made=made)
    model = partial(of_model, config=config, results=results)
    scans = list(_gathered("", sorted(config.scans), scan, failed))
    models = list(_gathered("model ", config.used_models, model, failed))
    return Gathered(scans, models, failed)


def _gathered(
    kind: str, names: Sequence[str], gather: Callable[[str], Content], failed: list[Failed]
) -> Iterator[Content]:
    """Gather one after the other; any error is logged and added to `failed`."""
    for name in names:
        try:
            yield gather(name)
        except Exception as error:
            reason = _reason(error)
            logs.logger.warning("%s%s cannot be shown: %s", kind, name, reason, exc_info=True)
            failed.append(Failed(f"{kind}{name}", reason, ""))


def _reason(error: Exception) -> str:
    """Return in one line why something cannot be shown."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is missing; run snakemake verify"
    return " ".join(f"{type(error).__name__}: {error}".split())


def of_scan(name: str, config: Config, results: Path, benchmarks: Path, made: Collection[Path]) -> ScanSection:
    """Gather one scan.

    Parameters
    ----------
    config : resolved configuration.
    results, benchmarks : folders of the products and of Snakemake's benchmark files.
    made : files of all slabs; other files in their folders belong to an earlier layout and are ignored.

    Raises
    ------
    UserError
        If a product is damaged.
    FileNotFoundError
        If one is missing.
    """
    folder = results / name
    figures = folder / "figures"
    model = config.model_of(name)
    scan = checked(folder / "scan.json", scans_description.read)
    scan = scans_description.sized(scan, config.scans[name].pixel_size)
    split = checked(folder / "split.json", splitting_model.read)
    center = _read(folder / "center.json")
    measured = checked(folder / "measured.json", correction_measured.read)
    slabs = [SlabStatistics(**_read(path)) for path in numbered(folder / "corrections", made)]
    parts = [checked(path, previews.load) for path in numbered(figures / "planes", made)]
    views = previews.join(parts)
    provenance = checked(folder / "denoised.ome.zarr", zarr_arrays.attributes)["provenance"]
    described = provenance.get("channels")
    description = _model(model, config, results)
    series = checked(figures / "series.npz", time_series.load) if split.times > 1 else None
    trained = results / "models" / model
    raw = [Path(str(file)) for file in scan.identity["files"]]  # type: ignore[attr-defined]
    return ScanSection(
        name=name,
        facts={
            **facts.of_scan(scan, split, center, series, described),
            "rings": facts.rings(measured.stripes),
            "model": f"{model}: {description.file}, trained on {', '.join(description.trained_on)}",
        },
        details=facts.details(scan, split, center, slabs),
        warnings=(
            *facts.warnings(scan, split, center, slabs, measured, config.scans[name].correct),
            *model_file.concerns(description, scan.pixel_size),
            *previews.concerns(sum(int(part.get("strays", 0)) for part in parts)),
        ),
        planes=views.planes,
        slices=views.slices,
        greys=greys.stored(views.planes, views.slices, center["radius"]),
        pixel_size=scan.pixel_size,
        center_figure=(folder / "center.png").read_bytes(),
        model=model,
        settings=config.shaping(name, sections=STAGES),
        provenance=provenance,
        series=series,
        stages=timing.stages(benchmarks / name) + timing.stages(benchmarks / "models" / model),
        quality=quality.of(_read(folder / "quality.json"), checked(figures / "quality.npz", quality.read_curves)),
        dose=_dose(folder) if config.scans[name].dose else None,
        uncertainty=_uncertainty(folder) if config.denoise.uncertainty else None,
        channels=next((part for part in parts if "curves" in part), None) if described else None,
        folder=str(folder),
        exported="tiff" in config.export,
        # A model that was trained here takes the space of its checkpoint and history too.
        disk=disk_usage.products(folder, trained if trained.is_dir() else description.file, raw),
    )


def _dose(folder: Path) -> dose.Study:
    pictures = checked(folder / "figures" / "dose.npz", dose.read_pictures)
    return dose.of(_read(folder / "dose.json"), pictures)


def _uncertainty(folder: Path) -> uncertainty.Uncertainty:
    values = _read(folder / "uncertainty.json")
    return checked(folder / "figures" / "uncertainty.npz", partial(uncertainty.read, values))


def of_model(name: str, config: Config, results: Path) -> ModelSection:
    """Gather one model; a model taken from a file has no history."""
    trained = bool(config.trained_on(name))
    history = checked(results / "models" / name / "history.jsonl", _lines) if trained else []
    return ModelSection(name, history, facts.of_model(_model(name, config, results), history))


def _model(name: str, config: Config, results: Path) -> model_file.Description:
    file = config.file_of(name)
    if file is None or config.trained_on(name):
        file = results / "models" / name / "model.safetensors"
    return model_file.describe(file)


def numbered(folder: Path, files: Collection[Path]) -> list[Path]:
    """Return the files of a folder, named BLOCK-SLAB, in numerical order."""
    inside = [file for file in files if file.parent == folder]
    return sorted(inside, key=lambda file: [int(part) for part in file.stem.split("-")])


def _read(path: Path) -> dict[str, Any]:
    return checked(path, lambda path: json.loads(path.read_text()))


def _lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def checked(path: Path, read: Callable[[Path], Content]) -> Content:
    """Read a product; name it if it is damaged."""
    try:
        return read(path)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged; run snakemake verify") from error
