"""What was given up: tried again, one or all that failed alike, or let go."""

from datetime import timedelta

from sqlalchemy.orm import Session

from ingest.grants import replay as replaying
from ingest.grants.replay import KINDS, Buried
from ingest.ops.act import Act, Plan
from ingest.ops.graves import fingerprint as fingerprint_of
from ingest.ops.saying import lasting, many
from providers.errors import VagusError

LONGEST_SPREAD = 24 * 3600
WORDS = {
    "stream": ("stream", "streams"),
    "window": ("window of the past", "windows of the past"),
    "score": ("score", "scores"),
    "message": ("message", "messages"),
}
NOBODY = "Nobody is alerted for past nights."
TRIED_AGAIN = {
    "stream": f"They are asked again where they stood. {NOBODY}",
    "window": f"Nights of these people stay provisional until they are in, a day at most. {NOBODY}",
    "score": f"All nights of these people are judged anew. {NOBODY}",
    "message": "Each is asked once more whether it still holds, and is sent if so.",
}
LET_GO = {
    "stream": "They leave this list and are asked at their next probe, within a day; what they stored stays.",
    "window": "Those nights are not fetched any more, unless the person connects again or you resync them.",
    "score": "Who is not judged today yet is asked for again within a minute; all others by what comes in next.",
    "message": "They are not sent any more.",
}


def replay(
    *,
    kind: str | None = None,
    fingerprint: str = "",
    matching: str = "",
    job: int | None = None,
    spread: int = 60,
) -> Act:
    """Try again what was given up: of a kind, of a cause, with this in its reason, or one job by its number.

    The number of a stream is that of its connection: all of its streams are meant where no cause is named.
    `spread` is the seconds over which they become due. Raises VagusError for a kind there is not.
    """
    _check(kind, job)
    if not 0 <= spread <= LONGEST_SPREAD:
        raise VagusError("spread them over a day at most: give seconds, 0 to 86400")

    def plan(session: Session) -> Plan:
        jobs = chosen(session, kind, fingerprint, matching, job)
        if not jobs:
            return Plan(0, "Nothing that was given up matches this.")
        pace = f", spread over {lasting(timedelta(seconds=spread))}" if spread and len(jobs) > 1 else ""
        return Plan(len(jobs), f"Replay {_told(jobs)}{pace}. {_meaning(TRIED_AGAIN, jobs)}{_asleep(jobs)}")

    return Act(
        action="replay",
        title="Replay what was given up",
        about=_scope(kind, fingerprint, matching, job),
        plan=plan,
        do=lambda session, _: replaying.replay(
            session, chosen(session, kind, fingerprint, matching, job), timedelta(seconds=spread)
        ),
        done=lambda count: _due_again(count, spread),
        back="/ops/buried",
        spread=spread,
    )


def answers() -> Act:
    """Have the kept answers of older mappings read again; the reading itself is a transaction each, and follows."""

    def plan(session: Session) -> Plan:
        count = len(replaying.older_answers(session))
        if not count:
            return Plan(0, "Every kept answer was read by the mapping of today.")
        return Plan(count, f"Read {many(count, 'kept answer', 'kept answers')} again. {NOBODY}")

    return Act(
        action="replay answers",
        title="Read kept answers again",
        about="kept answers of older mappings",
        plan=plan,
        do=lambda session, _: len(replaying.older_answers(session)),
        done=lambda count: f"{many(count, 'kept answer is', 'kept answers are')} read again.",
    )


def discard(*, kind: str, fingerprint: str = "", matching: str = "", job: int | None = None) -> Act:
    """Let go what was given up: of a kind, of a cause, with this in its reason, or one job by its number.

    Raises VagusError for a kind there is not.
    """
    _check(kind, job)

    def plan(session: Session) -> Plan:
        jobs = chosen(session, kind, fingerprint, matching, job)
        if not jobs:
            return Plan(0, "Nothing that was given up matches this.")
        return Plan(len(jobs), f"Discard {_told(jobs)}. {_meaning(LET_GO, jobs)}")

    return Act(
        action="discard",
        title="Discard what was given up",
        about=_scope(kind, fingerprint, matching, job),
        plan=plan,
        do=lambda session, _: replaying.discard(session, chosen(session, kind, fingerprint, matching, job)),
        done=lambda count: f"{many(count, 'job is', 'jobs are')} discarded.",
        back="/ops/buried",
    )


def chosen(
    session: Session, kind: str | None = None, fingerprint: str = "", matching: str = "", job: int | None = None
) -> list[Buried]:
    """The jobs that are meant."""
    jobs = [each for each in replaying.buried(session, kind, matching or None) if job in {None, each.id}]
    return [each for each in jobs if not fingerprint or fingerprint_of(*_cause(each)) == fingerprint]


def _cause(job: Buried) -> tuple[str, str, str]:
    return job.kind, job.topic, job.reason


def _check(kind: str | None, job: int | None) -> None:
    if kind is not None and kind not in KINDS:
        raise VagusError(f"there are no buried jobs of kind {kind}: {', '.join(KINDS)}")
    if job is not None and kind is None:
        raise VagusError("a number alone does not say which job: name its kind too, as `vagus buried` shows it")


def _scope(kind: str | None, fingerprint: str, matching: str, job: int | None) -> str:
    """Which jobs, for what is kept: `windows of the past, cause 1f0c2ab9`."""
    of_kind = WORDS[kind][1] if kind else "everything given up"
    parts = [
        of_kind if job is None else f"{kind} {job}",
        f"cause {fingerprint}" if fingerprint else "",
        f'with "{replaying.without_addresses(matching)}" in the reason' if matching else "",
    ]
    return ", ".join(part for part in parts if part)


def _told(jobs: list[Buried]) -> str:
    by_kind = [(kind, sum(job.kind == kind for job in jobs)) for kind in KINDS]
    kinds = ", ".join(many(count, *WORDS[kind]) for kind, count in by_kind if count)
    return f"{kinds} of {many(len({job.person for job in jobs}), 'person', 'people')}"


def _meaning(meanings: dict[str, str], jobs: list[Buried]) -> str:
    """What it means for each kind that is among them; the kind is named where there are several."""
    kinds = [kind for kind in KINDS if any(job.kind == kind for job in jobs)]
    if len(kinds) == 1:
        return meanings[kinds[0]]
    return " ".join(f"{WORDS[kind][1].capitalize()}: {meanings[kind]}" for kind in kinds)


def _asleep(jobs: list[Buried]) -> str:
    """How many of them nobody comes to for now."""
    count = sum(job.asleep for job in jobs)
    return f" {many(count, 'waits', 'wait')} until the connection is active again." if count else ""


def _due_again(count: int, spread: int) -> str:
    within = f" within {lasting(timedelta(seconds=spread))}" if spread and count > 1 else ""
    return f"{many(count, 'job is', 'jobs are')} due again{within}."
