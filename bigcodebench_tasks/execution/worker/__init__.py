"""What runs in the execution environment: standard library only, Python 3.10 or newer.

Nothing here imports from outside this folder, because the interpreter that runs it has the tasks'
libraries, not this package. The parent imports `protocol` from here, so both sides share one format.
"""

RUNNER_VERSION = 7
"""Part of what a verdict depends on (`Conditions`): raise it with every change in this folder that can change one.

A test holds the digest of the folder's files, so that no change goes by without this question.
"""
