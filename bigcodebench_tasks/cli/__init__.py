"""The command line ``bigcodebench-tasks``."""
