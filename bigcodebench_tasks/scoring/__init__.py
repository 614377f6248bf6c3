"""From verdicts to scores."""
