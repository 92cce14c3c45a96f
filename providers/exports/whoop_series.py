"""What WHOOP's numbers are, and of which day. File and API of one account tell of the same series: both use these."""

from datetime import date, datetime, timedelta

from providers.measures import (
    ACTIVE_ENERGY,
    HRV_RMSSD,
    OXYGEN_SATURATION,
    RESPIRATORY_RATE,
    RESTING_HEART_RATE,
    SKIN_TEMPERATURE,
    TOTAL_SLEEP_TIME,
    VENDOR_READINESS,
    VENDOR_STRAIN,
    Definition,
)

# A cycle begins with falling asleep; eight hours later a usual sleeper has woken.
USUAL_NIGHT = timedelta(hours=8)
LONGEST_SLEEP = timedelta(hours=24)

SLEEP_STREAM = "whoop.sleep"  # the stream whose episodes the values of a night are linked to

# Of the recovery: computed once, on waking, from the main sleep.
HRV = Definition(HRV_RMSSD, "whoop_recovery", "sleep")  # one rMSSD a night in ms, weighted towards slow-wave sleep
RESTING = Definition(RESTING_HEART_RATE, "whoop_recovery", "sleep")  # of the same sleep, not of the day
OXYGEN = Definition(OXYGEN_SATURATION, "whoop_recovery", "sleep")  # 4.0 straps and later
SKIN = Definition(SKIN_TEMPERATURE, "whoop_recovery", "sleep")  # absolute °C, not a deviation; 4.0 and later
READINESS = Definition(VENDOR_READINESS, "whoop_recovery", "sleep")

# Of the sleep.
BREATHING = Definition(RESPIRATORY_RATE, "whoop_sleep", "sleep")
ASLEEP = Definition(TOTAL_SLEEP_TIME, "whoop_sleep", "sleep")  # light, deep and REM; without time awake in bed

# Of the cycle, from falling asleep to falling asleep: the API has energy in kilojoules, the file in kilocalories.
STRAIN = Definition(VENDOR_STRAIN, "whoop_cycle", "day")
ENERGY = Definition(ACTIVE_ENERGY, "whoop_cycle", "day")  # resting burn included


def day_of_cycle(start: datetime, offset: int | None) -> date:
    """The civil day of a cycle's strain and energy: the local date eight hours after `start`; `offset` in minutes.

    Usually the day on which its night ended. When that was, the file says and the API's cycle does not: so neither is
    asked, or one cycle would lie on two days.
    """
    return (start + timedelta(minutes=offset or 0) + USUAL_NIGHT).date()
