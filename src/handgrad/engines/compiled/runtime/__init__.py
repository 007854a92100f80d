"""Runs a plan, and manages its buffers, arguments, threads and step state."""
