"""Checkpoints: files from which an interrupted training run can be resumed."""
