"""The door of operators leaves nothing behind that opens it."""

from tests.ingest.web.web_stage import Stage, stage

__all__ = ["stage"]


def broken(*_: object) -> None:
    raise ZeroDivisionError


def test_a_link_that_signs_in_once_is_not_in_the_log_when_its_page_breaks(stage: Stage, monkeypatch):
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("ingest.ops.operators.spend", broken)
    monkeypatch.setattr("ingest.web.errors.log", type("Log", (), {"error": lambda *_, **k: seen.append(k)})())
    assert stage.client().post("/ops/sign-in/once/7.hush").status_code == 500
    assert [each["path"] for each in seen] == ["/ops/sign-in/once/{ticket}"]
