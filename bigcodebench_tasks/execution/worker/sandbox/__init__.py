"""The kinds of sandbox, and their parts."""
