"""Center of rotation: estimated from the projections, overridden by the user, drawn for inspection."""
