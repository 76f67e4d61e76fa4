"""The command line: thin over the rooms; every command is one function with `--json`."""
