"""``triga doctor``: lines with marks and fixes, or JSON; it fails only where triga cannot work."""

from __future__ import annotations

import json

import pytest

from triga.flow import doctor
from triga.flow.doctor import Check

OK = Check("doctor-no-gpu", "ok", "no GPU that torch sees: triga works on the processor")
WARN = Check("doctor-port-taken", "warn", "port {port} is in use", fix="use {other}", facts={"port": 1, "other": 2})
FAIL = Check("doctor-disk-read-only", "fail", "writing to {folder} is not allowed", fix="move", facts={"folder": "/x"})


@pytest.mark.parametrize(
    ("checks", "code", "verdict"),
    [([OK], 0, "all is well"), ([OK, WARN], 0, "worth a look"), ([OK, WARN, FAIL], 1, "cannot work here")],
)
def test_only_an_obstacle_fails(triga, monkeypatch, checks, code, verdict):
    monkeypatch.setattr(doctor, "examine", lambda workspace, encoding: iter(checks))
    said = triga("doctor")
    assert said.code == code
    assert verdict in said.out
    assert ("✗" in said.out) is (code == 1)


def test_lines_have_fixes_in_the_users_language(triga, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda workspace, encoding: iter([WARN]))
    assert "! port 1 is in use\n  fix: use 2\n" in triga("doctor").out
    assert "办法: 请停止占用它的程序" in triga("doctor", language="zh").out


def test_this_machine_as_json(triga, tmp_path):
    said = triga("doctor", "--json")
    report = json.loads(said.out)
    assert report["ok"] is (said.code == 0)
    codes = [check["code"] for check in report["checks"]]
    assert "doctor-cpu" in codes
    assert {check["status"] for check in report["checks"]} <= {"ok", "warn", "fail"}
    assert not (tmp_path / "workspace").exists()
