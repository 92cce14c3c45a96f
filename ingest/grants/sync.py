"""Follow one stream of a grant: from its cursor, window by window and page by page, to saved rows and a moved cursor.

A cursor moves in the transaction that stores its data, to the time of the data: never because a clock did, never past
a window that failed. Each saved page extends the lease of the work it belongs to, in the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import blocks, clock, db, samples, store
from ingest.grants import absences, client, raws
from ingest.grants.client import Grant
from ingest.grants.following import DAY, midnight, plan
from ingest.grants.reading import Page, read_page
from ingest.models import Connection, StreamState
from ingest.ops import counts
from ingest.saving import Erased, Saved, lock_fence, save
from ingest.source import GRANT_RANK, Source
from ingest.training import beats
from providers import shapes
from providers.base import Asked, Stream
from providers.errors import ContractBroken

LOOK_BACK = timedelta(days=14)  # once a day: heals late, re-scored and missing nights
MOST_PAGES = 10_000
UNTIL_THE_END = timedelta(seconds=10)  # nights are judged when a run ends; where that is later, so long after a row

log = structlog.get_logger(__name__)

Extend = Callable[[Session], None]  # extends the lease of the work in hand, or raises LeaseLost
Finish = Callable[[Session, datetime | None], None]  # told the time of the newest datum of a complete answer


@dataclass(slots=True)
class Followed:
    """What asking one window, or all windows of a run, came to; of a run also when it began, and what it leaves."""

    saved: Saved = field(default_factory=Saved)
    pages: int = 0
    began: datetime | None = None
    long_look: bool = False
    behind: datetime | None = None  # from when on there is a gap that this run could not reach


def follow(grant: Grant, stream: Stream, state: StreamState, extend: Extend) -> Followed:
    """Fetch what is new of a stream and move its cursor; `state` is where it stood as the run began.

    What it returns is for `conclude`, in the transaction that says when the stream is next. Raises what the vendor's
    answers raise, and LeaseLost.
    """
    now = clock.now()
    since, long_look = _since(state, stream, now)
    done = Followed(began=now, long_look=long_look, behind=_behind(state, stream, now))
    for start, end in client.spans(stream, since, now):
        window = Asked(start, min(end, now))
        part = fetch_window(grant, stream, window, extend, partial(_advance, grant, stream, window))
        done.saved.add(part.saved)
        done.pages += part.pages
    return done


def conclude(session: Session, state: StreamState, stream: Stream, done: Followed) -> None:
    """Write that a run of this stream went well, and have the gap that it leaves behind it filled."""
    if done.began is None:
        return
    state.last_ok_at = done.began
    if done.long_look:
        state.looked_back_at = done.began
    if done.behind:
        plan(session, state.connection, stream, done.behind, done.began - stream.reach)


def fetch_window(
    grant: Grant,
    stream: Stream,
    window: Asked,
    extend: Extend,
    finish: Finish,
) -> Followed:
    """Fetch one window whole and save it; `finish` joins the transaction that saves its last page."""
    answer, done, token = raws.Answer(window.since, window.until), Followed(), None
    seen: set[str] = set()
    answered = _Answered()
    while True:
        asked_at = clock.now()  # an answer speaks for when it was asked for, however late it is saved
        body = client.fetch_page(grant, stream, window.since, window.until, token)
        answer.add(body)
        done.pages += 1
        with db.transaction() as session:
            if done.pages == 1 and _known(session, grant, stream, answer):
                lock_fence(session, grant.connection)
                extend(session)
                finish(session, None)
                return done
            page = read_page(stream, body, window)
            answered.take(page, window.until)
            token = page.next_token
            source = source_for(grant, stream, asked_at)
            saved = save(session, source, page.rows)
            extend(session)
            if token is None:
                saved.add(_complete(session, source, stream, window, answered))
                raws.keep(session, grant.connection, stream, answer)
                finish(session, answered.newest)
            _ask_for_score(session, grant, saved)
        _count(grant, saved)
        done.saved.add(saved)
        if token is None:
            return done
        if token in seen:
            raise ContractBroken(f"{stream.name}: paging does not end, the same token came twice")
        if done.pages >= MOST_PAGES:
            raise ContractBroken(f"{stream.name}: paging does not end, {done.pages:,} pages came of one window")
        seen.add(token)


@dataclass(slots=True)
class _Answered:
    """What a window's pages had: records by id, points, and the time of the newest datum."""

    records: set[str] = field(default_factory=set)
    points: list[shapes.Points] = field(default_factory=list)
    newest: datetime | None = None

    def take(self, page: Page, until: datetime) -> None:
        for row in page.rows:
            _note(self, row, until)


def _note(answered: _Answered, row: shapes.Row, until: datetime) -> None:
    at: datetime | None = None
    match row:
        case shapes.Points() if row.borne_by is None:
            answered.points.append(row)
            at = datetime.fromtimestamp(int(row.at.max()), until.tzinfo) if len(row.at) else None
        case shapes.Episode() | shapes.Gone():
            answered.records.add(row.record)
            at = row.ends_at or row.starts_at if isinstance(row, shapes.Episode) else None
        case shapes.DayValue():
            answered.records.add(row.link[1] if row.link else row.record)
            at = row.starts_at
        case shapes.Tag(link=(_, record)) | shapes.Rejected(record=str(record)):
            answered.records.add(record)  # set aside is not absent
    if at is not None and at <= until and (answered.newest is None or at > answered.newest):
        answered.newest = at


def _since(state: StreamState, stream: Stream, now: datetime) -> tuple[datetime, bool]:
    """From when to ask, a UTC midnight, and whether this is the day's long look back."""
    since = max(state.cursor - stream.settles, now - stream.reach)
    long_look = state.looked_back_at is None or now - state.looked_back_at >= DAY
    if long_look:
        since = min(since, now - LOOK_BACK)
    return midnight(since), long_look


def _behind(state: StreamState, stream: Stream, now: datetime) -> datetime | None:
    """From when on a run that goes well leaves a gap behind it, because nobody could ask for longer than it looks.

    From the last run that went well, where that is earlier: one that broke half-way has moved the cursor since.
    """
    asked = state.last_ok_at or state.cursor
    if stream.window is None or asked >= now - stream.reach:
        return None
    return min(state.cursor, asked) - stream.settles


def _known(session: Session, grant: Grant, stream: Stream, answer: raws.Answer) -> bool:
    """Whether this first page is the whole answer that was read before: then nothing needs to be read."""
    same = raws.same(session, grant.connection, stream, answer.since, answer.content)
    return same and not absences.pending(session, grant.connection, stream.name)


def _complete(session: Session, source: Source, stream: Stream, window: Asked, answered: _Answered) -> Saved:
    """Let go what a full answer to days that are over no longer has, as far as it may."""
    closed = min(window.until, midnight(clock.now()))
    if stream.window is None or closed <= window.since:
        return Saved()
    if stream.series:
        if stream.window.by == "instant":
            return _forget_points(session, source, stream, (window.since, closed), answered)
        return Saved()
    gone = absences.gone_records(session, source, (window.since, closed), answered.records)
    if not gone:
        return Saved()
    log.info("records_gone", stream=stream.name, records=len(gone))
    return save(session, source, gone)


def _forget_points(
    session: Session, source: Source, stream: Stream, span: tuple[datetime, datetime], answered: _Answered
) -> Saved:
    """Let go the points that two answers lack, a day at a time: one whose last page was wrongly empty ends early."""
    since, until = int(span[0].timestamp()), int(span[1].timestamp())
    missed = blocks.lacking(session, source, stream.series, (since, until), answered.points)
    gone: set[date] = set()
    for day in absences.missed_again(session, source, span, missed):
        begins = int(datetime.combine(day, time(), UTC).timestamp())
        gone |= blocks.forget(session, source, stream.series, (begins, begins + samples.DAY), answered.points)
    return Saved(beats=len(gone) if any(map(beats.told_by, stream.series)) else 0)


def _advance(grant: Grant, stream: Stream, window: Asked, session: Session, newest: datetime | None) -> None:
    """Move the cursor to the newest datum, never beyond what was asked for, never back."""
    if newest is None:
        return
    through = min(newest, window.until)
    own = (StreamState.connection == grant.connection, StreamState.stream == stream.name)
    moved = {
        "cursor": func.greatest(StreamState.cursor, through),
        "newest_at": func.greatest(StreamState.newest_at, through),  # which passes over what is not there yet
    }
    session.execute(update(StreamState).where(*own).values(moved), execution_options={"synchronize_session": False})


def source_for(grant: Grant, stream: Stream, as_of: datetime) -> Source:
    """What rows of a stream carry: the newest version is the one asked for last, under the newest mapping."""
    return _source(grant.connection, grant.account, grant.person, stream, as_of)


def source_of(session: Session, connection: int, person: int, stream: Stream, as_of: datetime) -> Source:
    """The same where no grant is at hand. Raises Erased where the connection is gone."""
    account = session.scalar(select(Connection.vendor_account).where(Connection.id == connection))
    if account is None:
        raise Erased("this connection is gone: nothing was stored")
    return _source(connection, account, person, stream, as_of)


def _source(connection: int, account: int, person: int, stream: Stream, as_of: datetime) -> Source:
    return Source(
        person=person,
        vendor_account=account,
        connection=connection,
        stream=stream.name,
        rank=GRANT_RANK,
        as_of=as_of,
        content=f"{stream.mapping:04d}",
        borne=stream.borne,
    )


def _count(grant: Grant, saved: Saved) -> None:
    for what, number in (("points", saved.points), ("rows", saved.written), ("set_aside", saved.rejected)):
        if number:
            counts.count("vagus_saved", grant.provider.name, what, by=number)


def _ask_for_score(session: Session, grant: Grant, saved: Saved) -> None:
    if saved.judged:
        store.request_score(session, grant.person, "new nights", UNTIL_THE_END)
