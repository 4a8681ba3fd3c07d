"""Write a scan with a tool of another community, in that tool's own environment: foreign.py TOOL FRAMES.npz FOLDER."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

JAR = Path("/usr/share/java/ij.jar")
"""ImageJ, as Debian packs it."""

Arrays = Mapping[str, np.ndarray]


def nxxrdct(made: Arrays, folder: Path) -> None:
    """Write the file that the README of ESRF's nxxrdct shows."""
    import pint
    from nxxrdct import NXxrdct

    unit = pint.get_application_registry()
    scan = NXxrdct()
    scan.title = "Demo XRD-CT"
    scan.beam.incident_energy = 60 * unit.keV
    scan.sample.name = "sample-01"
    scan.sample.translation_values = made["translation"] * unit.mm
    scan.sample.rotation_angles = made["theta"] * unit.degree
    scan.instrument.detector.radial_axis = made["radial"] * unit.degree
    scan.instrument.detector.radial_axis_long_name = "2theta"
    scan.instrument.detector.data = made["sinograms"]
    scan.instrument.detector.count_time = 0.1 * unit.second
    scan.save(str(folder / "scan.nxs"), data_path="entry")


def tomoscan(made: Arrays, folder: Path) -> None:
    """Write an NXtomo file with ESRF's nxtomo, and next to it the means of flats and darks with tomoscan."""
    import pint
    from nxtomo.application.nxtomo import NXtomo
    from nxtomo.nxobject.nxdetector import ImageKey
    from tomoscan.esrf.scan.nxtomoscan import NXtomoScan

    unit = pint.get_application_registry()
    scan = NXtomo()
    scan.instrument.detector.data = made["frames"]
    scan.instrument.detector.image_key_control = [ImageKey(key) for key in made["keys"].tolist()]
    scan.instrument.detector.x_pixel_size = scan.instrument.detector.y_pixel_size = 6.5e-7 * unit.meter
    scan.sample.rotation_angle = made["theta"] * unit.degree
    scan.save(str(folder / "scan.nx"), data_path="entry0000")
    opened = NXtomoScan(str(folder / "scan.nx"), "entry0000")
    flats, of_flats = opened.compute_reduced_flats(reduced_method="mean", return_info=True)
    darks, of_darks = opened.compute_reduced_darks(reduced_method="mean", return_info=True)
    opened.save_reduced_flats(flats, flats_infos=of_flats)
    opened.save_reduced_darks(darks, darks_infos=of_darks)


def imagej(made: Arrays, folder: Path) -> None:
    """Save with ImageJ: projections as a file each and as a hyperstack over time, flats and darks as stacks."""
    import jpype
    import jpype.imports

    jpype.startJVM("-Djava.awt.headless=true", classpath=[str(JAR)])
    from ij import ImagePlus, ImageStack
    from ij.io import FileSaver
    from ij.process import ShortProcessor

    def image(name: str) -> ImagePlus:
        depth, height, width = made[name].shape
        stack = ImageStack(width, height)
        for frame in made[name]:
            pixels = jpype.JArray(jpype.JShort)(frame.astype(np.int16).ravel().tolist())
            stack.addSlice("view", ShortProcessor(width, height, pixels, None))
        found = ImagePlus(name, stack)
        found.setDimensions(1, 1, depth)
        return found

    for name in ("data", "data_white", "data_dark"):
        whole = image(name)
        for number in range(whole.getStackSize()):
            one = ImagePlus(name, whole.getStack().getProcessor(number + 1))
            FileSaver(one).saveAsTiff(str(folder / f"{name}_{number:04}.tif"))
        whole.setOpenAsHyperStack(True)
        FileSaver(whole).saveAsTiffStack(str(folder / f"{name}.tif"))


TOOLS: dict[str, Callable[[Arrays, Path], None]] = {"nxxrdct": nxxrdct, "tomoscan": tomoscan, "imagej": imagej}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](np.load(sys.argv[2]), Path(sys.argv[3]))
