"""Pages about a run that a person reads in a minute and keeps: self-contained HTML."""
