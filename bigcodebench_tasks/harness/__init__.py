"""BigCodeBench as tasks of lm-evaluation-harness: the only folder that imports lm_eval."""
