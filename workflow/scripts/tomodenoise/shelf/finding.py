"""Search of a shelf for the model that was trained under the most similar conditions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tomodenoise.common.errors import UserError
from tomodenoise.networks import model_file
from tomodenoise.networks.model_file import Description
from tomodenoise.networks.specs import Spec
from tomodenoise.shelf import likeness
from tomodenoise.shelf.likeness import Conditions, Likeness

MODEL = "model.safetensors"
"""File of a model on a shelf, each in a folder of its own."""

PARTIAL = ".partial"
"""End of the name of a folder that is still being written."""


@dataclass(frozen=True)
class Candidate:
    """A model of a shelf, compared with the scans."""

    model: Description
    likeness: Likeness
    refused: str = ""
    """Reason why it is not tried; empty if it may be."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.model.file.parent.name

    def as_json(self) -> dict[str, Any]:
        """Return plain values for the provenance of a model."""
        distance = self.likeness.distance
        return {
            "fingerprint": self.model.fingerprint,
            "distance": None if distance is None else round(distance, 4),
            "refused": self.refused,
        }


@dataclass(frozen=True)
class Search:
    """Result of a search."""

    candidates: tuple[Candidate, ...]
    """All readable models, the most similar first; those that are not tried last."""
    doubts: tuple[str, ...]
    """Reasons why the shelf, or some of its files, cannot be used."""

    @property
    def tried(self) -> list[Candidate]:
        """Models that may be tried, the most similar first."""
        return [candidate for candidate in self.candidates if not candidate.refused]

    def without(self, candidate: Candidate, doubt: str) -> "Search":
        """Leave out a model that cannot be read after all."""
        return Search(tuple(each for each in self.candidates if each is not candidate), (*self.doubts, doubt))

    def lines(self) -> list[str]:
        """Describe the search for the log: a line for each model, and the table of the most similar one."""
        listed = [f"{each.name}: {each.refused or _distance(each)}" for each in self.candidates]
        best = self.tried[:1]
        return [
            *listed,
            *(line for each in best for line in (f"most similar: {each.name}", *likeness.table(each.likeness))),
        ]


def search(folder: Path, here: Conditions, spec: Spec, factor: float) -> Search:
    """Compare all models of a shelf with the conditions of some scans.

    Parameters
    ----------
    spec : network that a model has to have.
    factor : largest factor between conditions, see the key `shelf.factor`.
    """
    files, doubts = _files(folder)
    candidates: list[Candidate] = []
    for file in files:
        try:
            candidates.append(_candidate(model_file.describe(file), here, spec, factor))
        except (OSError, UserError) as error:
            doubts.append(f"skipped: {error}")
        except (AttributeError, KeyError, TypeError):
            doubts.append(f"skipped: {file}: its conditions cannot be read: train the model again")
    if not candidates and not doubts:
        doubts.append(f"the shelf {folder} holds no model (NAME/{MODEL}): file one with the target shelve")
    return Search(tuple(sorted(candidates, key=_order)), tuple(doubts))


def _files(folder: Path) -> tuple[list[Path], list[str]]:
    """List the models of a folder by name, or say why it cannot be read."""
    try:
        if not folder.is_dir():
            text = f"there is no shelf {folder} yet: file a model there with the target shelve, or correct the path"
            return [], [text]
        next(folder.iterdir(), None)  # glob is silent about a folder that must not be read
        return sorted(file for file in folder.glob(f"*/{MODEL}") if not file.parent.name.endswith(PARTIAL)), []
    except OSError as error:
        return [], [f"the shelf {folder} cannot be read: {error.strerror or error}"]


def _candidate(model: Description, here: Conditions, spec: Spec, factor: float) -> Candidate:
    alike = likeness.compare(here, likeness.of_model(model))
    if model.spec != spec:
        return Candidate(model, alike, f"different network: {_difference(model.spec, spec)}")
    if alike.distance is None:
        return Candidate(model, alike, "no condition is known for both")
    far = alike.too_far(factor)
    return Candidate(model, alike, f"too far: {'; '.join(far)}" if far else "")


def _difference(there: Spec, here: Spec) -> str:
    wanted: Mapping[str, Any] = asdict(here)
    return ", ".join(
        f"{key} {value}, here {wanted[key]}" for key, value in asdict(there).items() if value != wanted[key]
    )


def _order(candidate: Candidate) -> tuple[bool, float, int, str]:
    """Sort by distance, then by the number of known conditions, then by name, so that the choice is unique."""
    distance = candidate.likeness.distance
    return bool(candidate.refused), 0.0 if distance is None else distance, -candidate.likeness.known, candidate.name


def _distance(candidate: Candidate) -> str:
    return f"distance {candidate.likeness.distance:.3f}, from {candidate.likeness.known} conditions"
