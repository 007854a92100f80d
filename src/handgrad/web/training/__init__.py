"""Training for the page: processes that train, the job that controls one, mistakes and hints."""
