"""The metric for ``evaluate.load``: a folder for each, as that library wants it."""
