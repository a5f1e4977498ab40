"""What a person types. ``main`` has a row a command; each command is a file: parse, call one function, render.

Nothing is imported that the command at hand does not use: its module is loaded when it is chosen, and what is heavy
when it is called. Results go to stdout, everything else to stderr.
"""
