"""The training loop: patches in, the best model by its held-out split loss out."""
