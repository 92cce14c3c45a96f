"""What limits confidence in a night, a sentence for each."""

from collections.abc import Mapping

EN: Mapping[str, str] = {
    "settled.one": "Your usual range rests on {number} night so far.",
    "settled.other": "Your usual range rests on {number} nights so far.",
    "recent.one": "Only {number} recent night could be used.",
    "recent.other": "Only {number} recent nights could be used.",
    "sdnn": "HRV comes as SDNN, which is noisier than a whole night's rMSSD.",
    "spot": "HRV comes from one short reading instead of the whole night.",
    "only.hrv": "Only HRV could be compared.",
    "only.sleep": "Only sleeping heart rate could be compared.",
    "only.vendor_day": "Only resting heart rate could be compared.",
    "changed": "A source of your data changed, or was reset, in the last three weeks.",
    "mixed.sleep": "HRV and sleeping heart rate are both up, which can be a loose sensor.",
    "mixed.vendor_day": "HRV and resting heart rate are both up, which can be a loose sensor.",
}

DE: Mapping[str, str] = {
    "settled.one": "Dein üblicher Bereich beruht bisher auf {number} Nacht.",
    "settled.other": "Dein üblicher Bereich beruht bisher auf {number} Nächten.",
    "recent.one": "Nur {number} Nacht der letzten Zeit war brauchbar.",
    "recent.other": "Nur {number} Nächte der letzten Zeit waren brauchbar.",
    "sdnn": "Die HRV kommt als SDNN; das schwankt mehr als rMSSD über die ganze Nacht.",
    "spot": "Die HRV kommt aus einer kurzen Messung statt aus der ganzen Nacht.",
    "only.hrv": "Nur die HRV ließ sich vergleichen.",
    "only.sleep": "Nur der Schlafpuls ließ sich vergleichen.",
    "only.vendor_day": "Nur der Ruhepuls ließ sich vergleichen.",
    "changed": "Eine Quelle deiner Daten hat in den letzten drei Wochen gewechselt oder neu begonnen.",
    "mixed.sleep": "HRV und Schlafpuls sind beide erhöht; das kann ein lockerer Sensor sein.",
    "mixed.vendor_day": "HRV und Ruhepuls sind beide erhöht; das kann ein lockerer Sensor sein.",
}
