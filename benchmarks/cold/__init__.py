"""Whole programs, each started cold: what a person waits for between command and result.

One file for each framework, written as its user would write it and importing nothing of the
others. Each takes a configuration as JSON and prints its figures as JSON.
"""
