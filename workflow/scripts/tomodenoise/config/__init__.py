"""The configuration: read, checked, completed, drafted."""
