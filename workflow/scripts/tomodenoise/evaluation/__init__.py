"""How good the result is, on slices that the model was not trained on."""
