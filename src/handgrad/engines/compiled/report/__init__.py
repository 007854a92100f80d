"""The plan of a compiled program as text."""
