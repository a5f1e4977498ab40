"""What a person types. ``main`` has one row a command; each command is a file: parse, call one function, render.

Nothing heavy is imported that the command at hand does not use: a command's module is loaded when it is called.
"""
