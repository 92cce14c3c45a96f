"""Why judgement is held back: one sentence for each sign of another cause."""

from collections.abc import Mapping

EN: Mapping[str, str] = {
    "rest_mode": "Rest mode was on.",
    "ill": "You noted that you felt unwell.",
    "breathing": "Breathing rate was {rate:.1f} a minute (usual {low:.1f}\N{EN DASH}{high:.1f}).",
    "breathing_warm": (
        "Breathing rate was {rate:.1f} a minute (usual {low:.1f}\N{EN DASH}{high:.1f}), "
        "and skin temperature was up as well."
    ),
    "still": "On two of three days you moved much less than usual, with a raised heart rate at night.",
    "clock": "Your clock moved by three hours or more.",
    "travel": "You noted that you travelled.",
    "oxygen": "Oxygen saturation was {drop:.0f} points under your usual: altitude, heat or a cold may play a part.",
    "short_sleep": "On {number} of the last {nights} nights you slept an hour or more under your usual.",
}

DE: Mapping[str, str] = {
    "rest_mode": "Der Ruhemodus war an.",
    "ill": "Du hast notiert, dass du dich unwohl gefühlt hast.",
    "breathing": "Die Atemfrequenz lag bei {rate:.1f} pro Minute (üblich {low:.1f}\N{EN DASH}{high:.1f}).",
    "breathing_warm": (
        "Die Atemfrequenz lag bei {rate:.1f} pro Minute (üblich {low:.1f}\N{EN DASH}{high:.1f}), "
        "und auch die Hauttemperatur war erhöht."
    ),
    "still": "An zwei von drei Tagen hast du dich viel weniger bewegt als üblich, bei erhöhtem Puls in der Nacht.",
    "clock": "Deine Uhr hat sich um drei Stunden oder mehr verschoben.",
    "travel": "Du hast notiert, dass du gereist bist.",
    "oxygen": "Die Sauerstoffsättigung lag {drop:.0f} Punkte unter deinem Üblichen: Höhe, Hitze oder eine Erkältung "
    "können mitspielen.",
    "short_sleep": "In {number} der letzten {nights} Nächte hast du eine Stunde oder mehr weniger geschlafen "
    "als üblich.",
}
