"""The command line: one file a command. Only here is anything printed, and only here does the program end."""
