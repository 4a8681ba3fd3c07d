"""Raw scans: recognise the layout of an HDF5 file by its content, and read rows of its frames."""
