"""Training: from reconstructed sections to the model with the smallest held-out loss."""
