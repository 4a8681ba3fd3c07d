"""Raw tomography scans to clean volumes: functions on arrays that know nothing of Snakemake."""

__version__ = "0.2.0"
