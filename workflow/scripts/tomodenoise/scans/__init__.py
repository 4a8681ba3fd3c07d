"""Raw scans: recognise the layout of an HDF5 file by its content, and read rows of its frames."""

from tomodenoise.scans.identity import fingerprint
from tomodenoise.scans.model import Frames, Scan, from_json, to_json
from tomodenoise.scans.opening import open_scan
from tomodenoise.scans.reading import read
from tomodenoise.scans.series import expand, open_series

__all__ = ["Frames", "Scan", "expand", "fingerprint", "from_json", "open_scan", "open_series", "read", "to_json"]
