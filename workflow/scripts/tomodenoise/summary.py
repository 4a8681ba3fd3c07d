"""What the report says of a scan and of a model, gathered from their products."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise import (
    correction,
    disk,
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
from tomodenoise.judging import record

STAGES = ("correct", "split", "reconstruct", "network", "train", "denoise")


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
    scan = replace(scan, pixel_size=config["scans"][name].get("pixel_size", scan.pixel_size))
    split = splitting.from_json(_read(folder / "split.json"))
    center = _read(folder / "center.json")
    slabs = [correction.SlabStatistics(**_read(path)) for path in _numbered(folder / "corrections", made)]
    shown = _numbered(folder / "figures" / "planes", made)
    planes = figures.join(_of_middle_block(shown))
    image = volumes.attributes(folder / "denoised.ome.zarr")
    axial = planes["axial (z)"][1]
    description = _model(model, config, results)
    denoised = f"{model}: {description.file}, trained on {', '.join(description.trained_on)}"
    visible = grid.field_of_view(axial.shape[0], center["radius"])
    series = watching.load(folder / "figures" / "series.npz") if split.times > 1 else None
    return report.ScanSection(
        name=name,
        facts=_facts(scan, split, center, slabs, series) | {"model": denoised},
        warnings=(
            *_warnings(scan, split, center, slabs, config),
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
        channels=_spectra(shown, image["provenance"].get("channels")),
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
    return report.Quality(**found, curves=record.read_curves(folder / "figures" / "quality.npz"))


def of_model(name: str, config: Mapping[str, Any], results: Path) -> report.ModelSection:
    """Gather one model; one that was not trained here, but taken from a file, has no history."""
    model, record = _model(name, config, results), results / "models" / name / "history.jsonl"
    trained = bool(settings.trained_on(config, name))
    history = [json.loads(line) for line in record.read_text().splitlines()] if trained else []
    origin, sizes = model.facts.get("origin"), sorted(set(model.pixel_sizes))
    facts = {"file": str(model.file), "trained on": ", ".join(model.trained_on)}
    if origin:
        facts["training began from"] = f"{origin['file']}, trained on {', '.join(origin['facts']['source'])}"
    if sizes:
        facts["pixel size in training"] = ", ".join(f"{size:g} µm" for size in sizes)
    channels = f" of {model.spec.channels} channels" if model.spec.channels > 1 else ""
    facts["network"] = f"{model.spec.name}, {model.spec.slices} slices{channels} in, {model.weights:,} weights"
    if history:
        facts["pixels seen"] = f"{history[-1]['pixels'] / 1e6:.1f} million"
    facts["normalisation"] = f"mean {_range(model.mean)}, deviation {_range(model.scale)} per pixel"
    return report.ModelSection(name, history, facts)


def _model(name: str, config: Mapping[str, Any], results: Path) -> modelfile.Description:
    file = settings.file_of(config, name)
    if file is None or settings.trained_on(config, name):
        file = results / "models" / name / "model.safetensors"
    return modelfile.describe(file)


def _facts(
    scan: scans.Scan,
    split: splitting.Split,
    center: Mapping[str, Any],
    slabs: Sequence[correction.SlabStatistics],
    series: watching.Series | None,
) -> dict[str, str]:
    first, last = np.degrees([scan.angles.min(), scan.angles.max()])
    fewest = [slab.smallest_counts for slab in slabs if slab.smallest_counts is not None]
    facts = {
        "file": f"{scan.file} ({scan.layout}, {scan.kind})",
        "projections": f"{len(scan.angles)} of {scan.depth} x {scan.columns} pixels",
        "angles": f"{first:.2f} to {last:.2f} degrees",
        "pixel size": f"{scan.pixel_size:g} µm" if scan.pixel_size else "not told by the file, 1 µm assumed",
        "rows": f"{scan.rows[0]} to {scan.rows[1] - 1}",
        "flats, darks": f"{_count(scan.flats)}, {_count(scan.darks)}",
        "center": f"{center['center']:.2f} pixels ({center['method']}{_tilted(center)})",
        "confidence of the center": center["confidence"],
        "slices": f"{center['size']} x {center['size']} pixels{', extended field' if center['extended'] else ''}",
        "sections": f"{len(split.sections)} of about {len(split.sections[0].indices)} projections{_because(split)}",
        **_in_time(split, series),
        "angles per column and section": f"{len(scan.angles) / len(split.sections) / scan.columns:.2f}",
    }
    if scan.channels:
        facts["channels"] = _channels(scan.channels)
        facts["center found on"] = "the mean of the channels"
    if fewest:
        facts["fewest photons in a pixel"] = f"{min(fewest):.1f}"
    repaired = sum(slab.repaired for slab in slabs)
    facts["repaired pixels"] = f"{repaired} ({sum(slab.dead for slab in slabs)} dead on the detector)"
    return facts | _defects(slabs)


def _in_time(split: splitting.Split, series: watching.Series | None) -> dict[str, str]:
    """Say how a dynamic scan is split, and how even its angles are."""
    if series is None:
        return {}
    first, last = series.window
    period = f", {series.seconds:.4g} s each" if np.isfinite(series.seconds) else ""
    trained = f"steps {first} to {last - 1}" if last > first else "other scans"
    facts = {"time steps": f"{split.times}{period}", "trained on": trained}
    if split.interlacing:
        one = split.interlacing
        facts["interlacing"] = (
            f"{one.verdict}: {one.group} steps together see {one.directions} directions, the widest gap"
            f" {one.figure:.2f} times the mean"
        )
    return facts


def _range(values: Sequence[float]) -> str:
    """Write one value, or the smallest and the largest of those of many channels."""
    low, high = min(values), max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _tilted(center: Mapping[str, Any]) -> str:
    return f", tilted by {center['tilt']:+.4f} columns per row" if center["tilt"] else ""


def _because(split: splitting.Split) -> str:
    return f": {split.why}" if split.why else ""


def _channels(channels: scans.Channels) -> str:
    unit = f" {channels.unit}" if channels.unit else ""
    return f"{len(channels.values)}, {channels.name} {_range(channels.values.tolist())}{unit}"


def _defects(slabs: Sequence[correction.SlabStatistics]) -> dict[str, str]:
    """Say what is known of zingers, stripes and afterglow."""
    zingers = [slab.zingers for slab in slabs if slab.zingers is not None]
    stripes = [slab.stripes for slab in slabs if slab.stripes is not None]
    afterglow = [slab.afterglow for slab in slabs if slab.afterglow is not None]
    facts = {"zingers": f"{sum(zingers)} pixels replaced" if zingers else "not looked for"}
    if stripes:
        facts["stripes"] = f"{max(stripes):.1f} times the noise"
    if afterglow:
        facts["afterglow"] = f"{max(afterglow):.1%} of the light appears one frame later"
    return facts


def _warnings(
    scan: scans.Scan,
    split: splitting.Split,
    center: Mapping[str, Any],
    slabs: Sequence[correction.SlabStatistics],
    config: Mapping[str, Any],
) -> list[str]:
    divided, removed = config["correct"]["flats"] == "divided", config["correct"]["stripes"]
    found = list(correction.concerns(scan, slabs, split.members, divided=divided, removed=removed))
    if center["warning"]:
        found.append(f"center: {center['warning']}")
    if split.interlacing and split.interlacing.verdict != "even":
        found.append(
            f"time steps: {split.interlacing.verdict} ({split.interlacing.group} of them leave a gap"
            f" {split.interlacing.figure:.1f} times the mean): what streaks input and target share stays in the volume"
        )
    if split.missing_wedge:
        found.append(f"no projections in a wedge of {split.missing_wedge:.1f} degrees: expect its streaks to remain")
    if scan.pixel_size is None:
        found.append("the file does not tell the pixel size: 1 µm is assumed, set pixel_size")
    return [*found, *scan.doubts]


def _count(groups: Sequence[scans.Frames]) -> str:
    return " + ".join(str(len(group.indices)) for group in groups) or "none"


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
