"""What a run saves so that it can be resumed."""
