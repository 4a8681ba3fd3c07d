"""Add an export: example to be written."""
