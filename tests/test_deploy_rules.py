"""The alert rules and the dashboard: promtool reads them, alerts fire when they should, nothing they ask is made up."""

import json
import re
import subprocess
from pathlib import Path

from ingest.ops import counts
from tests.deploy_stage import PROMTOOL, needs_promtool
from tests.ingest.ops.test_metrics import NAMES

DEPLOY = Path(__file__).parents[1] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = json.loads((DEPLOY / "grafana/vagus.json").read_text())
QUESTIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
ALERTS = (PROMETHEUS / "alerts.yml").read_text()


def promtool(*words: str) -> tuple[int, str]:
    done = subprocess.run([PROMTOOL, *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def scraped() -> set[str]:
    """The names as a question may use them; `tests/ingest/ops/test_metrics.py` holds them to a real scrape."""
    buckets = {f"{name}_{part}" for name in counts.HISTOGRAMS for part in ("bucket", "sum", "count")}
    totals = {f"{name}_total" for name in counts.COUNTERS}
    return NAMES - counts.HISTOGRAMS.keys() - counts.COUNTERS.keys() | buckets | totals


@needs_promtool
def test_promtool_reads_the_rules_and_the_configuration():
    assert promtool("check", "rules", "alerts.yml")[0] == 0
    assert promtool("check", "config", "prometheus.yml")[0] == 0


@needs_promtool
def test_alerts_fire_when_they_should_and_only_then():
    code, said = promtool("test", "rules", "alerts_test.yml")
    assert code == 0, said


@needs_promtool
def test_prometheus_understands_every_question_of_the_dashboard(tmp_path):
    rules = [{"record": f"asked:{number}", "expr": question} for number, question in enumerate(QUESTIONS)]
    file = tmp_path / "asked.yml"  # JSON is YAML too
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    code, said = promtool("check", "rules", str(file))
    assert code == 0, said


def test_every_number_that_is_asked_for_is_there():
    questions = "\n".join(
        [*re.findall(r"expr: (.+)", ALERTS), *re.findall(r"^ {10,}(\S.*vagus_.+)", ALERTS, re.MULTILINE), *QUESTIONS]
    )
    asked = set(re.findall(r"\bvagus_\w+", questions))
    assert len(asked) > 25
    assert asked <= scraped()


def test_every_alert_says_how_bad_it_is_and_what_to_do():
    names = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(names) == len(set(names)) >= 15
    for part in ("severity: (?:page|ticket)", "summary:", "action:"):
        assert len(re.findall(part, ALERTS)) == len(names), part


def test_the_dashboard_asks_what_an_operator_asks_in_that_order():
    assert [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"] == [
        "Are people being told?",
        "Is data fresh?",
        "What is waiting?",
        "Vendors",
        "Connections",
        "What was given up",
        "The house",
        "The past",
    ]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
