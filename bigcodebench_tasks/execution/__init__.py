"""Execution of model-written programs: programs in, verdicts out.

The rest of the package knows four things of this subpackage: `Program`, `Verdict`, `Limits` and
`execute`; and, to prepare, `Environment`.
"""
