"""After a run: are the products whole, and are cluster jobs left over."""
