"""What WHOOP's numbers are. The file and the API of one account tell of the same series, so both use these."""

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
