"""What uv is told when it builds an environment."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from bigcodebench_tasks.environment import build, environment
from tests.helpers.project import starts_processes


def test_pips_index_and_certificates_are_told_to_uv_unless_uv_has_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = file:///an/index\ncert = /a/certificate.pem\n")
    variables = {"PIP_CONFIG_FILE": str(settings)}
    assert build.pip_settings(variables) == {
        "UV_DEFAULT_INDEX": "file:///an/index",
        "SSL_CERT_FILE": "/a/certificate.pem",
    }
    assert build.pip_settings({"UV_DEFAULT_INDEX": "file:///other", "SSL_CERT_FILE": "x", **variables}) == {}
    assert build.pip_settings({"PIP_INDEX_URL": "file:///first", **variables})["UV_DEFAULT_INDEX"] == "file:///first"


@starts_processes
@pytest.mark.skipif(sys.version_info[:2] not in {(3, 11), (3, 12)}, reason="no Python that only the second lock is for")
def test_where_the_first_locks_python_cannot_be_had_it_is_said_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    for name in ("HOME", "PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path if name == "PATH" else tmp_path / name))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9")  # where nobody answers
    with caplog.at_level(logging.INFO, "bigcodebench_tasks"):
        lock, _ = environment._choose(environment._candidates(None), None)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert lock.name == "current"
    assert "error:" not in said, "it is none"
    assert len(said.splitlines()) == 3, said
    assert "it cannot be downloaded here (" in said
    assert "newer libraries than the leaderboard's" in said
    assert "bigcodebench-tasks env create --lock official" in said
