"""Levels of effort: one word that stands for several defaults."""

from collections.abc import Mapping
from typing import Any

from tomodenoise.networks.registry import NETWORKS

WIDER = {"quick": 1, "standard": 2, "thorough": 3}
"""Factor on the default width of the network."""

KEYS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "quick": {},
    "standard": {"train": {"pixels": 1.0e9, "batch": 8, "patch": 96}},
    "thorough": {"train": {"pixels": 5.0e9, "batch": 32, "patch": 96}, "denoise": {"ensemble": 8}},
}
"""Defaults that differ from those of the sections."""

FLAT = ("batch", "patch")
"""Keys for networks that see slices: a batch of cubes is large enough as it is."""


def apply(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Add the defaults of `effort` to a configuration that was read; its own keys prevail.

    The same word gives the same settings on every machine. Values that are not valid are left to the check that
    follows.
    """
    level = raw.get("effort", "quick")
    own = raw.get("network") or {}
    name = own.get("name", "unet") if isinstance(own, Mapping) else None
    if not isinstance(level, str) or level not in KEYS or not isinstance(name, str) or name not in NETWORKS:
        return dict(raw)
    network = NETWORKS[name]
    sections = {**KEYS[level], "network": {"width": network.width * WIDER[level]} if WIDER[level] > 1 else {}}
    flat = own.get("dimensions", network.dimensions[0]) == 2
    completed = dict(raw)
    for section, keys in sections.items():
        defaults = {key: value for key, value in keys.items() if flat or key not in FLAT}
        given = raw.get(section, {})
        if defaults and isinstance(given, Mapping):
            completed[section] = {**defaults, **given}
    return completed
