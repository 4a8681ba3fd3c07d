"""Keys of a scan in the configuration that say what its raw files hold."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tomodenoise.common.options import Number, Optional, Options, Range, Some, Text


class ChannelNames(Options):
    """Path, name and unit of the values of the channels."""

    values: Optional[Text] = Field(
        None, description="Path of a dataset with one number per channel. Default: channels are counted."
    )
    name: Optional[Text] = Field(
        None, description="Such as 2theta, q or energy. Default: the name of the dataset `values`."
    )
    unit: Optional[str] = Field(None, description="Default: the attribute `units` of the dataset `values`.")


class Exclude(Options):
    """Frames to leave out, by kind; `excluding.exclude` checks the numbers against the scan."""

    projections: Optional[tuple[Any, ...]] = Field(
        None, description="Projections to leave out. In a series the borders between time steps stay where they are."
    )
    flats: Optional[tuple[Any, ...]] = Field(None, description="Flats to leave out.")
    darks: Optional[tuple[Any, ...]] = Field(None, description="Darks to leave out; all of them may be left out.")


class FramesFile(Options):
    """Flats or darks in a separate file."""

    file: Text | Some[Text] = Field(
        description="HDF5 file with the frames, or TIFF files as for the scan. A list of two names frames taken before"
        " and after the projections."
    )
    dataset: Optional[Text] = Field(
        None,
        description="Path of the frames in the file: a stack, a single frame (such as a mean), or a group of numbered"
        " frames. Default: recognised by content - Data Exchange, NXtomo, the reduced frames of tomoscan, or the only"
        " dataset with frames of the right size.",
    )


class AngleRange(Options):
    """Evenly spaced angles."""

    first: Annotated[float, Number()] = Field(0, description="Angle of the first projection.")
    last: Optional[Annotated[float, Number()]] = Field(
        None, description="Angle of the last projection: 179.9, not 180, for 1800 over half a turn."
    )
    step: Optional[Annotated[float, Number()]] = Field(
        None, description="Angle from one projection to the next; give either this or `last`."
    )


class RawScan(Options):
    """Raw files, and how to read them."""

    file: Text | Some[Text] = Field(
        description="HDF5 file: Data Exchange or NXtomo, recognised by its content, or sinograms with `mode: xrdct`."
        " Or TIFF files of projections: a pattern such as `raw/proj_*.tif`, a folder, or a multi-page file. Relative"
        " to the working directory. A dynamic scan may have one HDF5 file per step: a list, or a pattern such as"
        " `raw/step_*.h5`, whose files are sorted in natural order."
    )
    mode: Literal["static", "dynamic", "xrdct"] = Field(
        "static",
        description="Kind of scan, which decides how sections are formed. `static`: the object does not change during"
        " the scan. `dynamic`: it does, and each time step becomes a volume. `xrdct`: many channels, as in"
        " diffraction, spectral or fluorescence tomography, with sinograms that need neither flats nor −log.",
    )
    dataset: Optional[Text] = Field(
        None,
        description="For `xrdct`: path of the sinograms in the file, such as `/entry/sinograms`. Default: the one"
        " dataset whose attributes `dim0`, `dim1` … name its axes.",
    )
    axes: Optional[Text] = Field(
        None,
        description="For `xrdct`: one letter per axis of the dataset, in order - `z` slice, `c` channel, `a` angle,"
        " `t` translation - such as `zcat`. Without `z` there is one slice, without `c` one channel. Default: as named"
        " by the attributes of the dataset.",
    )
    angles: Optional[Text | AngleRange] = Field(
        None,
        description="For TIFF files: a text file with the angle of each projection, or `{first: 0, last: 179.9}`. For"
        " `xrdct`: path of the angles in the file. Default: `rotation_angle` in the group of the sinograms.",
    )
    angle_unit: Optional[Literal["degrees", "radians"]] = Field(
        None,
        description="Unit of the angles. Default for TIFF files: degrees. Default for `xrdct`: their attribute"
        " `units`; without it, a span of up to one turn in radians is taken as radians and one of 30 or more as"
        " degrees, with a warning.",
    )
    channels: Optional[ChannelNames] = Field(
        None,
        description="For `xrdct`: meaning of the channels, for labels in the image and the report: `{values:"
        " /entry/tth, name: 2theta, unit: deg}`.",
    )
    pixel_size: Optional[Annotated[float, Number(gt=0)]] = Field(
        None,
        description="Pixel size at the sample, in micrometres. Default: from the file; without one the volume has no"
        " unit and you get a warning.",
    )
    rows: Optional[Range] = Field(
        None, description="Detector rows to use, [start, stop), as in a Python slice. Default: all rows."
    )
    flats: Optional[FramesFile] = Field(
        None,
        description="Flats in a separate file: `{file: raw/flats.h5, dataset: /entry/data}`. They replace those in the"
        " scan's file.",
    )
    darks: Optional[FramesFile] = Field(None, description="The same for darks.")
    entry: Optional[Text] = Field(
        None,
        description="Group of the file that holds this scan, if there are several, such as `entry_2` or"
        " `entry/instrument/camera_2`. Default: the one named by the file's attribute `default`, otherwise the first"
        " by name, with a warning that lists the others.",
    )
    exclude: Optional[Exclude] = Field(
        None,
        description="Frames to leave out, by number or as a range [start, stop): `{projections: [[60, 70]], flats: [0],"
        " darks: [3, [5, 7]]}`. Each kind counts from 0 in the order of acquisition, over all files; the angles of"
        " excluded projections become a gap.",
    )
