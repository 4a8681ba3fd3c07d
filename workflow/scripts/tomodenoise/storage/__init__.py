"""How arrays are cut into slabs and shards, and stored as Zarr and OME-Zarr."""
