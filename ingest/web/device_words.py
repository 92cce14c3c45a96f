"""What stands on the page that says which device counts, in two languages."""

from collections.abc import Mapping

from scoring import Language
from scoring.words import LANGUAGES, Speaker, speaker

EN: Mapping[str, str] = {
    "title": "Devices",
    "anew": "Your nights are being judged anew; nothing is sent about the past.",
    "today": "See today",
    "one": "One device: nothing to choose.",
    "one.read.one": "All your nights are read from {title}: {number} night so far.",
    "one.read.other": "All your nights are read from {title}: {number} nights so far.",
    "none": "No nights yet.",
    "none.means": "When two devices bring nights, you choose here which one counts.",
    "another": "Connect another",
    "read": "Your nights are read from {title}",
    "since": "Since {day}.",
    "since.year": "Since {day} {year}.",
    "signals": "Where each signal is read from",
    "signals.signal": "Signal",
    "signals.from": "Read from",
    "signals.last": "Last",
    "once": "Two devices never make one number. "
    "A night, a day's strain, its steps and a workout that both saw count once.",
    "choose": "Choose",
    "choose.which": "The device your nights are read from",
    "rule": "Let Vagus choose",
    "rule.means": "The one that began first, as long as it speaks. After a week of silence another takes over.",
    "now.one": "Read now: {number} night of it are here.",
    "now.other": "Read now: {number} nights of it are here.",
    "choose.means": "All nights of that device are judged anew. The change itself sends no message.",
}

DE: Mapping[str, str] = {
    "title": "Geräte",
    "anew": "Deine Nächte werden neu beurteilt; über Vergangenes wird nichts gesendet.",
    "today": "Heute ansehen",
    "one": "Ein Gerät: nichts zu wählen.",
    "one.read.one": "Alle deine Nächte werden von {title} gelesen: bisher {number} Nacht.",
    "one.read.other": "Alle deine Nächte werden von {title} gelesen: bisher {number} Nächte.",
    "none": "Noch keine Nächte.",
    "none.means": "Wenn zwei Geräte Nächte bringen, wählst du hier, welches zählt.",
    "another": "Noch eines verbinden",
    "read": "Deine Nächte werden von {title} gelesen",
    "since": "Seit {day}.",
    "since.year": "Seit {day} {year}.",
    "signals": "Woher jedes Signal gelesen wird",
    "signals.signal": "Messwert",
    "signals.from": "Gelesen von",
    "signals.last": "Zuletzt",
    "once": "Zwei Geräte ergeben nie eine Zahl. "
    "Was beide sahen, zählt einmal: eine Nacht, die Belastung und die Schritte eines Tages, eine Einheit.",
    "choose": "Auswählen",
    "choose.which": "Das Gerät, von dem deine Nächte gelesen werden",
    "rule": "Vagus wählen lassen",
    "rule.means": "Das zuerst da war, solange es sich meldet. Nach einer Woche Stille übernimmt ein anderes.",
    "now.one": "Wird gerade gelesen: {number} Nacht davon ist hier.",
    "now.other": "Wird gerade gelesen: {number} Nächte davon sind hier.",
    "choose.means": "Alle Nächte dieses Geräts werden neu beurteilt. Der Wechsel selbst sendet keine Nachricht.",
}

SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}
