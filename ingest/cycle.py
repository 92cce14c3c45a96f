"""The phase of a cycle on each day, from the first days of periods that the person noted, and from nothing else.

A day is decided by notes of that day and earlier ones alone, so a later note never moves a past phase. Nothing is said
before the first note, nor long after the last one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal

Phase = Literal["follicular", "luteal"]
USUAL_DAYS, FEWEST_CYCLES = 28, 2  # taken until so many of the person's own are known
SHORTEST, LONGEST = 20, 45  # days between two notes that count as one cycle: beyond, a note is likely missing
SAME_PERIOD = timedelta(days=10)  # a second note this soon is of the period that has begun
LUTEAL_DAYS, OVERDUE_DAYS = 13, 14


def phases(noted: Iterable[date], days: Iterable[date]) -> dict[date, Phase]:
    """The phase on each of these days that has one; the order of notes does not matter."""
    began = first_days(noted)
    usual = {day: usual_length(began[: place + 1]) for place, day in enumerate(began)}
    found = ((day, _phase(day, began, usual)) for day in days)
    return {day: phase for day, phase in found if phase is not None}


def first_days(noted: Iterable[date]) -> list[date]:
    """The day each period began, oldest first, where somebody noted a later day of it too."""
    began: list[date] = []
    for day in sorted(noted):
        if not began or day - began[-1] >= SAME_PERIOD:
            began.append(day)
    return began


def usual_length(began: list[date]) -> float:
    """Median length in days of the cycles between these first days, oldest first; 28 until two are known."""
    lengths = [(later - earlier).days for earlier, later in pairwise(began)]
    known = [days for days in lengths if SHORTEST <= days <= LONGEST]
    return median(known) if len(known) >= FEWEST_CYCLES else USUAL_DAYS


def _phase(day: date, began: list[date], usual: Mapping[date, float]) -> Phase | None:
    place = bisect_right(began, day)
    if not place:
        return None
    start = began[place - 1]
    length, day_of_cycle = usual[start], (day - start).days + 1
    if day_of_cycle > length + OVERDUE_DAYS:
        return None
    return "luteal" if day_of_cycle >= length - LUTEAL_DAYS else "follicular"
