"""The configuration as a whole: the sections of the stages, scans and models."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from tomodenoise.centering.options import Axis
from tomodenoise.common.options import Name, OneOf, Optional, Options, Text, Unique, Whole
from tomodenoise.config.afterwards import Crate, Notify
from tomodenoise.config.dose import Dose
from tomodenoise.correction.options import Correct
from tomodenoise.denoising.options import Denoise
from tomodenoise.exports.registry import EXPORTS
from tomodenoise.networks.options import Network
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.shelf.options import Shelf
from tomodenoise.splitting.options import Split, SteppedScan
from tomodenoise.training.options import Train

FILTERS = ("median", "tv", "nlm", "paganin")
"""Filters that `compare` may name; every other name there is that of a model."""

PER_SCAN = ("correct", "split", "reconstruct")
"""Sections of which a scan may have keys of its own."""

AFTERWARDS = ("notify", "crate")
"""Keys that change no page of the report."""


class ScanEntry(Axis, SteppedScan):
    """A scan. In a loaded configuration its sections are complete."""

    model: Optional[Name] = Field(
        None, description="Name of the model that denoises this scan. Default: a model of the scan's own name."
    )
    correct: Correct = Field(
        Correct(),
        description="Keys of the section `correct` that differ for this scan; `null` resets a key to its default. A"
        " scan without it follows the section.",
    )
    split: Split = Field(Split(), description="The same for the section `split`.")
    reconstruct: Reconstruct = Field(Reconstruct(), description="The same for the section `reconstruct`.")
    truth: Optional[Text] = Field(
        None,
        description="The true volume, if known, as of a simulation: `.npy` or Zarr, (z, y, x) in attenuation per pixel,"
        " of the shape of the reconstruction; with a leading axis of time steps or channels if the scan has several."
        " Only used for comparison, in `quality.json` and the report.",
    )
    dose: Optional[Dose] = Field(
        None,
        description="Study how much shorter the scan could have been: parts of its dose are processed as scans of their"
        " own, each with a training, and judged by the data left out, see the page on dose; `{}` takes the defaults."
        " Default: none.",
    )


class ModelEntry(Options):
    """Where a model comes from: a file, a training, or both; or a shelf and perhaps a training."""

    file: Optional[Text] = Field(
        None, description="`model.safetensors` of an earlier training. Relative to the working directory."
    )
    shelf: Optional[Text] = Field(
        None,
        description="Folder of models from earlier runs, see [A shelf of models](shelf.md). The one that was trained"
        " under the most alike conditions is used, fine-tuned, or left for a training, whichever the scans call for. In"
        " the place of `file`. Relative to the working directory.",
    )
    scans: Optional[Annotated[Unique[Text], Field(min_length=1)]] = Field(
        None,
        description="Names of the scans to train on. A model that is absent here trains on all scans that name it.",
    )


class Config(Options):
    """The configuration. Only `scans` is required."""

    scans: dict[Name, ScanEntry] = Field(
        json_schema_extra={"minProperties": 1},
        description="The raw files, each under a name of its own: letters, digits, dots, dashes and underscores.",
    )
    models: dict[Name, ModelEntry] = Field(
        default_factory=dict,
        description="Models that are trained on other scans than those that they denoise, or taken from a file. `file`"
        " alone denoises without training, `scans` alone trains, both together continue training from the file. A"
        " model from a file brings its own network, whatever `network` says. `shelf` finds a model.",
    )
    effort: Literal["quick", "standard", "thorough"] = Field(
        "quick",
        description="Defaults of training and denoising together; each key can still be set. `quick` takes minutes on a"
        " laptop. `standard` trains a network of twice the width on 1e9 pixels, in batches of 8 patches of 96 pixels;"
        " `thorough` one of three times the width on 5e9 pixels, in batches of 32, and denoises with `ensemble: 8`."
        " These two are for a graphics card. The word means the same on every machine.",
    )
    correct: Correct = Field(
        Correct(),
        description="From raw frames to line integrals: flats and darks, zingers, phase, −log, dead pixels, air and"
        " stripes, in this order.",
    )
    split: Split = Field(Split(), description="How the projections are divided into sections.")
    reconstruct: Reconstruct = Field(Reconstruct(), description="From sinograms to slices.")
    network: Network = Field(
        Network(),
        description="The network; kept with the model. Each has its own defaults, and refuses keys that it has no use"
        " for.",
    )
    train: Train = Field(
        Train(),
        description="Training of a model. It ends with the first of `pixels`, `iterations`, `minutes` and `patience`; a"
        " finished training continues if these then allow more.",
    )
    shelf: Shelf = Field(
        Shelf(),
        description="Models of earlier runs, see [A shelf of models](shelf.md): where they are filed, and when one is"
        " good enough.",
    )
    denoise: Denoise = Field(Denoise(), description="From the sections to the clean volume.")
    compare: Unique[Text] = Field(
        (),
        description="What else to judge on the same slices, as columns of the report: the filters `median`, `tv`, `nlm`"
        " and `paganin` (the low-pass of phase retrieval), each in slices with the strength that best predicts data it"
        " did not see; and names of models, which are trained if need be.",
    )
    export: Unique[Annotated[str, OneOf(EXPORTS)]] = Field(
        (),
        description="Further forms of the volumes. `tiff` is a file of float32 for each slice, `tiff16` and `tiff8`"
        " whole numbers with the grey window recorded, `hdf5` one file after NeXus, `ozx` the OME-Zarr image in one Zip"
        " archive. `reconstruction` is the noisy volume, as an OME-Zarr image and in the same formats as the clean"
        " one.",
    )
    intermediates: Literal["keep", "delete"] = Field(
        "keep",
        description="What becomes of projections and sections. `delete` removes each slab of them as soon as no job of"
        " the run needs it any more; to train or denoise again makes them again. On the command line: `--config"
        " intermediates=delete`. It changes no result.",
    )
    slab_megabytes: Annotated[int, Whole(ge=1)] = Field(
        1024,
        description="What one job writes at a time, about. Smaller needs less memory and makes more jobs; it changes no"
        " result.",
    )
    crate: Optional[Crate] = Field(
        None,
        description="Describes the results as a research object (RO-Crate), in `results/ro-crate-metadata.json`, see"
        " [Automation](automation.md#ro-crate). `crate: {}` does so without licence and author; without this key there"
        " is none.",
    )
    notify: Notify = Field(
        Notify(),
        description="Commands that run once at the end of a run, with a JSON of what happened on standard input, see"
        " [Automation](automation.md). One that fails is reported in one line, and changes nothing.",
    )

    @property
    def filters(self) -> list[str]:
        """Filters in `compare`."""
        return [name for name in self.compare if name in FILTERS]

    @property
    def rivals(self) -> list[str]:
        """Models in `compare`."""
        return [name for name in self.compare if name not in FILTERS]

    @property
    def used_models(self) -> list[str]:
        """Models that denoise a scan, or that others are compared with, in alphabetical order."""
        return sorted({*map(self.model_of, self.scans), *self.rivals})

    def model_of(self, scan: str) -> str:
        """Return the name of the model that denoises a scan."""
        return self.scans[scan].model or scan

    def trained_on(self, model: str) -> list[str]:
        """List the scans that a model is trained on; none if it is used as it is in its file."""
        return list(self.models[model].scans or ())

    def file_of(self, model: str) -> Path | None:
        """Return the file that a model is taken from, or that its training starts from, if there is one."""
        file = self.models[model].file
        return None if file is None else Path(file)

    def shelf_of(self, model: str) -> Path | None:
        """Return the shelf that a model is looked for on, if there is one."""
        shelf = self.models[model].shelf
        return None if shelf is None else Path(shelf)

    def users(self) -> dict[str, list[str]]:
        """List, for each model, the scans that it is trained on or denoises."""
        scans = {model: dict.fromkeys(self.trained_on(model)) for model in self.used_models}
        for scan in self.scans:
            scans[self.model_of(scan)][scan] = None
        return {model: list(names) for model, names in scans.items()}

    def only(self, scans: Sequence[str]) -> "Config":
        """Keep some scans, with their models and those that they are compared with."""
        some = self.model_copy(update={"scans": {scan: self.scans[scan] for scan in scans}})
        return some.model_copy(update={"models": {name: self.models[name] for name in some.used_models}})

    def for_report(self) -> dict[str, Any]:
        """Return plain values of all that a report may show."""
        return {key: value for key, value in self.as_json().items() if key not in AFTERWARDS}

    def shaping(self, scan: str, keys: Sequence[str] | None = None, sections: Sequence[str] = ()) -> dict[str, Any]:
        """Return what shapes a product of a scan, as plain values.

        Parameters
        ----------
        keys : keys of its entry; None for all.
        sections : sections of the configuration, as this scan has them.
        """
        entry = self.scans[scan].as_json()
        own = {name: entry.pop(name) for name in PER_SCAN}
        picked = {key: value for key, value in entry.items() if keys is None or key in keys}
        chosen = {name: own.get(name) or getattr(self, name).as_json() for name in sections}
        return {"scans": {scan: picked}, **chosen}
