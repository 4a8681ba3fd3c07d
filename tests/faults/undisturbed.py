"""A small project that ran undisturbed, to break copies of it."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from projects import Project

TIMED = {"history.jsonl", "checkpoint.pt", "report.html", "quality.json"}
"""Products that contain times."""


@dataclass(frozen=True)
class Undisturbed:
    """The finished project, and the digests of its products."""

    project: Project
    digests: dict[str, str]


def digests(project: Project) -> dict[str, str]:
    """SHA-256 of the raw file and of every product that is the same in each run."""
    files = [*project.folder.glob("results/**/*"), *project.folder.glob("*.h5")]
    kept = (file for file in sorted(files) if file.is_file() and file.name not in TIMED)
    return {str(file.relative_to(project.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}


def copied(undisturbed: Undisturbed, folder: Path) -> Project:
    """Copy the finished project with its times."""
    shutil.copytree(undisturbed.project.folder, folder, symlinks=True, dirs_exist_ok=True)
    return Project(folder)
