"""Evaluation of the result on slices that the model was not trained on."""
