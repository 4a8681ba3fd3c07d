"""Add a network: example to be written."""
