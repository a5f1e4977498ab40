"""What the operator says: ``config.json``, environment and flags, checked as a whole and handed on as frozen values.

- **schema**: the structs; their field docs give the JSON Schema and the table in the documents.
- **environment**: the variables that are read, one row each.
- **load**: flag over environment over file over default, with the **provenance** of each value; gives a **snapshot**.
- **snapshot**: the accepted result, secrets resolved, as the supervisor hands it to its children.
- **problems**: every mistake at once, each with its path, what was there, what is wanted, the nearest known name.
- **watch**: notices SIGHUP and a changed file.

Nothing here opens a socket or knows what the values are for.
"""
