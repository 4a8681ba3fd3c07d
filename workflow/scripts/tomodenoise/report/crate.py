"""The results as a research object: `ro-crate-metadata.json` after RO-Crate 1.1 and its profile Process Run Crate 0.5.

It names raw files, products, configuration, software and the actions that link them. Whoever opens the
folder of the results with a tool for RO-Crates, or uploads it to a repository, sees what is what.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity, DataEntity
from rocrate.rocrate import ROCrate

from tomodenoise.config.afterwards import Crate
from tomodenoise.config.model import Config
from tomodenoise.networks import model_file
from tomodenoise.report import collect
from tomodenoise.scans import tiff
from tomodenoise.storage import zarr_arrays

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TYPES = {
    ".h5": "application/x-hdf5",
    ".html": "text/html",
    ".json": "application/json",
    ".ozx": "application/zip",
    ".png": "image/png",
    ".safetensors": "application/octet-stream",
}
"""Media types by the ending of a name; raw files are TIFF or HDF5 by their content."""

PRODUCTS = {
    "scan.json": "what the raw file holds",
    "center.json": "rotation axis",
    "center.png": "picture to check the rotation axis",
    "split.json": "division of the projections into sections",
    "quality.json": "quality figures",
    "report.html": "report",
}
"""Small files in the folder of a scan, in words."""

SOFTWARE = "tomodenoise"


def describe(config: Config, results: Path, exports: Iterable[str]) -> dict[str, Any]:
    """Describe finished results.

    Parameters
    ----------
    config : its section `crate` may be missing.
    results : folder of the results, relative to the working directory.
    exports : the last file of each export.

    Returns
    -------
    The content of `ro-crate-metadata.json` in the folder of the results. Its date is that of the latest volume.

    Raises
    ------
    UserError
        If a product is damaged.
    """
    crate = ROCrate(version="1.1")
    images = {scan: results / scan / "denoised.ome.zarr" for scan in sorted(config.scans)}
    provenance = {scan: collect.checked(image, zarr_arrays.attributes)["provenance"] for scan, image in images.items()}
    _root(crate, config, max(_date(image / "zarr.json") for image in images.values()))
    _software(crate, next(iter(provenance.values())))
    settings = _file(crate, results, results / "config.json", "complete configuration")
    _file(crate, results, results / "report.html", "report of all scans")
    raw = {scan: _raw(crate, scan, facts["source"]) for scan, facts in provenance.items()}
    models = {name: _model(crate, config, results, name) for name in config.used_models}
    for name in filter(config.trained_on, config.used_models):
        used = [*(raw[scan] for scan in config.trained_on(name)), settings]
        end = _date(results / models[name].id)
        _action(crate, f"train-{name}", _origin(results / models[name].id, name), used, [models[name]], end)
    for scan, image in images.items():
        used = [raw[scan], models[config.model_of(scan)], settings]
        made = list(_products(crate, results, image, exports))
        end = _date(image / "zarr.json")
        _action(crate, f"denoise-{scan}", f"Reconstruction and denoising of {scan}", used, made, end)
    content: dict[str, Any] = crate.metadata.generate()
    return content


def _root(crate: ROCrate, config: Config, date: str) -> None:
    asked = config.crate or Crate()
    scans = ", ".join(sorted(config.scans))
    crate.name = asked.name or f"Denoised tomograms: {scans}"
    crate.description = f"Volumes reconstructed and denoised by {SOFTWARE} from the raw scans {scans}."
    crate.datePublished = date
    profile = {"@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.5"}
    crate.root_dataset["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, profile))
    if asked.license:
        stated = {"@type": "CreativeWork", "name": asked.license, "description": "Licence of the results."}
        crate.license = crate.add(ContextEntity(crate, asked.license, stated))
    if asked.authors:
        crate.root_dataset["author"] = [
            crate.add(ContextEntity(crate, author.orcid or f"#author-{n}", {"@type": "Person", "name": author.name}))
            for n, author in enumerate(asked.authors, 1)
        ]


def _software(crate: ROCrate, provenance: Mapping[str, Any]) -> ContextEntity:
    versions = dict(provenance["versions"])
    own = versions.pop(SOFTWARE)
    revision = f" ({provenance['revision']})" if provenance["revision"] else ""
    required = [
        _program(crate, address, {"name": name, "version": version, "url": address})
        for name, version in versions.items()
        if (address := f"https://pypi.org/project/{name}/{version.partition('+')[0]}/")
    ]
    known = {"name": SOFTWARE, "version": f"{own}{revision}", "softwareRequirements": required}
    return _program(crate, f"#{SOFTWARE}", known)


def _program(crate: ROCrate, name: str, properties: Mapping[str, Any]) -> ContextEntity:
    return crate.add(ContextEntity(crate, name, {"@type": "SoftwareApplication", **properties}))


def _raw(crate: ROCrate, scan: str, source: Mapping[str, Any]) -> DataEntity:
    """Add the raw files of a scan with their fingerprint; several files as a collection, which has the fingerprint."""
    value = {"@type": "PropertyValue", "propertyID": "fingerprint", "value": source["fingerprint"]}
    value["name"] = "SHA-256 of the sizes of the raw files and of samples of their content"
    known = {"identifier": crate.add(ContextEntity(crate, f"#fingerprint-{scan}", value))}
    entities = [
        _external(crate, file, f"raw scan {scan}", "image/tiff" if tiff.is_tiff(file) else TYPES[".h5"])
        for file in map(Path, source["files"])
    ]
    if len(entities) > 1:
        members = {"@type": "Collection", "name": f"raw files of {scan}", "hasPart": entities, **known}
        entities = [crate.add(ContextEntity(crate, f"#raw-{scan}", members))]
        crate.root_dataset.append_to("mentions", entities[0])
    for name, entity in known.items():
        entities[0][name] = entity
    return entities[0]


def _products(crate: ROCrate, results: Path, image: Path, exports: Iterable[str]) -> Iterator[DataEntity]:
    """Add the products of a scan; an export is a single file, or a folder that its description completes."""
    folder = image.parent
    yield _folder(crate, results, image, f"denoised volume of {folder.name}, OME-Zarr 0.5")
    for last in (Path(file) for file in exports if Path(file).is_relative_to(folder)):
        is_folder = last.name in {"volume.json", "zarr.json"}
        export = last.parent if is_folder else last
        yield (_folder if is_folder else _file)(crate, results, export, f"{export.name} of {folder.name}")
    for name, words in PRODUCTS.items():
        if (folder / name).exists():
            yield _file(crate, results, folder / name, f"{words} of {folder.name}")


def _model(crate: ROCrate, config: Config, results: Path, name: str) -> DataEntity:
    file = config.file_of(name)
    own = results / "models" / name / "model.safetensors"
    if file is None or config.trained_on(name):
        return _file(crate, results, own, f"model {name}")
    entity = _external(crate, file, f"model {name}", TYPES[".safetensors"])
    value = {"@type": "PropertyValue", "propertyID": "fingerprint", "value": model_file.describe(file).fingerprint}
    entity["identifier"] = crate.add(ContextEntity(crate, f"#fingerprint-model-{name}", value))
    return entity


def _origin(file: Path, name: str) -> str:
    """Describe the origin of a model: a training, or the choice of one from a shelf."""
    shelf = model_file.describe(file).facts.get("shelf", {})
    used = shelf.get("course") == "used"
    return f"Choice of {shelf['taken']} from a shelf as the model {name}" if used else f"Training of the model {name}"


def _action(crate: ROCrate, name: str, words: str, used: list[Any], made: list[Any], end: str) -> None:
    """Add the action that made some entities from others."""
    properties = {
        "@type": "CreateAction",
        "name": name,
        "description": words,
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "endTime": end,
        "instrument": {"@id": f"#{SOFTWARE}"},
        "object": used,
        "result": made[0] if len(made) == 1 else made,
    }
    crate.root_dataset.append_to("mentions", crate.add(ContextEntity(crate, f"#{name}", properties)))


def _file(crate: ROCrate, results: Path, path: Path, words: str) -> DataEntity:
    properties = {"@type": "File", "name": path.name, "description": words, "contentSize": str(path.stat().st_size)}
    properties["encodingFormat"] = TYPES[path.suffix]
    return crate.add(DataEntity(crate, path.relative_to(results).as_posix(), properties))


def _folder(crate: ROCrate, results: Path, path: Path, words: str) -> DataEntity:
    properties = {"@type": "Dataset", "name": path.name, "description": words}
    return crate.add(DataEntity(crate, f"{path.relative_to(results).as_posix()}/", properties))


def _external(crate: ROCrate, path: Path, words: str, kind: str) -> DataEntity:
    properties = {"@type": "File", "name": path.name, "description": words, "encodingFormat": kind}
    if path.exists():
        properties["contentSize"] = str(path.stat().st_size)
    return crate.add(DataEntity(crate, path.absolute().as_uri(), properties))


def _date(path: Path) -> str:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).isoformat()


def to_text(content: Mapping[str, Any]) -> str:
    """Return the text of a JSON file."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
