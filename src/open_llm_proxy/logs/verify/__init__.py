"""What is wrong with stored records: read-only, memory bounded, a finding each.

- **unit**: a day with its raw chunk files and its daily tables, or a month with its monthly ones.
- **check**: a function from a unit to **findings**: what is wrong, where, how often, with an example.
"""
