"""Prometheus as it is shipped may read the pages as they are deployed."""

import re
from pathlib import Path

PROMETHEUS = Path(__file__).parents[2] / "deploy/prometheus"


def test_the_shipped_scrape_shows_a_token_as_pages_with_a_public_address_ask_for_one() -> None:
    (name,) = re.findall(
        r"^    authorization:\n      credentials_file: (\S+)$",
        (PROMETHEUS / "prometheus.yml").read_text(),
        re.MULTILINE,
    )
    assert "VAGUS_METRICS_TOKEN" in (PROMETHEUS / name).read_text()
