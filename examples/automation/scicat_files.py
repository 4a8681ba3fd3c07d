"""Files for SciCat's ingestor (scingestor, DESY) of each finished scan: scicat_files.py FOLDER COMMON < NOTE.

COMMON is a JSON file with the fields that all datasets of the beamtime share: at least `beamtimeId`, `ownerGroup` and
`accessGroups`, and what the facility asks for, such as `owner`, `contactEmail`, `proposalId`, `creationLocation`.
FOLDER gets NAME.scan.json, NAME.origdatablock.json and NAME.attachment.json, and at last a line in the list of datasets
that the ingestor watches. NAME is that of the scan with `_denoised`. It needs the Python of tomodenoise.
"""

import base64
import json
import stat
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jpeg_sheets import sheet

Values = dict[str, Any]


def dataset(scan: Mapping[str, Any], folder: Path, common: Mapping[str, Any], name: str) -> Values:
    """Describe a volume as a derived dataset of the raw scan."""
    attributes = json.loads((folder / scan["volume"] / "zarr.json").read_text())["attributes"]
    made = time(folder / scan["volume"] / "zarr.json")
    versions = attributes["provenance"]["versions"]
    shared = {key: value for key, value in common.items() if key != "beamtimeId"}
    return shared | {
        "pid": f"{common['beamtimeId']}/{name}",
        "type": "derived",
        "datasetName": name,
        "description": f"Denoised volume of the scan {scan['name']}",
        "sourceFolder": str((folder / scan["volume"]).parent),
        "inputDatasets": [f"{common['beamtimeId']}/{Path(file).stem}" for file in scan["raw"]],
        "usedSoftware": [f"tomodenoise {versions['tomodenoise']}"],
        "creationTime": made,
        "endTime": made,
        "isPublished": False,
        "keywords": ["tomography", "denoised"],
        "scientificMetadata": {
            "center": scan["center"],
            "warnings": scan["warnings"],
            "revision": attributes["provenance"]["revision"],
            "versions": versions,
            "config": attributes["provenance"]["config"],
        },
    }


def datablock(scan: Mapping[str, Any], folder: Path, common: Mapping[str, Any], pid: str) -> Values:
    """List the files of a volume, with paths relative to `sourceFolder`."""
    volume = folder / scan["volume"]
    files = [described(file, volume.parent) for file in sorted(volume.rglob("*")) if file.is_file()]
    groups = {key: common[key] for key in ("ownerGroup", "accessGroups")}
    return groups | {"datasetId": pid, "size": sum(file["size"] for file in files), "dataFileList": files}


def described(file: Path, source: Path) -> Values:
    """Describe a file of a datablock."""
    facts = file.stat()
    path = file.relative_to(source).as_posix()
    owner = {"uid": str(facts.st_uid), "gid": str(facts.st_gid), "perm": stat.filemode(facts.st_mode)}
    return {"path": path, "size": facts.st_size, "time": time(file), **owner}


def attachment(scan: Mapping[str, Any], folder: Path, common: Mapping[str, Any], pid: str) -> Values:
    """Show some slices."""
    picture = base64.b64encode(sheet(folder / scan["volume"])).decode()
    groups = {key: common[key] for key in ("ownerGroup", "accessGroups")}
    return groups | {"datasetId": pid, "caption": "Slices", "thumbnail": f"data:image/jpeg;base64,{picture}"}


def time(file: Path) -> str:
    """Return when a file was written, as SciCat takes it."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="milliseconds")


def write(file: Path, values: Values) -> None:
    """Write a file that is whole or absent."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps(values, indent=1))
    partial.replace(file)


def main(target: Path, common: Mapping[str, Any]) -> None:
    """Write the files of each scan, then its line in the list."""
    note = json.load(sys.stdin)
    folder = Path(note["folder"])
    target.mkdir(parents=True, exist_ok=True)
    listed = target / f"scicat-datasets-{common['beamtimeId']}.lst"
    for scan in note["scans"]:
        if scan["state"] != "done" or not scan["volume"]:
            continue
        name = f"{scan['name']}_denoised"
        block = datablock(scan, folder, common, f"{common['beamtimeId']}/{name}")
        write(target / f"{name}.origdatablock.json", block)
        write(target / f"{name}.attachment.json", attachment(scan, folder, common, block["datasetId"]))
        write(target / f"{name}.scan.json", dataset(scan, folder, common, name))
        if name not in (listed.read_text().splitlines() if listed.exists() else []):
            with listed.open("a") as stream:
                stream.write(f"{name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
