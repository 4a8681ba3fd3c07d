"""Raw scans: recognise the layout of an HDF5 file by its content, and read rows of its frames."""

from tomodenoise.scans.excluding import numbers
from tomodenoise.scans.identity import fingerprint
from tomodenoise.scans.model import Channels, Frames, LeftOut, Scan, channels_to_json, from_json, sized, to_json
from tomodenoise.scans.opening import open_scan
from tomodenoise.scans.reading import ceiling, read, read_channels
from tomodenoise.scans.series import expand, labelled_steps, open_series, seconds
from tomodenoise.scans.sinograms import asked, unnamed
from tomodenoise.scans.trial import try_headers

__all__ = [
    "Channels",
    "Frames",
    "LeftOut",
    "Scan",
    "asked",
    "ceiling",
    "channels_to_json",
    "expand",
    "fingerprint",
    "from_json",
    "labelled_steps",
    "numbers",
    "open_scan",
    "open_series",
    "read",
    "read_channels",
    "seconds",
    "sized",
    "to_json",
    "try_headers",
    "unnamed",
]
