"""BigCodeBench as tasks of lm-evaluation-harness."""

__version__ = "0.1.0"
