"""What is said of the cycle, in two languages. Whoever did not turn it on can meet its card, and nothing else."""

from collections.abc import Mapping

from scoring import Language
from scoring.words import LANGUAGES, Speaker, speaker

EN: Mapping[str, str] = {
    "cycle": "My cycle",
    "cycle.why": "Nights differ between the two halves of a cycle. If you note when a period begins, each night is "
    "compared knowing its half. Nothing is guessed without your notes.",
    "cycle.use": "Compare my nights by it",
    "cycle.where": "Adds one box to the check-in and to each night in History.",
    "cycle.save": "Save cycle",
    "cycle.kept.one": "It is off, and your {number} note is not used. You can remove it.",
    "cycle.kept.other": "It is off, and your {number} notes are not used. You can remove them.",
    "cycle.forget": "Remove what I noted",
    "period": "Period began",
    "period.day": "Period began today",
}
DE: Mapping[str, str] = {
    "cycle": "Mein Zyklus",
    "cycle.why": "In den beiden Hälften eines Zyklus sind Nächte verschieden. Wenn du notierst, wann eine Periode "
    "beginnt, vergleichen wir jede Nacht mit dem Wissen um ihre Hälfte. Ohne deine Notizen raten wir nichts.",
    "cycle.use": "Meine Nächte damit vergleichen",
    "cycle.where": "Bringt ein Feld beim Eintragen und bei jeder Nacht im Verlauf.",
    "cycle.save": "Zyklus speichern",
    "cycle.kept.one": "Es ist aus, und deine {number} Notiz wird nicht verwendet. Du kannst sie entfernen.",
    "cycle.kept.other": "Es ist aus, und deine {number} Notizen werden nicht verwendet. Du kannst sie entfernen.",
    "cycle.forget": "Meine Notizen entfernen",
    "period": "Periode begonnen",
    "period.day": "Periode hat heute begonnen",
}
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}
