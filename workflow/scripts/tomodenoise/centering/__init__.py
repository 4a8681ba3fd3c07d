"""The centre of rotation: found from the projections, overruled by a person, drawn to be judged."""
