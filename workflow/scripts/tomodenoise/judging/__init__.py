"""How a scan is judged: on slices that its model was not trained on, by all figures that its data support."""
