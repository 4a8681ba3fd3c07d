"""Arrays in slabs and shards, stored as Zarr and OME-Zarr."""
