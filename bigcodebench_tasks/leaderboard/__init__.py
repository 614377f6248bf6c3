"""The public leaderboard: its published record, and the user's runs ranked like it and beside it."""
