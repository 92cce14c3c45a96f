"""The quiet question as a mail: one sentence, one button that leads to four, and that it need not be answered.

It says nothing of any night, so it is the same for an address that nobody confirmed.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from ingest import questions
from ingest.models import Channel, Delivery
from ingest.settings import settings
from scoring import Language
from scoring.words import LANGUAGES, Speaker, speaker
from workers import notes
from workers.letters import Letter
from workers.notes import Note

EN: Mapping[str, str] = {
    "subject": "Unusual nights lately?",
    "opening": "Were your last nights unusual for a reason that you know? "
    "Drinks, feeling unwell and travel look much like training strain.",
    "why": "If we know of them, we do not write to you for nothing. You need not answer.",
    "button": "Answer with one tap",
    "lock_screen": "Anything unusual about your nights lately?",
}

DE: Mapping[str, str] = {
    "subject": "Ungewöhnliche Nächte zuletzt?",
    "opening": "Waren deine letzten Nächte aus einem Grund ungewöhnlich, den du kennst? "
    "Alkohol, Unwohlsein und Reisen sehen Belastung durch Training sehr ähnlich.",
    "why": "Wenn wir davon wissen, schreiben wir dir nicht umsonst. Du musst nicht antworten.",
    "button": "Mit einem Tipp antworten",
    "lock_screen": "War an deinen Nächten zuletzt etwas ungewöhnlich?",
}

SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}
LOCK_SCREEN: Mapping[Language, str] = {language: told.say("lock_screen") for language, told in SPEAKERS.items()}


def question(session: Session, delivery: Delivery, _: Channel, stop_url: str) -> Letter:
    """The mail that asks; its button leads to a page, as opening a link answers nothing."""
    language = notes.language_of(session, delivery)
    told = SPEAKERS[language]
    url = f"{settings().public_url}/q/{questions.token(delivery.subject or 0)}"
    note = Note(told.say("subject"), told.say("opening"), [told.say("why")], url, told.say("button"))
    return notes.mail(note, stop_url, language)
