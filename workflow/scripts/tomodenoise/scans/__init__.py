"""Raw scans: HDF5 files whose layout is recognised by content, read a few detector rows at a time."""
