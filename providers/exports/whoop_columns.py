"""The columns of WHOOP's files, in the languages its app exports in, and which file a header belongs to.

WHOOP translates column names (and file names) into the language of the account, while times, zones and numbers stay
as they are. The English names are WHOOP's; the others are those of real German, Spanish, French and Brazilian exports
that people reported in public trackers. A name that WHOOP changes is a column that is absent, never one misread.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CYCLES, JOURNAL, SLEEPS, WORKOUTS = "whoop.cycles", "whoop.journal", "whoop.sleeps", "whoop.workouts"

# Our name: English, German, Spanish, French, Portuguese; then spellings of exports that tools have rewritten.
_NAMES: dict[str, str] = {
    "start": "Cycle start time|Startzeit des Zyklus|Hora de inicio del ciclo|Heure de début du cycle"
    "|Hora de início do ciclo",
    "end": "Cycle end time|Endzeit des Zyklus|Hora de finalización del ciclo|Heure de fin du cycle"
    "|Hora de fim do ciclo",
    "zone": "Cycle timezone|Zeitzone des Zyklus|Zona horaria del ciclo|Fuseau horaire du cycle|Fuso horário do ciclo"
    "|Cycle time zone|Timezone",
    "recovery": "Recovery score %|Erholungswert %|Puntuación de recuperación (%)|Score de récupération %"
    "|Pontuação de recuperação %|Recovery %",
    "resting": "Resting heart rate (bpm)|Ruheherzfrequenz (Schläge pro Minute)|Frecuencia cardíaca en reposo (lpm)"
    "|Fréquence cardiaque au repos (bpm)|Frequência cardíaca em repouso (bpm)|Resting HR",
    "hrv": "Heart rate variability (ms)|Herzfrequenzvariabilität (ms)|Variabilidad de la frecuencia cardíaca (ms)"
    "|Variabilité de la fréquence cardiaque (ms)|Variabilidade da frequência cardíaca (ms)|HRV (ms)|HRV rMSSD (ms)",
    "skin": "Skin temp (celsius)|Hauttemperatur (Celsius)|Temp. cutánea (grados centígrados)"
    "|Température cutanée (celsius)|Temp. da pele (celsius)|Skin temperature (celsius)",
    "oxygen": "Blood oxygen %|Blutsauerstoff %|Oxígeno en sangre %|Niveau d'oxygène %|% de oxigênio no sangue|SpO2 %",
    "strain": "Day Strain|Tagesbelastung|Esfuerzo del día|Effort du jour|Esforço diário",
    "energy": "Energy burned (cal)|Verbrannte Energie (cal)|Energía quemada (cal)|Dépense énergétique (cal)"
    "|Energia queimada (cal)",
    "onset": "Sleep onset|Beginn des Schlafs|Inicio del sueño|Premiers signes de sommeil|Início do sono",
    "wake": "Wake onset|Beginn des Aufwachens|Inicio de la vigilia|Premiers signes de réveil|Início da vigília",
    "performance": "Sleep performance %|Schlafleistung %|Calificación del sueño (%)|Performance sommeil %"
    "|Desempenho do sono %",
    "breathing": "Respiratory rate (rpm)|Atemfrequenz (Atemzüge/Min.)|Frecuencia respiratoria (rpm)"
    "|Fréquence respiratoire (tr/min)|Frequência respiratória (rpm)",
    "asleep": "Asleep duration (min)|Schlafdauer (Min.)|Duración del sueño (min)|Durée du sommeil (min)"
    "|Duração do sono (min)",
    "in_bed": "In bed duration (min)|Dauer im Bett (Min.)|Tiempo en la cama (min)|Temps passé au lit (min)"
    "|Duração na cama (min)",
    "light": "Light sleep duration (min)|Dauer des Leichtschlafs (Min.)|Duración de sueño ligero (min)"
    "|Durée du sommeil léger (min)|Duração do sono leve (min)",
    "deep": "Deep (SWS) duration (min)|Dauer des Tiefschlafs (Min.)|Duración de sueño profundo (SWS) (min)"
    "|Durée du sommeil profond (min)|Duração profundo (Sono) (min)|Deep duration (min)",
    "rem": "REM duration (min)|Dauer des REM-Schlafs (Min.)|Duración de sueño REM (min)"
    "|Durée du sommeil paradoxal (min)|Duração REM (min)",
    "awake": "Awake duration (min)|Dauer des Aufwachens (Min.)|Tempo despierto/a (min)|Temps d'éveil (min)"
    "|Duração de vigília (min)",
    "need": "Sleep need (min)|Schlafbedarf (Min.)|Sueño necesario (min)|Besoins en sommeil (min)"
    "|Necessidade de sono (min)",
    "debt": "Sleep debt (min)|Schlafdefizit (Min.)|Deuda de sueño (min)|Dette de sommeil (min)|Débito de sono (min)",
    "efficiency": "Sleep efficiency %|Schlafeffizienz %|Eficiencia del sueño %|Efficacité du sommeil %"
    "|Eficácia do sono %",
    "consistency": "Sleep consistency %|Schlafbeständigkeit %|Regularidad del sueño %|Régularité du sommeil %"
    "|Consistência do sono %",
    "question": "Question text|Fragetext|Texto de la pregunta|Texto de pergunta|Question",
    "answer": 'Answered yes|Beantwortet mit Ja|Respondió "Sí"|Respondeu sim|Answered yes/no|Answered',
    "nap": "Nap|Nickerchen|Siesta|Sieste|Sesta",
    "workout": "Workout start time|Startzeit des Trainings|Hora de inicio del entrenamiento"
    "|Heure de début de l'entraînement|Hora de início do treino",
}
_UNITS = frozenset({"bpm", "lpm", "ms", "celsius", "c", "cal", "kcal", "min", "minutes", "rpm", "percent", "pct"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each of our columns stands in this file's rows, and how the file calls it."""

    at: Mapping[str, int]
    titles: Sequence[str]
    decimal_comma: bool

    def cell(self, cells: Sequence[str], name: str) -> str:
        """The cell's text; empty where the file lacks the column."""
        place = self.at.get(name)
        return "" if place is None else cells[place]

    def title(self, name: str) -> str:
        """The column's name as the person reads it in the file."""
        return self.titles[self.at[name]]


def columns_of(titles: Sequence[str], delimiter: str) -> Columns:
    """Find our columns among these titles; the first of two equal ones counts."""
    at: dict[str, int] = {}
    for place, title in enumerate(titles):
        name = _KNOWN.get(_folded(title))
        if name:
            at.setdefault(name, place)
    # Where a comma separates cells it cannot be a decimal mark; elsewhere numbers follow the spreadsheet's language.
    return Columns(at, titles, decimal_comma=delimiter != ",")


def stream_of(columns: Columns) -> str | None:
    """Which of WHOOP's files has these columns; None if it is none of them."""
    present = columns.at.keys()
    if "start" not in present:
        return None
    if {"question", "answer"} <= present:
        return JOURNAL
    if present & {"hrv", "resting", "recovery"}:
        return CYCLES
    if "workout" in present:
        return WORKOUTS
    return SLEEPS if present & {"nap", "onset"} else None


def words_of(text: str) -> list[str]:
    """The words of a title or a question without case, accents and marks, so that rewritten ones still match."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[a-z0-9]+", "".join(mark for mark in plain if not unicodedata.combining(mark)))


def _folded(title: str) -> str:
    """A column's name without the unit at its end: `HRV_(ms)` and `hrv` are one, but not `Skin temp (fahrenheit)`."""
    words = words_of(title)
    while words and words[-1] in _UNITS:
        words.pop()
    return " ".join(words)


_KNOWN = {_folded(title): name for name, titles in _NAMES.items() for title in titles.split("|")}
