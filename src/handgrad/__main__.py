"""`python -m handgrad` runs the command `handgrad`."""

from handgrad.cli import main

main()
