"""The ``bigcodebench-tasks`` command: a file for each of its commands."""
