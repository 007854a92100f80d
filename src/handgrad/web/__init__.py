"""The page: its runtime in JavaScript, and how its modules become one script."""
