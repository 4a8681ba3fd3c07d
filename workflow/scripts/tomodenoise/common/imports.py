"""Import what a registry names, so that its table costs no import of torch or of an engine."""

from importlib import import_module
from typing import Any


def load(place: str) -> Any:  # noqa: ANN401 - anything that a module defines
    """Import an object from where ``package.module:name`` says."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
