"""Mutation testing: does a test notice when the code is wrong?

- A **mutant** is a module with one small change (mutmut's operators make them). Its identity is its place and the
  changed lines, no line number: it outlives edits elsewhere in the file.
- A **target** is the modules that are mutated and the tests that must notice; a large one is **sampled**.
- A **trial** runs the target's tests on one mutant, in a process of its own that imports the mutant in the module's
  place; no file is written. A mutant is **killed** when a test fails or the time is over, else it **survives**.
- A **survivor** is explained in ``survivors.toml``, or it is a finding: a rule that no test states.
"""
