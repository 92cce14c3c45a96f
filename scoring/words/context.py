"""What else was going on: training, output, patterns, sleep, air, and what the person noted."""

from collections.abc import Mapping

EN: Mapping[str, str] = {
    "hard_days": "You had {days} hard days in 5.",
    "hard_together": "You had {days} hard days in 5. The last {together} came one after the other.",
    "hard_run": "Your last {days} days were hard, one after the other.",
    "full_week": "Your last week held clearly more training than your weeks before it.",
    "monotonous": "Your last seven days of training were much alike, without an easy day between.",
    "double": "You trained twice on {days} of 5 days.",
    "close.less": "Less than an hour lay between two hard sessions.",
    "close.one": "Only about {number} hour lay between two hard sessions.",
    "close.other": "Only about {number} hours lay between two hard sessions.",
    "weak": "Your output at a given effort is among the lowest fifth of your last eight weeks.",
    "strong": (
        "Your heart rate at a given pace is lower than usual. "
        "While training is high that is no proof of fitness: how hard it feels tells more."
    ),
    "harder": "Training felt harder than your heart rate there would suggest, which can be a sign of strain.",
    "slow": "Your heart rate fell less than usual in the minute after training.",
    "quick": (
        "Your heart rate fell faster than usual after training. While training is high, that may be strain as well."
    ),
    "relaxed": "You are unusually relaxed while training is high: keep an eye on how sessions feel.",
    "spent": (
        "You are unusually relaxed while training is high and output is down. "
        "Endurance training can show like this when it runs ahead of rest; consider easy days."
    ),
    "low": "HRV and heart rate are both low while training is high: keep an eye on your performance.",
    "saturated": (
        "HRV and heart rate have both been low for {nights} nights while training is high. "
        "That may go with a lot of endurance training: keep an eye on your performance."
    ),
    "unsteady": (
        "Your HRV varies more from night to night than in your usual weeks. That often goes with more training."
    ),
    "loose": "HRV and heart rate were both far up on this night, which is rare: check that the sensor sits well.",
    "noted": "You noted that {signs}: signs that often go with reduced drive.",
    "sign.heavy_warm_up": "warm-up sets felt heavy",
    "sign.grip": "grip or bar control was off",
    "sign.compound": "compound lifts dropped more than isolation work",
    "sign.coordination": "coordination was off",
    "sign.flat_power": "power stayed flat",
    "short": "You slept {slept}, usual for you is {usual}.",
    "debt": "Over seven nights you slept about {owed} less than usual.",
    "thin_air": "Oxygen saturation is down and breathing rate up: altitude or heat may play a part.",
    "still": "For two days you have moved much less than usual.",
    "alcohol": "This night is noted with alcohol, so it is left out of strain and of your usual range.",
    "hours": "{hours} h {minutes} min",
}

DE: Mapping[str, str] = {
    "hard_days": "Von den letzten 5 Tagen waren {days} hart.",
    "hard_together": "Von den letzten 5 Tagen waren {days} hart. Die letzten {together} kamen direkt nacheinander.",
    "hard_run": "Deine letzten {days} Tage waren hart, einer nach dem anderen.",
    "full_week": "In deiner letzten Woche steckte deutlich mehr Training als in den Wochen davor.",
    "monotonous": "Deine letzten sieben Trainingstage waren sich sehr ähnlich, ohne einen leichten Tag dazwischen.",
    "double": "An {days} von 5 Tagen hast du zweimal trainiert.",
    "close.less": "Zwischen zwei harten Einheiten lag weniger als eine Stunde.",
    "close.one": "Zwischen zwei harten Einheiten lag nur etwa {number} Stunde.",
    "close.other": "Zwischen zwei harten Einheiten lagen nur etwa {number} Stunden.",
    "weak": "Deine Leistung bei gleicher Anstrengung liegt im untersten Fünftel deiner letzten acht Wochen.",
    "strong": (
        "Dein Puls bei gleichem Tempo ist niedriger als üblich. "
        "Solange du viel trainierst, beweist das keine Form: Wie schwer es sich anfühlt, sagt mehr."
    ),
    "harder": "Das Training fühlte sich schwerer an, als dein Puls dabei vermuten lässt. Das kann Belastung sein.",
    "slow": "In der Minute nach dem Training fiel dein Puls weniger als üblich.",
    "quick": (
        "Nach dem Training fiel dein Puls schneller als üblich. "
        "Solange du viel trainierst, kann auch das Belastung sein."
    ),
    "relaxed": "Du bist ungewöhnlich entspannt, obwohl du viel trainierst: Achte darauf, wie sich Einheiten anfühlen.",
    "spent": (
        "Du bist ungewöhnlich entspannt, obwohl du viel trainierst, und deine Leistung ist gesunken. "
        "So kann Ausdauertraining aussehen, das der Erholung vorausläuft; leichte Tage können helfen."
    ),
    "low": "HRV und Puls sind beide niedrig, während du viel trainierst: Behalte deine Leistung im Auge.",
    "saturated": (
        "HRV und Puls sind seit {nights} Nächten beide niedrig, während du viel trainierst. "
        "Das kann mit viel Ausdauertraining einhergehen: Behalte deine Leistung im Auge."
    ),
    "unsteady": (
        "Deine HRV schwankt von Nacht zu Nacht mehr als in üblichen Wochen. Das geht oft mit mehr Training einher."
    ),
    "loose": "In dieser Nacht waren HRV und Puls beide weit erhöht. Das ist selten: Prüf, ob der Sensor gut sitzt.",
    "noted": "Du hast notiert: {signs}. Solche Anzeichen gehen oft mit weniger Antrieb einher.",
    "sign.heavy_warm_up": "schwere Aufwärmsätze",
    "sign.grip": "unsicherer Griff",
    "sign.compound": "Grundübungen schwächer als Isolationsübungen",
    "sign.coordination": "unsichere Koordination",
    "sign.flat_power": "flache Kraft",
    "short": "Du hast {slept} geschlafen, üblich sind bei dir {usual}.",
    "debt": "In sieben Nächten hast du etwa {owed} weniger geschlafen als üblich.",
    "thin_air": "Der Sauerstoffwert ist niedriger und die Atmung schneller: Höhe oder Hitze können mitspielen.",
    "still": "Seit zwei Tagen bewegst du dich viel weniger als üblich.",
    "alcohol": "Für diese Nacht ist Alkohol notiert. Darum zählt sie nicht, auch nicht zu deinem üblichen Bereich.",
    "hours": "{hours} h {minutes} min",
}
