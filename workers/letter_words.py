"""What the mails say beside what scoring says, in two languages; one template serves both."""

from collections.abc import Mapping

from ingest import privacy
from ingest.words.phrases import DE as PAGE_DE
from ingest.words.phrases import EN as PAGE_EN

EN: Mapping[str, str] = {
    "hello": "Hello,",
    "disclaimer": PAGE_EN["disclaimer"],
    "feeling": "How you feel counts more than this mail.",
    "stop.strained": "You get this because strain alerts go to this address.",
    "stop.connections": "You get this because messages about your connections go to this address.",
    "stop": "Change or stop",
    "pause": "Leave me alone for a while",
    "strained.subject": "Strain has lasted several nights",
    "strained.usual": "usual {usual}",
    "strained.picture": (
        "Your HRV above your heart rate, night by night for five weeks, each within or outside its usual range."
    ),
    "strained.next": "What to do next",
    "strained.page": "See the nights and the rule",
    "strained.why": "It was something else (ill, drinks, travel, a new device)",
    "quiet.subject": "Something changed in your nights",
    "quiet.seen": "Your recent nights look different from your usual.",
    "quiet.where": "What was seen stands on your page.",
    "quiet.page": "Open the page",
    "quiet.why": (
        "This mail carries no numbers, as nobody has confirmed this address yet. "
        "Signing in once with a code sent here confirms it."
    ),
    "reconnect.subject": "{vendor} needs you",
    "reconnect.ended": "{vendor} ended our access on {day}.",
    "reconnect.nothing": "Since {day} {vendor} gives us nothing: {reason}.",
    "reconnect.safe": "Your past nights are safe. Connect again and we fetch what is missing.",
    "reconnect.text": (
        "Your past nights are safe and stay here. Connect again and we fetch what is missing; "
        "until then we cannot judge new nights from there."
    ),
    "reconnect.page": "Connect again",
    "once": "This mail comes once.",
    "test.subject": "A test from Vagus",
    "test.preheader": "Mail from Vagus reaches you here.",
    "test.text": "This is the test that you asked for: mail from Vagus reaches you here. There is nothing to do.",
    "sign_in.subject": "Your Vagus code",
    "sign_in.preheader": "Enter it where you asked for it, within ten minutes.",
    "sign_in.code": "Your code for Vagus is",
    "sign_in.text": (
        "Enter it where you asked for it, within ten minutes. It works once. Or open this page in the same browser:"
    ),
    "sign_in.page": "Enter the code",
    "sign_in.not_you": (
        "If you did not ask for a code, do nothing: without your browser it is worth nothing to anybody."
    ),
    "erased.subject": "Everything about you was erased",
    "erased.preheader": "This is the last mail: your address goes with it.",
    "erased.text": "On {at} everything that Vagus stored about you was erased:",
    "erased.nothing": "On {at} everything that Vagus stored about you was erased: nothing but this address was stored.",
    "erased.rest": (
        "What remains is that date and these counts, without a name. This is the last mail: your address goes with it."
    ),
    **{f"erased.{name}": label for name, label in privacy.LABELS.items()},
}

DE: Mapping[str, str] = {
    "hello": "Hallo,",
    "disclaimer": PAGE_DE["disclaimer"],
    "feeling": "Wie du dich fühlst, zählt mehr als diese Mail.",
    "stop.strained": "Du bekommst das, weil Mitteilungen über Belastung an diese Adresse gehen.",
    "stop.connections": "Du bekommst das, weil Mitteilungen über deine Verbindungen an diese Adresse gehen.",
    "stop": "Ändern oder abbestellen",
    "pause": "Lass mich eine Weile in Ruhe",
    "strained.subject": "Belastung seit mehreren Nächten",
    "strained.usual": "üblich {usual}",
    "strained.picture": (
        "Deine HRV über deinem Puls, Nacht für Nacht über fünf Wochen, jede in oder außerhalb ihres üblichen Bereichs."
    ),
    "strained.next": "Nächster Schritt",
    "strained.page": "Die Nächte und die Regel ansehen",
    "strained.why": "Es war etwas anderes (krank, Alkohol, Reise, neues Gerät)",
    "quiet.subject": "In deinen Nächten hat sich etwas geändert",
    "quiet.seen": "Deine letzten Nächte sehen anders aus als für dich üblich.",
    "quiet.where": "Was zu sehen war, steht auf deiner Seite.",
    "quiet.page": "Die Seite öffnen",
    "quiet.why": (
        "Diese Mail enthält keine Zahlen, weil noch niemand diese Adresse bestätigt hat. "
        "Melde dich einmal mit einem Code an, der hierher kommt; das bestätigt sie."
    ),
    "reconnect.subject": "{vendor} braucht dich",
    "reconnect.ended": "Seit {day} haben wir bei {vendor} keinen Zugang mehr.",
    "reconnect.nothing": "Seit {day} gibt uns {vendor} nichts mehr. Der Grund auf Englisch: {reason}.",
    "reconnect.safe": "Deine Nächte bis dahin sind sicher. Verbinde neu, dann holen wir, was fehlt.",
    "reconnect.text": (
        "Deine Nächte bis dahin sind sicher und bleiben hier. Verbinde neu, dann holen wir, was fehlt; "
        "bis dahin können wir neue Nächte von dort nicht beurteilen."
    ),
    "reconnect.page": "Neu verbinden",
    "once": "Diese Mail kommt nur einmal.",
    "test.subject": "Ein Test von Vagus",
    "test.preheader": "Mail von Vagus erreicht dich hier.",
    "test.text": "Das ist der Test, den du wolltest: Mail von Vagus erreicht dich hier. Es ist nichts zu tun.",
    "sign_in.subject": "Dein Code für Vagus",
    "sign_in.preheader": "Gib ihn dort ein, wo du ihn angefordert hast, innerhalb von zehn Minuten.",
    "sign_in.code": "Dein Code für Vagus ist",
    "sign_in.text": (
        "Gib ihn dort ein, wo du ihn angefordert hast, innerhalb von zehn Minuten. Er gilt einmal. "
        "Oder öffne diese Seite im selben Browser:"
    ),
    "sign_in.page": "Code eingeben",
    "sign_in.not_you": (
        "Wenn du keinen Code angefordert hast, tu nichts: Ohne deinen Browser nützt er niemandem etwas."
    ),
    "erased.subject": "Alles über dich wurde gelöscht",
    "erased.preheader": "Das ist die letzte Mail: Auch deine Adresse wird gelöscht.",
    "erased.text": "Am {at} wurde alles gelöscht, was Vagus über dich gespeichert hatte:",
    "erased.nothing": (
        "Am {at} wurde alles gelöscht, was Vagus über dich gespeichert hatte: nichts außer dieser Adresse."
    ),
    "erased.rest": (
        "Was bleibt, sind dieses Datum und diese Zahlen, ohne Namen. "
        "Das ist die letzte Mail: Auch deine Adresse wird gelöscht."
    ),
    "erased.nights_assessed": "Beurteilte Nächte",
    "erased.connections": "Verbindungen und Quellen von Dateien",
    "erased.day_values": "Werte von Nächten",
    "erased.blocks": "Tage mit Puls und HRV über den Tag",
    "erased.episodes": "Schlaf und Einheiten",
    "erased.tags": "Tagebuchantworten und Notizen",
    "erased.check_ins": "Einträge am Morgen",
    "erased.questions": "Fragen, die wir gestellt haben",
    "erased.drive_tests": "Tests von einer Minute",
    "erased.alerts": "Mitteilungen über Belastung",
    "erased.messages": "Nachrichten",
    "erased.files_kept": "Teile von Dateien und Antworten, versiegelt",
    "erased.hints": "Hinweise von Anbietern",
    "erased.set_aside": "Beiseitegelegte Einträge",
    "erased.runs": "Importe und andere Läufe",
}
