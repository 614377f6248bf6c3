"""What uv is told when it builds an environment."""

from __future__ import annotations

from pathlib import Path

from bigcodebench_tasks.environment import build


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
