"""Headers of real exports differ in case, marks, units, separators and language. They are still one file."""

import pytest

from providers.exports.whoop_csv import recognise
from providers.shapes import DayValue, Episode, Rejected

CYCLES = "Cycle start time,Cycle timezone,Heart rate variability (ms),Resting heart rate (bpm)"
ROW = "2026-11-02 22:41:07,UTC-08:00,71,52"


def numbers(export):
    return {row.definition.measure.name: row.value for row in export.rows if isinstance(row, DayValue)}


@pytest.mark.parametrize(
    "header",
    [
        CYCLES,
        CYCLES.upper(),
        "cycle_start_time,cycle_timezone,heart_rate_variability_ms,resting_heart_rate_bpm",
        "cycle_start_time,cycle_timezone,hrv,resting_heart_rate",
        '"Cycle start time","Cycle timezone","Heart rate variability (ms)","Resting heart rate (bpm)"',
        "  Cycle  start time , Cycle timezone,Heart rate variability,Resting heart rate bpm",
        "\ufeff" + CYCLES,
        "\n\n" + CYCLES,
        "\ufeffsep=,\n" + CYCLES,
        CYCLES + ",,,",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_header_is_known_in_any_dress(read, header, end):
    text = f"{header}\n{ROW}\n".replace("\n", end)
    assert recognise(text.encode()) == "whoop.cycles"
    assert numbers(read(text)) == {"heart_rate_variability_rmssd": 71, "resting_heart_rate": 52}


@pytest.mark.parametrize(("separator", "told"), [(";", ""), ("\t", ""), (";", "sep=;\n"), (";", '"sep=;"\r\n')])
def test_semicolons_and_tabs_separate_cells_and_let_commas_be_decimal_marks(read, separator, told):
    text = f"{told}{CYCLES},Day Strain\n{ROW},11_4\n".replace(",", separator).replace("_", ",")
    assert numbers(read("\ufeff" + text))["vendor_strain"] == 11.4


def test_with_semicolons_a_decimal_point_is_one_too(read):
    assert numbers(read(f"{CYCLES}\n{ROW}.5\n".replace(",", ";")))["resting_heart_rate"] == 52.5


def test_a_column_in_another_unit_is_absent_rather_than_misread(read):
    export = read(f"{CYCLES},Skin temp (fahrenheit),Energy burned (kJ)\n{ROW},92.1,9000\n")
    assert numbers(export).keys() == {"heart_rate_variability_rmssd", "resting_heart_rate"}


def test_columns_may_stand_in_any_order_and_the_first_of_two_equal_ones_counts(read):
    header = "Notes,Resting heart rate (bpm),hrv,Heart rate variability (ms),Cycle timezone,Cycle start time"
    assert numbers(read(f"{header}\n,52,71,99,Z,2026-11-02 22:41:07\n"))["heart_rate_variability_rmssd"] == 71


@pytest.mark.parametrize(
    ("header", "stream"),
    [
        ("Cycle start time,Recovery score %", "whoop.cycles"),
        ("Cycle start time,Resting heart rate (bpm)", "whoop.cycles"),
        ("Cycle start time,Cycle end time,Cycle timezone,Question text,Answered yes,Notes", "whoop.journal"),
        ("Cycle start time,Cycle timezone,Question text,Answered yes/no", "whoop.journal"),
        ('Hora de inicio del ciclo,Texto de la pregunta,"Respondió ""Sí"""', "whoop.journal"),
        ("Startzeit des Zyklus,Fragetext,Beantwortet mit Ja,Anmerkungen", "whoop.journal"),
        ("Cycle start time,Sleep onset,Wake onset,Asleep duration (min),Nap", "whoop.sleeps"),
        ("Cycle start time,Workout start time,Activity Strain,Average HR (bpm)", "whoop.workouts"),
        ("Cycle start time,Day Strain", None),
        ("Recovery score %,Heart rate variability (ms)", None),
        ("name,email,phone", None),
        ("", None),
        ("\n\n", None),
        ('"never closed', None),
    ],
)
def test_a_file_is_recognised_by_its_header(header, stream):
    assert recognise(header.encode()) == stream


def test_the_beginning_of_a_file_is_enough_to_recognise_it():
    assert recognise(f"{CYCLES}\n2026-11-02 2".encode()) == "whoop.cycles"


def test_bytes_that_are_no_text_are_not_recognised():
    assert recognise(b"\xff\xfeC\0y\0c\0") is None
    assert recognise(b"") is None


def test_a_german_export_reads_like_an_english_one(read):
    header = (
        "Startzeit des Zyklus,Endzeit des Zyklus,Zeitzone des Zyklus,Erholungswert %,"
        "Ruheherzfrequenz (Schläge pro Minute),Herzfrequenzvariabilität (ms),Hauttemperatur (Celsius),"
        "Blutsauerstoff %,Tagesbelastung,Verbrannte Energie (cal),Max HF (Schläge pro Minute),"
        "Durchschnittliche HF (Schläge pro Minute),Beginn des Schlafs,Beginn des Aufwachens,Schlafleistung %,"
        "Atemfrequenz (Atemzüge/Min.),Schlafdauer (Min.),Dauer im Bett (Min.),Dauer des Leichtschlafs (Min.),"
        "Dauer des Tiefschlafs (Min.),Dauer des REM-Schlafs (Min.),Dauer des Aufwachens (Min.),Schlafbedarf (Min.),"
        "Schlafdefizit (Min.),Schlafeffizienz %,Schlafbeständigkeit %"
    )
    assert_all_read(read, header)


def test_a_spanish_export_reads_like_an_english_one(read):
    header = (
        "Hora de inicio del ciclo,Hora de finalización del ciclo,Zona horaria del ciclo,"
        "Puntuación de recuperación (%),Frecuencia cardíaca en reposo (lpm),"
        "Variabilidad de la frecuencia cardíaca (ms),Temp. cutánea (grados centígrados),Oxígeno en sangre %,"
        "Esfuerzo del día,Energía quemada (cal),FC máx. (lpm),FC promedio (lpm),Inicio del sueño,"
        "Inicio de la vigilia,Calificación del sueño (%),Frecuencia respiratoria (rpm),Duración del sueño (min),"
        "Tiempo en la cama (min),Duración de sueño ligero (min),Duración de sueño profundo (SWS) (min),"
        "Duración de sueño REM (min),Tempo despierto/a (min),Sueño necesario (min),Deuda de sueño (min),"
        "Eficiencia del sueño %,Regularidad del sueño %"
    )
    assert_all_read(read, header)


def test_a_french_export_reads_like_an_english_one(read):
    header = (
        "Heure de début du cycle,Heure de fin du cycle,Fuseau horaire du cycle,Score de récupération\u00a0%,"
        "Fréquence cardiaque au repos (bpm),Variabilité de la fréquence cardiaque (ms),"
        "Température cutanée (celsius),Niveau d’oxygène %,Effort du jour,Dépense énergétique (cal),FC max (bpm),"
        "FC moyenne (bpm),Premiers signes de sommeil,Premiers signes de réveil,Performance sommeil %,"
        "Fréquence respiratoire (tr/min),Durée du sommeil (min),Temps passé au lit (min),"
        "Durée du sommeil léger (min),Durée du sommeil profond (min),Durée du sommeil paradoxal (min),"
        "Temps d'éveil (min),Besoins en sommeil (min),Dette de sommeil (min),Efficacité du sommeil %,"
        "Régularité du sommeil %"
    )
    assert_all_read(read, header)


def test_a_brazilian_export_reads_like_an_english_one(read):
    header = (
        "Hora de início do ciclo,Hora de fim do ciclo,Fuso horário do ciclo,Pontuação de recuperação %,"
        "Frequência cardíaca em repouso (bpm),Variabilidade da frequência cardíaca (ms),Temp. da pele (celsius),"
        "% de oxigênio no sangue,Esforço diário,Energia queimada (cal),FC máx. (bpm),FC média (bpm),Início do sono,"
        "Início da vigília,Desempenho do sono %,Frequência respiratória (rpm),Duração do sono (min),"
        "Duração na cama (min),Duração do sono leve (min),Duração profundo (Sono) (min),Duração REM (min),"
        "Duração de vigília (min),Necessidade de sono (min),Débito de sono (min),Eficácia do sono %,"
        "Consistência do sono %"
    )
    assert_all_read(read, header)


def assert_all_read(read, header):
    cells = (
        "2026-11-02 22:41:07,2026-11-03 23:02:55,UTC+01:00,66,52,71,33.42,96.3,11.4,2456,161,71,2026-11-02 22:41:07,"
        "2026-11-03 06:29:31,88,14.6,431,468,210,92,129,37,489,24,92,77"
    )
    export = read(f"{header}\n{cells}\n")
    (night,) = [row for row in export.rows if isinstance(row, Episode)]
    assert len(numbers(export)) == 9
    assert len(night.detail) == 11
    assert not [row for row in export.rows if isinstance(row, Rejected)]


def test_a_fault_names_the_column_as_the_person_reads_it(read):
    (fault,) = [row for row in read(f"{CYCLES.upper()}\n{ROW}9999\n").rows if isinstance(row, Rejected)]
    assert fault.field == "RESTING HEART RATE (BPM)"
