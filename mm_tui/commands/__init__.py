"""The command line: one module a command. Importing any of them imports nothing heavy; running one may.

A command module offers `add(commands)`, which describes its arguments, and functions that take the parsed
arguments and return an exit status.
"""
