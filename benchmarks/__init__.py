"""The performance claims of the project, each a command that prints a ratio."""
