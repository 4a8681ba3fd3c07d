"""Filing of a model on a shelf: one folder with model and card, complete or absent."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.networks import model_file
from tomodenoise.networks.model_file import Description
from tomodenoise.shelf import card
from tomodenoise.shelf.finding import MODEL, PARTIAL

DIGITS = 12
"""Of the fingerprint, in the name of a folder."""


def place(model: Description, name: str) -> str:
    """Return the name of a model's folder on a shelf: the content of the file decides it."""
    return f"{name.replace('/', '-')}-{model.fingerprint[:DIGITS]}"


def put(
    file: Path,
    shelf: Path,
    name: str,
    factor: float,
    verdicts: Sequence[str],
    pair: tuple[FloatArray, FloatArray] | None,
) -> dict[str, Any]:
    """File a model, unless it is there already or came from a shelf unchanged.

    Parameters
    ----------
    file : the model.
    name : of the model in its run.
    factor : the key `shelf.factor`.
    verdicts : on its scan, in words.
    pair : a slice (y, x) before and after denoising, if there is one.

    Returns
    -------
    `shelf`, `name` of the folder, and `filed`, what happened in words.

    Raises
    ------
    UserError
        If the shelf cannot be written.
    """
    model = model_file.describe(file)
    shelved = model.facts.get("shelf", {})
    if shelved.get("course") == "used":
        return {"shelf": str(shelf), "name": shelved["taken"], "filed": "it came from a shelf unchanged"}
    folder = shelf / place(model, name)
    try:
        if folder.exists():
            return {"shelf": str(shelf), "name": folder.name, "filed": "it was there already"}
        _write(file, folder, card.text(model, folder.name, factor, verdicts, picture=pair is not None), pair)
    except OSError as error:
        raise UserError(
            f"shelf.to: {shelf} cannot be written: {error.strerror or error}: name a folder that is yours"
        ) from error
    return {"shelf": str(shelf), "name": folder.name, "filed": "now"}


def _write(file: Path, folder: Path, text: str, pair: tuple[FloatArray, FloatArray] | None) -> None:
    """Write a folder under another name, and rename it once it is complete."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}{PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        shutil.copyfile(file, partial / MODEL)
        (partial / card.README).write_text(text, encoding="utf-8")
        if pair is not None:
            (partial / card.PICTURE).write_bytes(card.picture(*pair))
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.exists():  # else another run has filed the same content meanwhile
            raise
