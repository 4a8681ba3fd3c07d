"""Raw scans: recognise the layout of an HDF5 file by its content, and read rows of its frames."""

from tomodenoise.scans.identity import fingerprint
from tomodenoise.scans.model import Frames, Scan, from_json, to_json
from tomodenoise.scans.opening import open_scan
from tomodenoise.scans.reading import read

__all__ = ["Frames", "Scan", "fingerprint", "from_json", "open_scan", "read", "to_json"]
