"""Runs a plan: buffers, arguments, threads and the state of a step."""
