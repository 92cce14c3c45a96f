"""What is said of how a connection stands, in two languages; `.word` is what stands beside it, in a word or two."""

from collections.abc import Mapping

from scoring import Language
from scoring.words import LANGUAGES, Speaker, speaker

EN: Mapping[str, str] = {
    "on.today": "today",
    "on.day": "on {day}",
    "since.today": "since today",
    "since.day": "since {day}",
    "disconnected.word": "Disconnected",
    "disconnected": "You disconnected it {when}. Its nights are kept.",
    "needs_you.word": "Needs you",
    "lost": "{title} ended our access {when}. Connect again and we fetch what is missing. Nothing is lost.",
    "waits": "{title} waits for something that only you can do there",
    "waits.told": "{reason}",
    "waits.since": "{reason}. So it is {since}; we look again every day. "
    "Once that is settled, connecting again goes on at once. Nothing is lost.",
    "away.word": "{title} is away",
    "away": "{title} is failing for everyone at the moment. We keep trying; there is nothing to do.",
    "paused.word": "Paused",
    "paused": "The person who runs this service has paused {title}.",
    "paused.why": "The person who runs this service has paused {title}: {reason}.",
    "unshared": "You did not share {streams} with us, so we cannot judge nights.",
    "denied.word": "Slowed down",
    "denied": "{title} asks us to slow down; continuing at {time}.",
    "unreadable.word": "Not readable",
    "unreadable": "What {title} sends of {streams} cannot be read yet. Whoever runs this service sees it. "
    "Nothing is lost.",
    "failing.word": "Trying again",
    "failing": "{title} has not answered us as it should since {since}. We try again at {time}; nothing is lost.",
    "failing.now": "{title} has not answered us as it should since {since}. We try again now; nothing is lost.",
    "filling.word": "Reading your past",
    "filling": "Your past nights are on their way, the newest first.",
    "filling.here": "Last night is here. Your past nights are on their way, the newest first.",
    "file.word": "A file",
    "file.none": "There is no night in it yet.",
    "file": "Its newest night is that of {day}. A newer one goes on from there.",
    "connected.word": "Connected",
    "connected.asking": "We ask for your first nights now.",
    "connected.none": "There is no night yet; we last asked at {time}. Wear it to bed, and open the {title} app after.",
    "fresh.word": "Up to date",
    "fresh": "Night of {day}.",
    "fresh.here": "Night of {day}, here since {time}.",
    "late.word": "Late",
    "late": "Last night isn't here yet. Opening the {title} app sends it.",
    "silent": "Nothing since the night of {day}. Usually the device has not met the phone: open the {title} app.",
}

DE: Mapping[str, str] = {
    "on.today": "heute",
    "on.day": "am {day}",
    "since.today": "seit heute",
    "since.day": "seit dem {day}",
    "disconnected.word": "Getrennt",
    "disconnected": "Du hast es {when} getrennt. Die Nächte davon bleiben.",
    "needs_you.word": "Braucht dich",
    "lost": "{title} hat unseren Zugang {when} beendet. Verbinde neu, dann holen wir, was fehlt. Nichts geht verloren.",
    "waits": "{title} wartet auf etwas, das nur du dort tun kannst",
    "waits.told": "Der Grund auf Englisch: {reason}",
    "waits.since": "{reason}. So ist es {since}; wir sehen jeden Tag nach. "
    "Sobald das erledigt ist, geht es sofort weiter, wenn du neu verbindest. Nichts geht verloren.",
    "away.word": "{title} ist weg",
    "away": "Bei {title} klappt es gerade für niemanden. Wir versuchen es weiter; zu tun ist nichts.",
    "paused.word": "Angehalten",
    "paused": "Wer diesen Dienst betreibt, hat {title} angehalten.",
    "paused.why": "Wer diesen Dienst betreibt, hat {title} angehalten: {reason}.",
    "unshared": "Du teilst {streams} nicht mit uns, darum können wir keine Nächte beurteilen.",
    "denied.word": "Gebremst",
    "denied": "{title} bittet um weniger Anfragen; weiter geht es ab {time}.",
    "unreadable.word": "Nicht lesbar",
    "unreadable": "Was {title} zu {streams} sendet, können wir noch nicht lesen. "
    "Wer diesen Dienst betreibt, sieht das. Nichts geht verloren.",
    "failing.word": "Neuer Versuch",
    "failing": "{title} antwortet uns nicht wie sonst, seit {since}. Nächster Versuch: {time}; nichts geht verloren.",
    "failing.now": "{title} antwortet uns nicht wie sonst, seit {since}. "
    "Wir versuchen es jetzt wieder; nichts geht verloren.",
    "filling.word": "Wird gelesen",
    "filling": "Deine früheren Nächte sind unterwegs, die neuesten zuerst.",
    "filling.here": "Letzte Nacht ist da. Deine früheren Nächte sind unterwegs, die neuesten zuerst.",
    "file.word": "Eine Datei",
    "file.none": "Noch ist keine Nacht darin.",
    "file": "Die neueste Nacht darin ist die auf den {day}. Eine neuere Datei macht dort weiter.",
    "connected.word": "Verbunden",
    "connected.asking": "Wir fragen jetzt nach deinen ersten Nächten.",
    "connected.none": "Noch ist keine Nacht da; zuletzt gefragt: {time}. "
    "Trag es nachts und öffne danach die App von {title}.",
    "fresh.word": "Aktuell",
    "fresh": "Nacht auf den {day}.",
    "fresh.here": "Nacht auf den {day}, hier seit {time}.",
    "late.word": "Verspätet",
    "late": "Letzte Nacht fehlt noch. Öffne die App von {title}, dann kommt sie.",
    "silent": "Nichts seit der Nacht auf den {day}. "
    "Meist war das Gerät noch nicht beim Telefon: Öffne die App von {title}.",
}

SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}
