"""What other modules and vendors' declarations say in English, and pages pass on: known by its form, said in German.

Errors and reasons are English, as logs and operators read them too. What has no form here stays English on a German
page, and is marked as such. A date or a number within is written as German does.
"""

import re
from collections.abc import Mapping, Sequence
from string import Formatter

from ingest.words import relayed_files as relayed_file_words
from ingest.words.dates import MONTHS, MONTHS_IN
from scoring import Language

EN: Mapping[str, str] = {
    "thing.sleep": "sleep",
    "thing.readiness": "readiness",
    "thing.oxygen": "blood oxygen",
    "thing.activity": "activity",
    "thing.workouts": "workouts",
    "thing.heart_rate": "heart rate",
    "thing.rings": "rings",
    "thing.rest_mode": "rest mode",
    "thing.recovery": "recovery",
    "thing.strain": "strain",
    "thing.breathing": "breathing",
    "thing.temperature": "temperature",
    "oura.gives": "HRV, lowest heart rate, breathing, temperature, blood oxygen, sleep, steps, workouts, heart rate",
    "oura.arrives": "within a minute of opening the Oura app in the morning; Oura sends no night before that",
    "oura.membership": "Oura shares no data of this account: its API needs an active Oura membership",
    "oura.app": "Oura shares data only with a newer app: update the Oura app on the phone",
    "whoop.gives": "HRV, resting heart rate, breathing, temperature, blood oxygen, sleep, strain, energy, workouts",
    "whoop.arrives": "within minutes of waking, once the WHOOP app has handed the night over and WHOOP has scored it",
    "whoop.membership": "WHOOP shares no data of this account: its membership has lapsed",
    "connect.unset": "{title} is not set up here yet: whoever runs this service adds it.",
    "connect.denied": "{title} says that access was not granted: nothing was connected.",
    "connect.taken": "This {title} account is connected by somebody else here: sign in as them, or disconnect it "
    "there.",
    "connect.spent": "This page has expired, was used before, or was opened in another browser: start again from "
    "Connections.",
    "disconnect": "{title} is disconnected.",
    "disconnect.own": "{title} is disconnected. Remove Vagus in {there}'s own settings too: it did not confirm the "
    "end.",
    "device.account": "{title}, account {number}",
    "device.hrv": "Overnight HRV",
    "device.resting": "Sleeping heart rate",
    "device.breathing": "Breathing rate",
    "device.temperature": "Skin temperature",
    "device.oxygen": "Blood oxygen",
    "device.sleep": "Time asleep",
    "device.load": "Strain of the day",
    "device.steps": "Steps",
    "device.alone": "only it has this",
    "device.no_more": "{title} has it no more",
    "device.none": "{title} has none",
    "device.silent": "Silent since {day}. It counts again from its next night on.",
    "device.own.one": "Your usual range is then its own: {number} night of it are here.",
    "device.own.other": "Your usual range is then its own: {number} nights of it are here.",
    "device.anew": "Your usual range begins anew: {nights} of {needed} nights so far.",
    "device.chosen": "You chose it.",
    "device.chosen.empty": "You chose {title}, which has no night yet; until then it is this one.",
    "device.chosen.silent": "You chose {title}, which is silent since {day}; until it speaks again it is this one.",
    "device.before": "The one before it fell silent, or lacked one of the two signals that decide.",
    "device.first.one": "It began first: {number} night.",
    "device.first.other": "It began first: {number} nights.",
    "sign_in.address": "{typed} is not a mail address: write it like you@example.org",
    "sign_in.many": "That is more codes than anyone needs. Please try again in an hour.",
    "sign_in.expired": "That code has expired. Ask for a new one.",
    "sign_in.wrong": "That code doesn't match. Ask for a new one.",
    "sign_in.wrong.one": "That code doesn't match. One try left.",
    "sign_in.wrong.other": "That code doesn't match. {tries} tries left.",
    "sign_in.erased": "{address} is being erased: come back when the receipt was mailed, in a day at most",
    "sign_in.spent": "This link is spent",
    "sign_in.spent.means": "It signs in once, within ten minutes. Make a new one with `vagus sign-in`.",
    "channel.off": "you turned it off",
    "channel.stopped": "you used the link in a mail",
    "test.off": "That channel is off. Turn it on first.",
    "test.soon": "One test a minute is enough. It should be there soon.",
    "test.enough": "That is enough tests for a day.",
    "error.unclear": "That request was not clear",
    "error.unclear.means": "Something in the address or the form could not be read. Nothing was changed.",
    "error.foreign": "This came from another page",
    "error.foreign.means": "We only take forms from our own pages. Open Vagus and try again from there.",
    "error.none": "Nothing here",
    "error.none.means": "There is no such page, or it is not yours. Your data is unchanged.",
    "error.method": "This address takes no such request. Your data is unchanged.",
    "error.big": "That is too big",
    "error.big.means": "We take files of up to 50 MB, which holds many years. Nothing was stored.",
    "error.broken": "Something broke",
    "error.broken.means": "Something broke on our side. Your data is unchanged.",
    "error.unchanged": "Your data is unchanged.",
}

DE: Mapping[str, str] = {
    "thing.sleep": "Schlaf",
    "thing.readiness": "Bereitschaft",
    "thing.oxygen": "Blutsauerstoff",
    "thing.activity": "Aktivität",
    "thing.workouts": "Einheiten",
    "thing.heart_rate": "Puls",
    "thing.rings": "Ringe",
    "thing.rest_mode": "Ruhemodus",
    "thing.recovery": "Erholung",
    "thing.strain": "Tagesbelastung",
    "thing.breathing": "Atmung",
    "thing.temperature": "Temperatur",
    "oura.gives": "HRV, niedrigster Puls, Atmung, Temperatur, Blutsauerstoff, Schlaf, Schritte, Einheiten, Puls",
    "oura.arrives": "binnen einer Minute, wenn du morgens die App von Oura öffnest; vorher sendet Oura keine Nacht",
    "oura.membership": "Oura teilt keine Daten dieses Kontos: Dafür braucht es eine laufende Mitgliedschaft bei Oura",
    "oura.app": "Oura teilt Daten nur mit einer neueren App: Aktualisiere die App von Oura auf dem Telefon",
    "whoop.gives": "HRV, Ruhepuls, Atmung, Temperatur, Blutsauerstoff, Schlaf, Tagesbelastung, Energie, Einheiten",
    "whoop.arrives": "wenige Minuten nach dem Aufwachen, sobald die App von WHOOP die Nacht übergeben und WHOOP sie "
    "ausgewertet hat",
    "whoop.membership": "WHOOP teilt keine Daten dieses Kontos: Die Mitgliedschaft dort ist abgelaufen",
    "connect.unset": "{title} ist hier noch nicht eingerichtet: Das tut, wer diesen Dienst betreibt.",
    "connect.denied": "{title} sagt, dass der Zugang nicht erlaubt wurde: Nichts wurde verbunden.",
    "connect.taken": "Dieses Konto bei {title} hat hier schon jemand anders verbunden: Melde dich mit dessen Adresse "
    "an oder trenne es dort.",
    "connect.spent": "Diese Seite ist abgelaufen, schon benutzt oder in einem anderen Browser geöffnet: Beginne neu "
    "bei den Verbindungen.",
    "disconnect": "{title} ist getrennt.",
    "disconnect.own": "{title} ist getrennt. Entferne Vagus auch in den Einstellungen von {there}: Das Ende wurde "
    "dort nicht bestätigt.",
    "device.account": "{title}, Konto {number}",
    "device.hrv": "HRV nachts",
    "device.resting": "Schlafpuls",
    "device.breathing": "Atemfrequenz",
    "device.temperature": "Hauttemperatur",
    "device.oxygen": "Blutsauerstoff",
    "device.sleep": "Schlafdauer",
    "device.load": "Tagesbelastung",
    "device.steps": "Schritte",
    "device.alone": "nur dort vorhanden",
    "device.no_more": "bei {title} nicht mehr vorhanden",
    "device.none": "bei {title} nicht vorhanden",
    "device.silent": "Still seit {day}. Ab der nächsten Nacht zählt es wieder.",
    "device.own.one": "Dein üblicher Bereich ist dann der eigene: {number} Nacht davon ist hier.",
    "device.own.other": "Dein üblicher Bereich ist dann der eigene: {number} Nächte davon sind hier.",
    "device.anew": "Dein üblicher Bereich beginnt neu: bisher {nights} von {needed} Nächten.",
    "device.chosen": "Du hast es gewählt.",
    "device.chosen.empty": "Du hast {title} gewählt, davon gibt es noch keine Nacht; bis dahin zählt dieses.",
    "device.chosen.silent": "Du hast {title} gewählt, das ist still seit {day}; bis es sich meldet, zählt dieses.",
    "device.before": "Das vorige wurde still oder lieferte eines der zwei Signale nicht, die entscheiden.",
    "device.first.one": "Es war zuerst da: {number} Nacht.",
    "device.first.other": "Es war zuerst da: {number} Nächte.",
    "sign_in.address": "{typed} ist keine Mailadresse: Schreib sie wie du@example.org",
    "sign_in.many": "So viele Codes braucht niemand. Versuch es in einer Stunde noch einmal.",
    "sign_in.expired": "Dieser Code ist abgelaufen. Lass dir einen neuen schicken.",
    "sign_in.wrong": "Dieser Code passt nicht. Lass dir einen neuen schicken.",
    "sign_in.wrong.one": "Dieser Code passt nicht. Noch ein Versuch.",
    "sign_in.wrong.other": "Dieser Code passt nicht. Noch {tries} Versuche.",
    "sign_in.erased": "{address} wird gerade gelöscht: Komm wieder, wenn die Bestätigung da ist, spätestens morgen",
    "sign_in.spent": "Dieser Link ist verbraucht",
    "sign_in.spent.means": "Er meldet einmal an, binnen zehn Minuten. Einen neuen macht `vagus sign-in`.",
    "channel.off": "von dir ausgeschaltet",
    "channel.stopped": "über den Link in einer Mail ausgeschaltet",
    "test.off": "Das ist ausgeschaltet. Schalte es zuerst ein.",
    "test.soon": "Ein Test in der Minute reicht. Er kommt bestimmt gleich an.",
    "test.enough": "Für einen Tag sind das genug Tests.",
    "error.unclear": "Diese Anfrage war nicht klar",
    "error.unclear.means": "Etwas in der Adresse oder im Formular war nicht zu lesen. Nichts wurde geändert.",
    "error.foreign": "Das kam von einer anderen Seite",
    "error.foreign.means": "Wir nehmen Formulare nur von unseren eigenen Seiten. Öffne Vagus und versuch es dort.",
    "error.none": "Hier ist nichts",
    "error.none.means": "Diese Seite gibt es nicht, oder sie gehört dir nicht. Deine Daten sind unverändert.",
    "error.method": "Diese Adresse nimmt so eine Anfrage nicht an. Deine Daten sind unverändert.",
    "error.big": "Das ist zu groß",
    "error.big.means": "Wir nehmen Dateien bis 50 MB, darin haben viele Jahre Platz. Nichts wurde gespeichert.",
    "error.broken": "Etwas ging schief",
    "error.broken.means": "Bei uns ging etwas schief. Deine Daten sind unverändert.",
    "error.unchanged": "Deine Daten sind unverändert.",
}

DAY = re.compile(rf"(?P<day>\d+) (?P<month>{'|'.join(MONTHS)})(?P<year> \d{{4}})?")
NUMBER = re.compile(r"[\d.,]+")
SWAPPED = str.maketrans(",.", ".,")
LISTED: Mapping[Language, str] = {"en": "{earlier} and {last}", "de": "{earlier} und {last}"}


def german(text: str) -> str | None:
    """The German of an English sentence; None where its form is not known."""
    for form, sentence in _FORMS:
        found = form.fullmatch(text)
        if found:
            return sentence.format_map({name: _value(value) for name, value in found.groupdict().items()})
    return None


def told(text: str, language: Language) -> str:
    """An English sentence in this language, or as it is."""
    return (german(text) if language == "de" else None) or text


def listed(things: Sequence[str], language: Language) -> str:
    """`sleep, heart rate and workouts`, `Schlaf, Puls und Einheiten`."""
    *first, last = [told(thing, language) for thing in things] or [""]
    return LISTED[language].format(earlier=", ".join(first), last=last) if first else last


def _value(text: str) -> str:
    day = DAY.fullmatch(text)
    if day:
        return f"{day['day']}. {MONTHS_IN['de'][MONTHS.index(day['month'])]}{day['year'] or ''}"
    return text.translate(SWAPPED) if NUMBER.fullmatch(text) else told(text, "de")


def _form(sentence: str) -> re.Pattern[str]:
    parts = Formatter().parse(sentence)
    return re.compile("".join(re.escape(plain) + (f"(?P<{name}>.+?)" if name else "") for plain, name, _, _ in parts))


_FORMS = [
    (_form(english[key]), german_of[key])
    for english, german_of in ((EN, DE), (relayed_file_words.EN, relayed_file_words.DE))
    for key in english
]
