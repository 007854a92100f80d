"""The plan report, which describes a plan in readable form for `handgrad plan` and `hg.plan`."""
