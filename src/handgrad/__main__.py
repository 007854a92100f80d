"""`python -m handgrad` is the command `handgrad`."""

from handgrad.cli import main

main()
