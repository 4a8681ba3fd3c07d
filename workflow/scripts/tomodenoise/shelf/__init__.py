"""A shelf of models: found by their conditions, judged on new scans, and filed with a card."""
