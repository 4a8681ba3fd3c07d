"""Add a reader: example to be written."""
