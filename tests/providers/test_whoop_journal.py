"""Answers on alcohol, illness and travel become tags; nothing else of a journal is kept."""

from datetime import UTC, date, datetime

import pytest

from providers.exports.whoop_journal import tag_of
from providers.shapes import Rejected, Tag

KEY = "2026-11-03T06:41:07Z"
LINK = ("whoop.sleep", KEY)


@pytest.mark.parametrize(
    ("question", "tag"),
    [
        ("Have any alcoholic drinks?", "alcohol"),
        ("Had any alcoholic drinks", "alcohol"),
        ("Consumed Alcohol", "alcohol"),
        ("Did you drink any alcohol?", "alcohol"),
        ("Drink alcohol close to bedtime?", "alcohol"),
        ("Alkohol konsumiert?", "alcohol"),
        ("Consommé de l'alcool ?", "alcohol"),
        ("Tomou bebidas alcoólicas?", "alcohol"),
        ("Feeling sick or ill?", "ill"),
        ("Feeling sick or unwell?", "ill"),
        ("Felt ill", "ill"),
        ("Experiencing COVID-19 symptoms?", "ill"),
        ("Test positive for COVID-19?", "ill"),
        ("Have a fever?", "ill"),
        ("Have the flu?", "ill"),
        ("Traveled on a plane?", "travel"),
        ("Travelled on a plane", "travel"),
        ("Traveling?", "travel"),
        ("Take a flight?", "travel"),
        ("Experience jet lag?", "travel"),
        ("Jet-lagged?", "travel"),
        ("Changed time zones?", "travel"),
    ],
)
def test_a_question_on_alcohol_illness_or_travel_is_known(question, tag):
    assert tag_of(question) == tag
    assert tag_of(question.upper()) == tag


@pytest.mark.parametrize(
    "question",
    [
        "Avoid alcohol?",
        "Avoided alcohol",
        "Have any non-alcoholic drinks?",
        "Drink alcohol-free beer?",
        "Abstain from alcohol?",
        "Limit alcohol?",
        "Stay sober?",
        "Share your bed?",
        "Share your bed with a pet?",
        "Care for a sick child?",
        "Feel seasick?",
        "Feel motion sickness?",
        "Feel car sick?",
        "Experience morning sickness?",
        "Feel homesick?",
        "Get a flu shot?",
        "Receive a COVID-19 vaccine?",
        "Take a COVID-19 test?",
        "Exposed to COVID-19?",
        "Feel mentally ill?",
        "Climb a flight of stairs?",
        "Plan your day?",
        "Still awake at midnight?",
        "Take a cold shower?",
        "Consumed caffeine?",
        "Avoid travel?",
        "Feel chilled?",
        "",
    ],
)
def test_a_question_on_something_else_or_after_a_virtue_is_passed_over(question):
    assert tag_of(question) is None


@pytest.mark.parametrize(
    ("answer", "present"),
    [
        ("true", True),
        ("TRUE", True),
        ("yes", True),
        ("Yes", True),
        ("1", True),
        ("false", False),
        ("False", False),
        ("no", False),
        ("NO", False),
        ("0", False),
    ],
)
def test_a_yes_and_a_no_are_both_kept(read, journal, answer, present):
    assert read(journal(("Have any alcoholic drinks?", answer))).rows == [
        Tag(date(2026, 11, 3), "alcohol", f"whoop journal {KEY}", present, LINK)
    ]


@pytest.mark.parametrize("answer", ["", "maybe", "2", "n/a"])
def test_another_answer_is_set_aside_alone(read, journal, answer):
    export = read(journal(("Have any alcoholic drinks?", answer), ("Feeling sick or ill?", "false")))
    tag, fault = export.rows
    assert isinstance(tag, Tag)
    assert (fault.reason, fault.field, fault.line, fault.record) == (
        "it is neither yes nor no",
        "Answered yes",
        2,
        KEY,
    )


def test_another_answer_to_a_question_that_we_pass_over_is_passed_over(read, journal):
    assert read(journal(("Consumed caffeine?", "two cups"))).rows == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_yes_to_one_of_two_questions_with_one_meaning_wins(read, journal, order):
    entries = [("Feeling sick or ill?", "false"), ("Experiencing COVID-19 symptoms?", "true")][::order]
    (tag,) = read(journal(*entries)).rows
    assert (tag.name, tag.present) == ("ill", True)


def test_an_answer_belongs_to_the_morning_after_the_cycle_began(read, journal):
    evening = "2026-11-02 22:41:07,,UTC-08:00,Have any alcoholic drinks?,true,"
    night = "2026-11-04 01:10:00,,UTC-08:00,Have any alcoholic drinks?,true,"
    days = [tag.day for tag in read(journal(evening, night)).rows]
    assert days == [date(2026, 11, 3), date(2026, 11, 4)]


def test_a_note_may_hold_anything_and_is_never_kept(read, journal):
    note = '"two beers, ""only"" two\nthen\n,home,"'
    export = read(
        journal(
            f"2026-11-02 22:41:07,,UTC-08:00,Have any alcoholic drinks?,true,{note}",
            "2026-11-02 22:41:07,,UTC-08:00,Feeling sick or ill?,false,",
        )
    )
    assert [tag.name for tag in export.rows] == ["alcohol", "ill"]
    assert "beers" not in repr(export.rows)


def test_a_row_of_a_journal_with_unreadable_times_is_set_aside(read, journal):
    bad = "soon,,UTC-08:00,Have any alcoholic drinks?,true,"
    export = read(journal(bad, ("Have any alcoholic drinks?", "true")))
    assert [row for row in export.rows if isinstance(row, Rejected)] == [
        Rejected("its Cycle start time is not a time such as 2026-11-01 06:40:11", bad, 2)
    ]


def test_a_journal_is_as_old_as_its_latest_cycle(read, journal):
    assert read(journal(("Consumed caffeine?", "true"))).as_of == datetime(2026, 11, 4, 7, 2, 55, tzinfo=UTC)
