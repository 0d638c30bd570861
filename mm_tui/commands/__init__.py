"""The command line: one module per command. Importing them imports nothing heavy; running one may. A command module has
`add(commands)`, which adds its parser, and functions that take the parsed arguments and return an exit status."""
