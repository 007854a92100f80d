"""The engines: each runs the same mathematics in its own way."""
