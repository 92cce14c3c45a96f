"""journal_entries.csv: a row a question. Answers on alcohol, illness and travel become tags; no other is kept."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from providers.exports.table import Line
from providers.exports.whoop_columns import Columns, words_of
from providers.exports.whoop_moments import Moments, SetAside, moments_of, set_aside
from providers.exports.whoop_series import SLEEP_STREAM
from providers.shapes import Rejected, Tag

_ANSWERS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Answer:
    """One row that could be read. `tag` is None for a question that tells nothing about a night's signals."""

    moments: Moments
    tag: str | None
    present: bool


def read_answer(line: Line, columns: Columns, now: datetime) -> Answer | Rejected:
    """Read one row; an answer that is neither yes nor no is set aside alone, and only where it would matter."""
    try:
        moments = moments_of(line, columns, now)
    except SetAside as verdict:
        return set_aside(line, verdict)
    tag = tag_of(columns.cell(line.cells, "question"))
    present = _ANSWERS.get(columns.cell(line.cells, "answer").casefold())
    if tag and present is None:
        title = columns.title("answer")
        return Rejected("it is neither yes nor no", line.text, line.number, title, moments.record)
    return Answer(moments, tag, bool(present))


def tags_of(answers: Iterable[Answer]) -> list[Tag]:
    """One tag per cycle and name: a yes wins over a no. Its day is the waking day of the cycle on its line.

    That day is known for sure only once the cycle's sleep is; until then it is a guess which the link corrects.
    """
    found: dict[tuple[str, str], tuple[bool, date]] = {}
    for answer in answers:
        if answer.tag:
            key, said = (answer.moments.record, answer.tag), (answer.present, answer.moments.day)
            found[key] = max(said, found.get(key, said))
    return [
        Tag(day, name, f"whoop journal {record}", present, link=(SLEEP_STREAM, record))
        for (record, name), (present, day) in sorted(found.items())
    ]


@dataclass(frozen=True, slots=True)
class _Topic:
    """Words that make a question one on this topic, and words that show that it asks something else."""

    tag: str
    about: re.Pattern[str]
    unless: re.Pattern[str]


def _any_of(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b")


# People choose from some 300 questions, whose wording changes: "Have any alcoholic drinks?", "Feeling sick or ill?",
# "Experiencing COVID-19 symptoms?", "Traveled on a plane?", "Alkohol konsumiert?". A question after a virtue ("Avoid
# alcohol?") would turn the answer around; it is passed over rather than turned back, since its no may mean a sip.
_VIRTUES = (
    "no|not|non|never|without|free|instead|avoid(?:ed|ing)?|limit(?:ed|ing)?|skip(?:ped)?|quit|sober|reduced?|prevent"
    "|(?:abst|refr)ain(?:ed|ing)?|kein(?:e|en)?|ohne|vermieden|sin|evit(?:ar|aste|ou)|sans|sem|nao"
)
_TOPICS = (
    _Topic(
        "alcohol",
        _any_of("alcohol|alcoholic|beers?|wine|liquor|alkohol|alkoholische|alcool|alcoolicas?|alcoholicas?"),
        _any_of(f"{_VIRTUES}|rubbing|wipes?|mouthwash"),
    ),
    _Topic(
        "ill",
        _any_of("sick|ill|illness|unwell|covid|flu|influenza|fever|krank|enferm[oa]|malade|doente"),
        _any_of(
            f"{_VIRTUES}|vaccin\\w*|shot|jab|booster|exposed|exposure|take an? covid|took an? covid"
            "|(?:sea|car|motion|altitude|morning|travel) sick(?:ness)?|mental|mentally"
            "|famil(?:y|ies)|child|children|kids?|partner|pets?|someone|friends?|care"
        ),
    ),
    _Topic(
        "travel",
        _any_of(
            "travel|travell?ed|travell?ing|trip|flew|fly|flight|plane|airplane|aeroplane|jet lag(?:ged)?|jetlag"
            "|time ?zones?|gereist|geflogen|flugzeug|viaj\\w+|viagem|avion|aviao|voyag\\w+"
        ),
        _any_of(f"{_VIRTUES}|stairs|sick|sickness|fishing"),
    ),
)


def tag_of(question: str) -> str | None:
    """The tag that a yes to this question means; None for every other question."""
    asked = " ".join(words_of(question))
    for topic in _TOPICS:
        if topic.about.search(asked) and not topic.unless.search(asked):
            return topic.tag
    return None
