"""Virtual scans of dose studies in a loaded configuration, which are scans like others to the stages of a run."""

from tomodenoise.config.model import Config, ModelEntry, ScanEntry
from tomodenoise.scans.thinning import Thinning


class ThinnedEntry(ScanEntry):
    """A virtual scan: the entry of the scan that it is a part of, with a model of its own."""

    origin: str
    """Name of that scan."""
    thinning: Thinning


def name(scan: str, thinning: Thinning) -> str:
    """Return the name of a virtual scan: its products are in a folder within those of the scan."""
    return f"{scan}/dose/{thinning.fraction:g}"


def add(config: Config) -> Config:
    """Add a virtual scan for each fraction of each dose study, and a model that is trained on it alone."""
    virtual = {
        name(scan, thinning): _thinned(scan, entry, thinning)
        for scan, entry in config.scans.items()
        if entry.dose
        for thinning in entry.dose.thinnings
    }
    models = {scan: ModelEntry(scans=(scan,)) for scan in virtual}
    return config.model_copy(update={"scans": config.scans | virtual, "models": config.models | models})


def remove(config: Config) -> Config:
    """Undo `add`."""
    virtual = [scan for scan, entry in config.scans.items() if isinstance(entry, ThinnedEntry)]
    kept = {
        key: {n: part for n, part in getattr(config, key).items() if n not in virtual} for key in ("scans", "models")
    }
    return config.model_copy(update=kept)


def _thinned(scan: str, entry: ScanEntry, thinning: Thinning) -> ThinnedEntry:
    own = {key: value for key, value in entry if value is not None and key not in {"dose", "model", "truth"}}
    return ThinnedEntry(**own, origin=scan, thinning=thinning)
