"""The reconstruction engines behind one interface."""
