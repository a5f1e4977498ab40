"""What the operator says: ``config.json``, environment and flags, checked as a whole and handed on as frozen values.

- **schema**: the structs; **formats** their texts' rules; both give the JSON Schema and the tables (**reference**).
- **environment**: the variables that are read, one row each; the **reader** takes them, and secrets from files.
- **load**: flag over environment over file over default (**layers**), with the **provenance** of each value.
- **snapshot**: the accepted result, secrets resolved (**keys**, **destination**), as children get it.
- **problems**: every mistake at once, each with its path, what was there, what is wanted, the nearest known name; found
  by **document** (the text), **validation** (each value) and **rules** (several values).
- **watch**: notices a changed file.

Nothing here opens a socket or knows what the values are for.
"""
