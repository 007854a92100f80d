"""Checkpoints: what a training run saves so that it can be resumed."""
