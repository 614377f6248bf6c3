"""What runs in the execution environment: standard library only, Python 3.10 or newer.

Nothing here imports from outside this folder: the interpreter that runs it has the tasks' libraries, not this package.
The parent imports `protocol` and `channel` from here, so that both sides share one format.
"""
