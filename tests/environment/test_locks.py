"""The locks that are shipped."""

from __future__ import annotations

from bigcodebench_tasks.environment import locks


def test_every_lock_pins_hashes_and_names_no_index() -> None:
    for lock in locks.LOCKS:
        text = lock.file.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(lock.pins()) > 150
        assert {"numpy", "pandas", "nltk", "tensorflow-cpu"} <= set(lock.pins())
