"""Benchmarks of whole programs that start in a new process.

They measure how long a user waits from the command to the result. There is one program per
framework, written as a user of the framework would write it; it does not import the other
frameworks. Each program takes a configuration as JSON and prints its figures as JSON.
"""
