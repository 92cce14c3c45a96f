"""The state ribbon over a history: one strip, in which height and colour say how much stood out."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from ingest import words
from scoring import Assessment

HEIGHT = 16.0
LEFT, RIGHT = 6.0, 44.0  # as the chart's, so that nights stand below each other
HEIGHTS = {"strained": 16.0, "possible_illness": 16.0, "watch": 10.0, "recovering": 6.0}
OTHERS = 3.0


def ribbon(assessments: Sequence[Assessment], first: date, last: date, width: float) -> str:
    """The strip from `first` to `last`; nights without an assessment are left out."""
    step = (width - LEFT - RIGHT) / ((last - first).days + 1)
    parts = []
    for state, group in groupby((each for each in assessments if each.day >= first), key=lambda each: each.state):
        run = list(group)
        x, long = LEFT + step * (run[0].day - first).days, step * ((run[-1].day - run[0].day).days + 1)
        height, look = HEIGHTS.get(state, OTHERS), words.HEROES[state]
        parts.append(
            f'<rect class="{look.tone}" x="{x:.1f}" y="{HEIGHT - height:g}" width="{long:.1f}" height="{height:g}">'
            f"<title>{look.word}, {words.span(run[0].day, run[-1].day)}</title></rect>"
        )
    return f'<svg class="ribbon" viewBox="0 0 {width:g} {HEIGHT:g}" aria-hidden="true">{"".join(parts)}</svg>'
