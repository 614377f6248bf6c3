"""The benchmark: its tasks, its prompts, and how a response becomes a solution."""
