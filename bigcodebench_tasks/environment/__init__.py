"""The execution environment: a second Python, with the pinned libraries that tasks import."""
