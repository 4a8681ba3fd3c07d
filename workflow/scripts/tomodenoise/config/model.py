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
"""Sections whose keys a scan may override."""

AFTERWARDS = ("notify", "crate")
"""Keys that do not affect the report."""


class ScanEntry(Axis, SteppedScan):
    """A scan. In a loaded configuration its sections are complete."""

    model: Optional[Name] = Field(
        None, description="Name of the model that denoises this scan. Default: a model with the name of the scan."
    )
    correct: Correct = Field(
        Correct(),
        description="Keys of the section `correct` that differ for this scan; `null` resets a key to its default."
        " Without it, the scan uses the section as it is.",
    )
    split: Split = Field(Split(), description="The same for the section `split`.")
    reconstruct: Reconstruct = Field(Reconstruct(), description="The same for the section `reconstruct`.")
    truth: Optional[Text] = Field(
        None,
        description="The true volume, if known, for example of a simulation: `.npy` or Zarr, (z, y, x) in attenuation"
        " per pixel, with the shape of the reconstruction, and a leading axis of time steps or channels if the scan"
        " has several. Only used for comparison, in `quality.json` and the report.",
    )
    dose: Optional[Dose] = Field(
        None,
        description="Study how much shorter the scan could have been: parts of its dose are processed as separate"
        " scans, each with its own training, and judged by the data left out; see [Dose](dose.md). `{}` takes the"
        " defaults. Default: none.",
    )


class ModelEntry(Options):
    """Where a model comes from: a file, a training, or both; or a shelf and perhaps a training."""

    file: Optional[Text] = Field(
        None, description="`model.safetensors` of an earlier training. Relative to the working directory."
    )
    shelf: Optional[Text] = Field(
        None,
        description="Folder of models from earlier runs, instead of `file`; see [A shelf of models](shelf.md). The"
        " model trained under the most similar conditions is used as it is, fine-tuned, or replaced by a new training,"
        " depending on how well it denoises the scans. Relative to the working directory.",
    )
    scans: Optional[Annotated[Unique[Text], Field(min_length=1)]] = Field(
        None,
        description="Names of the scans to train on. A model that is not listed under `models` trains on all scans"
        " that name it.",
    )


class Config(Options):
    """The configuration. Only `scans` is required."""

    scans: dict[Name, ScanEntry] = Field(
        json_schema_extra={"minProperties": 1},
        description="The raw files, each under a name of its own: letters, digits, dots, dashes and underscores.",
    )
    models: dict[Name, ModelEntry] = Field(
        default_factory=dict,
        description="Models that are trained on other scans than those they denoise, or taken from a file. With `file`"
        " alone, the model denoises without training; with `scans` alone, it is trained; with both, training continues"
        " from the file. A model from a file brings its own network, whatever `network` says. `shelf` finds a model.",
    )
    effort: Literal["quick", "standard", "thorough"] = Field(
        "quick",
        description="Defaults of training and denoising together; you can still set each key. `quick` takes minutes on"
        " a laptop. `standard` trains a network of twice the width on 1e9 pixels, in batches of 8 patches of 96"
        " pixels; `thorough` trains one of three times the width on 5e9 pixels, in batches of 32, and denoises with"
        " `ensemble: 8`. These two are for a GPU. An effort means the same on every machine.",
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
        description="The network, which is stored with the model. Each network has its own defaults and accepts only"
        " the keys that it uses.",
    )
    train: Train = Field(
        Train(),
        description="Training of a model. It stops at whichever of `pixels`, `iterations`, `minutes` and `patience` is"
        " reached first; a finished training continues if you raise them.",
    )
    shelf: Shelf = Field(
        Shelf(),
        description="Models of earlier runs: where they are stored, and when one is good enough; see [A shelf of"
        " models](shelf.md).",
    )
    denoise: Denoise = Field(Denoise(), description="From the sections to the denoised volume.")
    compare: Unique[Text] = Field(
        (),
        description="Other methods to judge on the same slices, as columns of the report: the filters `median`, `tv`,"
        " `nlm` and `paganin` (the low-pass filter of phase retrieval), applied slice by slice with the strength that"
        " best predicts unseen data; and names of models, which are trained if necessary.",
    )
    export: Unique[Annotated[str, OneOf(EXPORTS)]] = Field(
        (),
        description="Other formats of the volumes. `tiff` is a float32 file for each slice, `tiff16` and `tiff8` are"
        " integers with the grey window recorded, `hdf5` is one NeXus file, `ozx` is the OME-Zarr image in one Zip"
        " archive. `reconstruction` exports the noisy volume, as an OME-Zarr image and in the same formats as the"
        " denoised one.",
    )
    intermediates: Literal["keep", "delete"] = Field(
        "keep",
        description="What happens to projections and sections. `delete` deletes each slab of them as soon as no job of"
        " the run needs it; training or denoising again then remakes them. On the command line: `--config"
        " intermediates=delete`. The results do not change.",
    )
    slab_megabytes: Annotated[int, Whole(ge=1)] = Field(
        1024,
        description="Approximate size of what one job writes, in megabytes. Smaller values need less memory and make"
        " more jobs; the results do not change.",
    )
    crate: Optional[Crate] = Field(
        None,
        description="Describes the results as a research object (RO-Crate), in `results/ro-crate-metadata.json`; see"
        " [Automation](automation.md#ro-crate). `crate: {}` leaves out licence and authors. Without this key there is"
        " no crate.",
    )
    notify: Notify = Field(
        Notify(),
        description="Commands that run once at the end of a run, with a JSON summary of the run on standard input; see"
        " [Automation](automation.md). If a command fails, one line reports it, and nothing else changes.",
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
