"""The dataset's version, its number of tasks and its digests.

For another version follow the recipe "A dataset version" in CONTRIBUTING.md, which begins here.
"""

DATASET_VERSION = "v0.1.4"
"""Dataset version that the task YAMLs and the commands take by default."""

TASKS = {"full": 1140, "hard": 148}
"""Subset to its number of tasks."""

SHA256 = {
    "full": "ceaf3652bfdc2f445ce5c5dd2585a7b024f68c9aaaa70a2b9a91fcde5edad2e3",
    "hard": "cee31f14f29927ca276744b15da05e80ea4d06f0724e6053e3aa6ce17c5b6e7c",
}
"""Subset to the digest of its rows, as `dataset.sha256` makes it."""
