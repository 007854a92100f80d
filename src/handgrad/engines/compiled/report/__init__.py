"""The plan report: a plan in words and numbers, for `handgrad plan` and `hg.plan`."""
