"""The tasks: thin, by explicit name, with keys and lease tokens alone. What an error means is decided in `outcomes`."""

from functools import partial

from ingest import imports
from workers import backfill, claims, codes, messages, outcomes, pulse, score, sync, upkeep
from workers.app import app
from workers.claims import IMPORTS


@app.task(name="score.tick")  # type: ignore[untyped-decorator]
def score_tick(*, by_beat: bool = False) -> None:
    """Send out what is due to be scored."""
    outcomes.tick("score", partial(claims.send_out, "score", [score.SCORES], by_beat=by_beat))


@app.task(name="notify.tick")  # type: ignore[untyped-decorator]
def notify_tick(*, by_beat: bool = False) -> None:
    """Send out the deliveries and the sign-in codes that are due."""
    outcomes.tick("notify", partial(claims.send_out, "notify", [codes.CODES, messages.DELIVERIES], by_beat=by_beat))


@app.task(name="upkeep.tick")  # type: ignore[untyped-decorator]
def upkeep_tick(*, by_beat: bool = False) -> None:
    """Send out the uploads that wait to be read."""
    outcomes.tick("upkeep", partial(claims.send_out, "upkeep", [IMPORTS], by_beat=by_beat))


@app.task(name="upkeep.follow")  # type: ignore[untyped-decorator]
def follow_tick(**_: bool) -> None:
    """Send out the connections and the windows of the past that are due."""
    outcomes.tick("follow", claims.follow)


@app.task(name="sync.pulse")  # type: ignore[untyped-decorator]
def sync_pulse(**_: bool) -> None:
    """Note that somebody takes this queue; the others' ticks do that by themselves."""
    outcomes.tick("sync pulse", partial(pulse.beat, "sync"))


@app.task(name="backfill.pulse")  # type: ignore[untyped-decorator]
def backfill_pulse(**_: bool) -> None:
    """Note that somebody takes this queue."""
    outcomes.tick("backfill pulse", partial(pulse.beat, "backfill"))


@app.task(name="upkeep.subscriptions")  # type: ignore[untyped-decorator]
def subscriptions_tick(**_: bool) -> None:
    """Order and renew the notifications of vendors that let us."""
    outcomes.tick("subscriptions", upkeep.order_notifications)


@app.task(name="upkeep.silence")  # type: ignore[untyped-decorator]
def upkeep_silence(**_: bool) -> None:
    """Ask for a score of everyone whose day has changed, so that silence is noticed too."""
    outcomes.tick("silence", upkeep.notice_silence)


@app.task(name="upkeep.briefs")  # type: ignore[untyped-decorator]
def upkeep_briefs(**_: bool) -> None:
    """Say in the late morning that last night is not here, to those who want a brief."""
    outcomes.tick("briefs", _say_missing_then_tell)


@app.task(name="upkeep.versions")  # type: ignore[untyped-decorator]
def upkeep_versions(**_: bool) -> None:
    """Ask for a score of a few people whom another version of the algorithm judged."""
    outcomes.tick("versions", upkeep.judge_anew)


@app.task(name="upkeep.expiry")  # type: ignore[untyped-decorator]
def upkeep_expiry(**_: bool) -> None:
    """Delete what was kept for a time only."""
    outcomes.tick("expiry", upkeep.forget_expired)


@app.task(name="score.person")  # type: ignore[untyped-decorator]
def score_person(key: int, token: str) -> None:
    """Judge one person's nights."""
    outcomes.run(score.SCORES, key, token, _score_then_tell)


@app.task(name="sync.connection")  # type: ignore[untyped-decorator]
def sync_connection(key: int, token: str) -> None:
    """Follow the due streams of one connection."""
    outcomes.run(sync.SYNCS, key, token, _follow_then_judge)


@app.task(name="backfill.window")  # type: ignore[untyped-decorator]
def fill_window(key: int, token: str) -> None:
    """Fetch one window of the past."""
    outcomes.run(backfill.WINDOWS, key, token, backfill.fill_window)


@app.task(name="notify.deliver")  # type: ignore[untyped-decorator]
def deliver(key: int, token: str) -> None:
    """Send one message."""
    outcomes.run(messages.DELIVERIES, key, token, messages.deliver)


@app.task(name="notify.sign_in_code")  # type: ignore[untyped-decorator]
def mail_code(key: int, token: str) -> None:
    """Mail one sign-in code."""
    outcomes.run(codes.CODES, key, token, codes.mail_code)


@app.task(name="upkeep.import")  # type: ignore[untyped-decorator]
def run_import(key: int, token: str) -> None:
    """Import one upload."""
    outcomes.run(IMPORTS, key, token, imports.run_import)


def _follow_then_judge(connection: int, token: str) -> None:
    if sync.sync_connection(connection, token):
        claims.hand_on(score.SCORES)


def _score_then_tell(person: int, token: str) -> None:
    if score.score_person(person, token):
        claims.hand_on(messages.DELIVERIES)


def _say_missing_then_tell() -> None:
    if upkeep.say_nights_are_missing():
        claims.hand_on(messages.DELIVERIES)
