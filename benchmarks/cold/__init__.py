"""Benchmarks of whole programs that start in a new process.

They measure how long a user waits from the command to the result. Each framework has its own
program, which is written as a user would write it and imports no other framework. Each program
takes a configuration as JSON and prints its figures as JSON.
"""
