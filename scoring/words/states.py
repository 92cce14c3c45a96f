"""What each state says of a night: what was seen, for how long, what it may be, and the next step.

Wellness words alone: signals, strain, usual, may, consider. A next step has at most 90 characters.
"""

from collections.abc import Mapping

EN: Mapping[str, str] = {
    "feeling": "How you feel counts more than this.",
    "unsure": "We are not sure, and this may change.",
    "collecting.far": "{nights} of {fewest} nights so far.",
    "collecting.needs": (
        "Your usual range needs {fewest} nights that are at least a week old; until then nothing is judged."
    ),
    "collecting.near": "Your usual range is there; after a few more nights we can compare with it.",
    "insufficient.seen": "Of the last {reach} nights we could compare {judged}.",
    "insufficient.needs": "We need {fewest} to say anything.",
    "normal": "Nothing stands out.",
    "normal.alone": "From one signal we cannot tell strain from other causes.",
    "watch": "It may pass by itself; a cold coming on, alcohol, heat or short sleep can look the same.",
    "strained": (
        "This pattern often goes with accumulated training strain, but it may be something else: a cold coming on, "
        "alcohol, heat or short sleep can look the same."
    ),
    "strained.few": "When we last had enough nights to compare, they leaned towards strain.",
    "recovering": "Your nights are moving back towards your usual.",
    "recovering.may": "A hard day may still set them back.",
    "possible_illness": "There are other signs of strain, more than training alone would show.",
    "possible_illness.may": "What is behind them we cannot know; many things may be.",
    "travel": "Travel may move your nights for a week, so we hold back judgement.",
    "new_normal": (
        "Your nights have stayed at this level for four weeks, so we compare with this new range from now on."
    ),
    "new_normal.may": "It may have many causes, and it may be wrong: you can tell us.",
    "leaning.both.sleep": (
        "On {outside} of your last {judged} nights HRV and sleeping heart rate together leaned towards strain."
    ),
    "leaning.both.vendor_day": (
        "On {outside} of your last {judged} nights HRV and resting heart rate together leaned towards strain."
    ),
    "leaning.hrv": "On {outside} of your last {judged} nights your HRV leaned towards strain.",
    "leaning.sleep": "On {outside} of your last {judged} nights your sleeping heart rate leaned towards strain.",
    "leaning.vendor_day": "On {outside} of your last {judged} nights your resting heart rate leaned towards strain.",
    "night.none": "The latest night could not be compared; this stands from the nights before.",
    "night.none_then": "That night could not be compared; this stands from the nights before.",
    "night.latest": "Latest night:",
    "night.then": "That night:",
    "night.one": "Latest night: {first}.",
    "night.both": "Latest night: {first} and {second}.",
    "value.hrv": "HRV {value:.0f} ms",
    "value.sleep": "sleeping heart rate {value:.0f} bpm",
    "value.vendor_day": "resting heart rate {value:.0f} bpm",
    "usual.hrv": "HRV {value:.0f} ms (usual {low:.0f}–{high:.0f})",
    "usual.sleep": "sleeping heart rate {value:.0f} bpm (usual {low:.0f}–{high:.0f})",
    "usual.vendor_day": "resting heart rate {value:.0f} bpm (usual {low:.0f}–{high:.0f})",
    "next.collecting": "Wear it to bed.",
    "next.normal": "Do what you had planned.",
    "next.mixed": "Check that the sensor sits well, and do what you had planned.",
    "next.watch": "Keep your plan, and consider adding nothing hard yet.",
    "next.strained": "Consider swapping the next hard session for an easy one or rest. Look again in 3 nights.",
    "next.recovering": "Consider coming back in steps over two or three days.",
    "next.possible_illness": "Rest first. If you feel unwell, consider asking a professional.",
    "next.travel": "Take it as it comes; we hold back for a week after such a shift.",
    "next.new_normal": "Carry on, and tell us if this is wrong.",
    "next.insufficient": "Wear it to bed for a few nights.",
}

DE: Mapping[str, str] = {
    "feeling": "Wie du dich fühlst, zählt mehr als das hier.",
    "unsure": "Wir sind nicht sicher, und das kann sich noch ändern.",
    "collecting.far": "Bisher {nights} von {fewest} Nächten.",
    "collecting.needs": (
        "Dein üblicher Bereich braucht {fewest} Nächte, die mindestens eine Woche alt sind. "
        "Bis dahin beurteilen wir nichts."
    ),
    "collecting.near": "Dein üblicher Bereich steht; nach ein paar weiteren Nächten können wir damit vergleichen.",
    "insufficient.seen": "Von den letzten {reach} Nächten konnten wir {judged} vergleichen.",
    "insufficient.needs": "Wir brauchen {fewest}, um etwas zu sagen.",
    "normal": "Nichts fällt auf.",
    "normal.alone": "An einem Signal allein erkennen wir nicht, ob es Belastung ist oder etwas anderes.",
    "watch": (
        "Das kann von selbst vergehen. "
        "Eine beginnende Erkältung, Alkohol, Hitze oder kurzer Schlaf sehen oft genauso aus."
    ),
    "strained": (
        "Dieses Muster geht oft mit angesammelter Trainingsbelastung einher, kann aber auch etwas anderes sein. "
        "Eine beginnende Erkältung, Alkohol, Hitze oder kurzer Schlaf sehen oft genauso aus."
    ),
    "strained.few": "Als wir zuletzt genug Nächte vergleichen konnten, deuteten sie auf Belastung hin.",
    "recovering": "Deine Nächte nähern sich wieder dem, was für dich üblich ist.",
    "recovering.may": "Ein harter Tag kann sie noch zurückwerfen.",
    "possible_illness": "Es gibt andere Anzeichen von Belastung, mehr als Training allein zeigen würde.",
    "possible_illness.may": "Was dahintersteckt, können wir nicht wissen; es kann vieles sein.",
    "travel": "Eine Reise kann deine Nächte eine Woche lang verschieben. Darum halten wir uns mit Urteilen zurück.",
    "new_normal": (
        "Deine Nächte liegen seit vier Wochen auf dieser Höhe. Darum vergleichen wir ab jetzt mit diesem neuen Bereich."
    ),
    "new_normal.may": "Das kann viele Gründe haben, und es kann falsch sein: Sag es uns dann.",
    "leaning.both.sleep": (
        "In {outside} deiner letzten {judged} Nächte deuteten HRV und Schlafpuls zusammen auf Belastung hin."
    ),
    "leaning.both.vendor_day": (
        "In {outside} deiner letzten {judged} Nächte deuteten HRV und Ruhepuls zusammen auf Belastung hin."
    ),
    "leaning.hrv": "In {outside} deiner letzten {judged} Nächte deutete deine HRV auf Belastung hin.",
    "leaning.sleep": "In {outside} deiner letzten {judged} Nächte deutete dein Schlafpuls auf Belastung hin.",
    "leaning.vendor_day": "In {outside} deiner letzten {judged} Nächte deutete dein Ruhepuls auf Belastung hin.",
    "night.none": "Die letzte Nacht ließ sich nicht vergleichen; das hier gilt noch von den Nächten davor.",
    "night.none_then": "Jene Nacht ließ sich nicht vergleichen; das hier gilt noch von den Nächten davor.",
    "night.latest": "Letzte Nacht:",
    "night.then": "In jener Nacht:",
    "night.one": "Letzte Nacht: {first}.",
    "night.both": "Letzte Nacht: {first} und {second}.",
    "value.hrv": "HRV {value:.0f} ms",
    "value.sleep": "Schlafpuls {value:.0f} bpm",
    "value.vendor_day": "Ruhepuls {value:.0f} bpm",
    "usual.hrv": "HRV {value:.0f} ms (üblich {low:.0f}–{high:.0f})",
    "usual.sleep": "Schlafpuls {value:.0f} bpm (üblich {low:.0f}–{high:.0f})",
    "usual.vendor_day": "Ruhepuls {value:.0f} bpm (üblich {low:.0f}–{high:.0f})",
    "next.collecting": "Trag es nachts.",
    "next.normal": "Mach, was du vorhattest.",
    "next.mixed": "Prüf, ob der Sensor gut sitzt, und mach, was du vorhattest.",
    "next.watch": "Bleib bei deinem Plan und nimm lieber noch nichts Hartes dazu.",
    "next.strained": "Die nächste harte Einheit lieber leicht, oder ruh dich aus. Sieh in 3 Nächten wieder nach.",
    "next.recovering": "Steig lieber in Schritten wieder ein, über zwei oder drei Tage.",
    "next.possible_illness": "Ruh dich erst einmal aus. Wenn du dich unwohl fühlst, frag lieber eine Fachperson.",
    "next.travel": "Nimm es, wie es kommt; nach so einem Sprung halten wir uns eine Woche zurück.",
    "next.new_normal": "Mach weiter, und sag uns, wenn das nicht stimmt.",
    "next.insufficient": "Trag es ein paar Nächte lang.",
}
