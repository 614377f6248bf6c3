"""What runs in the execution environment: standard library only, Python 3.10 or newer.

Nothing here imports from outside this folder, because the interpreter that runs it has the tasks'
libraries, not this package. The parent imports `protocol` from here, so both sides share one format.
"""
