"""The exit codes of all commands; docs/exit_codes.md has the same table."""

SUCCESS, FAILURE, WRONG_USE = 0, 1, 2
HANGUP, INTERRUPTED, TERMINATED = 129, 130, 143

EXIT_CODES = {
    SUCCESS: "success",
    FAILURE: "failure: invalid data, model or file, or a check that did not pass",
    WRONG_USE: "usage error: an unknown command, option or value",
    HANGUP: "ended by SIGHUP: the terminal was closed",
    INTERRUPTED: "interrupted by SIGINT (Ctrl-C)",
    TERMINATED: "ended by SIGTERM",
}


def exit_code_table() -> str:
    """Return one line for each exit code."""
    return "\n".join(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
