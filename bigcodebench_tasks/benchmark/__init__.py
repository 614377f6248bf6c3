"""What BigCodeBench is: its tasks, its prompts, and how a solution is taken out of an answer."""
