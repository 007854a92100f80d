"""What runs a compiled program: memory, threads and the state of a step."""
