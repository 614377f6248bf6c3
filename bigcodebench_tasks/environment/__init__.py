"""The execution environment: the second Python, which runs the programs."""
