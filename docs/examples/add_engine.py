"""Add an engine: example to be written."""
