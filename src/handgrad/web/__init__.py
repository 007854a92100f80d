"""The page and its local server: the guard, the routes, and JavaScript that runs the models."""
