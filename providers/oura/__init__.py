"""Oura, the ring: API v2, https://cloud.ouraring.com/v2/docs, as of July 2026.

`records` has what its documents hold, `reading` what they mean, `hooks` how it notifies.
"""

from collections.abc import Sequence
from datetime import timedelta

from providers.base import (
    Answer,
    Budget,
    Lookup,
    OAuth,
    Provider,
    Request,
    Stream,
    TokenPaging,
    Window,
    as_date,
    as_instant,
)
from providers.errors import Forbidden, NeedsPerson, VagusError
from providers.oura import reading, records
from providers.oura.hooks import WEBHOOK


def revoke(access: str, _refresh: str | None) -> Sequence[Request]:
    """The call that ends a grant. Undocumented; three public integrations use it. The token stands in the query."""
    return (Request("POST", "https://api.ouraring.com/oauth/revoke", params={"access_token": access}),)


def verdict(answer: Answer) -> VagusError | None:
    """What Oura means by a refusal.

    A scope that was not granted answers 401, `Token is not authorized access <name> scope.`: no reason to spend a
    refresh. 403 is documented as a lapsed membership, or a permission not given; only words tell the two apart.
    426 stood in earlier documentation: an app too old to share the data.
    """
    words = answer.body[:2000].decode(errors="replace").lower()
    if answer.status in {401, 403} and "scope" in words:
        return Forbidden("this was not ticked when Oura was connected: reconnect and tick it to have it")
    if answer.status == 403:  # noqa: PLR2004
        return NeedsPerson("Oura shares no data of this account: its API needs an active Oura membership")
    if answer.status == 426:  # noqa: PLR2004
        return NeedsPerson("Oura shares data only with a newer app: update the Oura app on the phone")
    return None


# The server compares dates with a document's own timestamp, so that a bare end date loses a document stamped later on
# that day: activity and sleep at the end of each window. One day more on either side is the cure.
BY_DATE = Window(
    start="start_date",
    end="end_date",
    write=as_date,
    longest=timedelta(days=90),
    before=timedelta(days=1),
    after=timedelta(days=1),
)
BY_INSTANT = Window(  # more than 30 days are refused
    start="start_datetime", end="end_datetime", write=as_instant, longest=timedelta(days=30), by="instant"
)

OURA = Provider(
    name="oura",
    title="Oura",
    base_url="https://api.ouraring.com",
    auth=OAuth(
        authorize_url="https://cloud.ouraring.com/oauth/authorize",
        token_url="https://api.ouraring.com/oauth/token",  # noqa: S106
        # Apps of the newer portal are refused there, 401 for a code and 400 invalid_request for a refresh:
        # louispires/Oura-Home-Assistant-Integration issues 61, 68 and 71.
        other_token_urls=("https://moi.ouraring.com/oauth/v2/ext/oauth-token",),
        # Those that the live API enforces; the specification has spo2Daily for spo2 and lacks ring_configuration.
        # A name that Oura does not know is passed over, not refused.
        scopes=("daily", "heartrate", "workout", "spo2", "ring_configuration"),
        vendor_user=Lookup("/v2/usercollection/personal_info", "id"),
        # The token's answer has scopes, under other names than were asked for (extapi:daily); `verdict` tells instead.
        scopes_from="absent",
        rotation="single_use",
        revoke=revoke,
    ),
    streams=(
        Stream(
            name=reading.SLEEP,
            title="sleep",
            path="/v2/usercollection/sleep",
            record=records.Sleep,
            read=reading.read_sleep,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="daily",
            borne=(reading.SLEEP_HRV, reading.SLEEP_HEART_RATE),
            nightly=True,
        ),
        Stream(
            name=reading.READY,
            title="readiness",
            path="/v2/usercollection/daily_readiness",
            record=records.DailyReadiness,
            read=reading.read_daily_readiness,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="daily",
        ),
        Stream(
            name=reading.SPO2,
            title="blood oxygen",
            path="/v2/usercollection/daily_spo2",
            record=records.DailySpo2,
            read=reading.read_daily_spo2,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="spo2",
        ),
        Stream(
            name=reading.ACTIVITY,
            title="activity",
            path="/v2/usercollection/daily_activity",
            record=records.DailyActivity,
            read=reading.read_daily_activity,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="daily",
        ),
        Stream(
            name=reading.WORKOUT,
            title="workouts",
            path="/v2/usercollection/workout",
            record=records.Workout,
            read=reading.read_workouts,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="workout",
        ),
        Stream(
            name=reading.HEART_RATE,
            title="heart rate",
            path="/v2/usercollection/heartrate",
            record=records.AnyHeartRate,
            read=reading.read_heart_rates,
            window=BY_INSTANT,
            paging=TokenPaging(),
            scope="heartrate",
            series=reading.HEART_RATES,
        ),
        Stream(
            name=reading.RING,
            title="rings",
            path="/v2/usercollection/ring_configuration",
            record=records.RingConfiguration,
            read=reading.read_rings,
            paging=TokenPaging(),
            scope="ring_configuration",
        ),
        Stream(
            name=reading.REST_MODE,
            title="rest mode",
            path="/v2/usercollection/rest_mode_period",
            record=records.RestModePeriod,
            read=reading.read_rest_modes,
            window=BY_DATE,
            paging=TokenPaging(),
            scope="daily",
            # One that goes on is found by the day it began, and its last day is the end of what was asked for: each
            # run asks for all that may still be going on, and the past is left to runs that ask up to now.
            settles=timedelta(days=60),
            reach=timedelta(days=60),
        ),
    ),
    budgets=(Budget(calls=5000, per=timedelta(minutes=5)),),
    poll_every=timedelta(hours=1),  # a night comes when the person opens Oura's app: notices tell, and polls make sure
    backfill=timedelta(days=180),  # three times the 60 nights of a usual range: it stands, and its slow change shows
    webhook=WEBHOOK,
    verdict=verdict,
    gives="HRV, lowest heart rate, breathing, temperature, blood oxygen, sleep, steps, workouts, heart rate",
    arrives="within a minute of opening the Oura app in the morning; Oura sends no night before that",
    docs="https://cloud.ouraring.com/v2/docs",
    terms="https://cloud.ouraring.com/legal/api-agreement",
    level="silver",
)
