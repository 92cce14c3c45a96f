"""Worlds that synthetic people live in: they differ in what nobody knows of real ones.

Common to all are the published sizes (docs/scoring.md names the sources). What differs is whether fatigue follows
training, how slow and heavy the noise is, how much is noted, which sensors there are, and whether causes overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class World:
    """What one world is like; rates are per person-year, shares are of people or of events."""

    about: str
    coupled: float = 0.5  # share of fatigue that a block of training brings about
    blocks: float = 2.0  # blocks of training that bring about nothing
    slow: float = 0.12  # share of the nightly variance that drifts over weeks
    following: float = 0.25  # correlation of one night's noise with the next
    tails: float = 6.0  # degrees of freedom of a night's noise
    uneven: float = 0.0  # SD over people of log(slow), so that some are far less steady than others
    episodes: float = 3.0
    depth: tuple[float, float] = (0.7, 1.8)  # of fatigue, in own nightly scatter
    causes: float = 1.0  # multiplies every other cause's rate
    noted: float = 0.6  # share of people who note their drinks
    sensors: float = 0.85  # share with breathing and temperature
    oxygen: float = 0.6
    steps: float = 0.8
    sleep: float = 0.9
    trained: float = 0.8  # share whose training is known
    overlap: bool = False  # other causes may fall on fatigue, too


WORLDS: Mapping[str, World] = {
    "plain": World("half of the fatigue follows training, most have every sensor"),
    "coupled": World("all fatigue follows a block of training", coupled=1.0, blocks=0.5),
    "uncoupled": World("fatigue and training know nothing of each other", coupled=0.0, blocks=3.0),
    "rough": World(
        "drifting and uneven noise, more causes, fewer notes, causes on top of fatigue",
        slow=0.2,
        tails=4.0,
        uneven=0.6,
        causes=1.5,
        noted=0.3,
        overlap=True,
    ),
    "bare": World("no breathing, no temperature, no oxygen; steps and sleep for most", sensors=0.0, oxygen=0.0),
}
