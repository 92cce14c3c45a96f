"""Short mails beside the alert: that strain goes on, that it has passed, that there are other signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ingest import people, words
from ingest.models import Alert, Delivery, Person
from ingest.settings import settings
from scoring import Assessment, Language
from scoring.explain import UNSURE, without_feeling
from scoring.words import LANGUAGES, Speaker, speaker
from workers.letters import Letter, Row, deciding, letter

EN: Mapping[str, str] = {
    "reminder.subject": "Strain is still there",
    "reminder.opening.one": "After {number} night strain still goes on.",
    "reminder.opening.other": "After {number} nights strain still goes on.",
    "reminder.once": "This is the only reminder.",
    "recovered.subject": "Back to usual",
    "recovered.opening.one": "Your nights are back to usual after {number} night of strain.",
    "recovered.opening.other": "Your nights are back to usual after {number} nights of strain.",
    "recovered.next": "Come back in steps, as you feel able.",
    "other_signs.subject": "Other signs in your nights",
    "quiet.subject": "Something changed in your nights",
    "quiet.opening": "Your recent nights look different from before. What was seen stands on your page.",
    "quiet.why": "This mail carries no numbers, as nobody has confirmed this address yet. "
    "Signing in once with a code sent here confirms it.",
    "next": "What to do next: {suggestion}",
    "unsure": "We are not sure, and this may change.",
    "page": "See the nights",
    "feeling": "How you feel counts more than this mail. Not a medical device.",
    "because": "You get this because messages about your nights go to this address.",
    "stop": "Change or stop",
    "pause": "Leave me alone for a while",
}

DE: Mapping[str, str] = {
    "reminder.subject": "Die Belastung hält an",
    "reminder.opening.one": "Nach {number} Nacht hält die Belastung noch an.",
    "reminder.opening.other": "Nach {number} Nächten hält die Belastung noch an.",
    "reminder.once": "Das ist die einzige Erinnerung.",
    "recovered.subject": "Wieder wie üblich",
    "recovered.opening.one": "Deine Nächte sind nach {number} Nacht Belastung wieder wie üblich.",
    "recovered.opening.other": "Deine Nächte sind nach {number} Nächten Belastung wieder wie üblich.",
    "recovered.next": "Steig in Schritten wieder ein, so wie du dich fühlst.",
    "other_signs.subject": "Andere Anzeichen in deinen Nächten",
    "quiet.subject": "In deinen Nächten hat sich etwas verändert",
    "quiet.opening": "Deine letzten Nächte sehen anders aus als vorher. Was zu sehen war, steht auf deiner Seite.",
    "quiet.why": "Diese Mail enthält keine Zahlen, weil noch niemand diese Adresse bestätigt hat. "
    "Melde dich einmal mit einem Code an, der hierher geht; das bestätigt sie.",
    "next": "Was jetzt passt: {suggestion}",
    "unsure": "Wir sind uns nicht sicher, und das kann sich ändern.",
    "page": "Zu den Nächten",
    "feeling": "Wie du dich fühlst, zählt mehr als diese Mail. Kein Medizinprodukt.",
    "because": "Du bekommst das, weil Nachrichten über deine Nächte an diese Adresse gehen.",
    "stop": "Ändern oder abbestellen",
    "pause": "Lass mich eine Weile in Ruhe",
}

SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Note:
    """A short mail: paragraphs, the signals between the first and the others, one button, and where to stop it."""

    subject: str
    opening: str
    more: Sequence[str]
    page_url: str
    button: str
    rows: Sequence[Row] = ()


def reminder(nights: Sequence[Assessment], alert: Alert, stop_url: str, language: Language) -> Letter:
    """Strain goes on, a week after it was told. It comes once."""
    told, night = SPEAKERS[language], nights[-1]
    opening = told.count("reminder.opening", (night.day - alert.first_day).days + 1)
    more = [told.say("next", suggestion=night.suggestion), *doubt(night, language), told.say("reminder.once")]
    note = Note(told.say("reminder.subject"), opening, more, _page(alert), told.say("page"), rows(nights, language))
    return mail(note, stop_url, language)


def recovered(alert: Alert, stop_url: str, language: Language) -> Letter:
    """Strain that was told has passed."""
    told = SPEAKERS[language]
    opening = told.count("recovered.opening", (alert.last_day - alert.first_day).days + 1)
    more = [told.say("recovered.next")]
    return mail(Note(told.say("recovered.subject"), opening, more, _page(alert), told.say("page")), stop_url, language)


def other_signs(nights: Sequence[Assessment], stop_url: str, language: Language) -> Letter:
    """More than training strain shows in these nights: what was seen, and to rest first."""
    told, night = SPEAKERS[language], nights[-1]
    opening, more = without_feeling(night.explanation), [told.say("next", suggestion=night.suggestion)]
    seen = rows(nights, language)
    return mail(
        Note(told.say("other_signs.subject"), opening, more, _page(), told.say("page"), seen), stop_url, language
    )


def quiet(stop_url: str, language: Language) -> Letter:
    """The same for an address that nobody confirmed: no number, no state."""
    told = SPEAKERS[language]
    opening, more = told.say("quiet.opening"), [unconfirmed(language)]
    return mail(Note(told.say("quiet.subject"), opening, more, _page(), told.say("page")), stop_url, language)


def unconfirmed(language: Language) -> str:
    """Why a mail carries no numbers."""
    return SPEAKERS[language].say("quiet.why")


def language_of(session: Session, delivery: Delivery) -> Language:
    """The language that the person reads."""
    return people.language_of(session.get_one(Person, delivery.person))


def doubt(night: Assessment, language: Language) -> list[str]:
    """What is not known of a night, wherever it is too much to be silent about."""
    if night.confidence >= UNSURE:
        return []
    return [" ".join((SPEAKERS[language].say("unsure"), *night.confidence_reasons))]


def rows(nights: Sequence[Assessment], language: Language) -> list[Row]:
    """The two signals of the last recorded night beside their usual ranges; none where there is no such night."""
    night = next((each for each in reversed(nights) if words.recorded(each)), None)
    return deciding(night, language) if night else []


def mail(note: Note, stop_url: str, language: Language) -> Letter:
    """A note as a complete mail, with the footer that every mail about nights has."""
    return letter(SPEAKERS[language], note.subject, "note", {"note": note, "stop_url": stop_url})


def _page(alert: Alert | None = None) -> str:
    return f"{settings().public_url}/alerts/{alert.id}" if alert else f"{settings().public_url}/today"
