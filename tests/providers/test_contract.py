"""What every vendor promises, asked of each in the registry and of each of its streams; docs/adding-a-provider.md.

Pages stand under fixtures/<vendor>/. After a wanted change of a mapping: VAGUS_REWRITE=1 pytest this file, and read the
diff. What an assertion says is what to do.
"""

import json
import os
import re
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from ingest.grants.reading import read_page
from providers import PROVIDERS, get
from providers.base import Answer, TokenPaging
from providers.errors import ContractBroken, Misconfigured, VagusError
from providers.shapes import DayValue, Episode, Points, Rejected, Tag
from tests.providers.pages import (
    ASKED,
    STREAMS,
    envelope,
    expected_file,
    lines,
    page_file,
    page_of,
    records,
    shuffled,
)

ROOT = Path(__file__).parents[2]
GUIDE = "docs/adding-a-provider.md"
LEVELS = ("bronze", "silver", "gold", "platinum")

vendors = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
streams = pytest.mark.parametrize(("provider", "stream"), STREAMS, ids=[stream.name for _, stream in STREAMS])


def kept(rows):
    return [row for row in rows if not isinstance(row, Rejected)]


def of(kind, stream):
    return [row for row in page_of(stream, records(stream)).rows if isinstance(row, kind)]


# Declarations


def test_names_of_vendors_and_streams_are_unique_and_a_stream_carries_its_vendor_s():
    names = [provider.name for provider in PROVIDERS]
    assert len(set(names)) == len(names)
    found = [stream.name for _, stream in STREAMS]
    assert len(set(found)) == len(found)
    assert all(stream.name.startswith(f"{provider.name}.") for provider, stream in STREAMS)


@vendors
def test_a_vendor_and_its_streams_are_found_by_name(provider):
    assert get(provider.name) is provider
    assert provider.stream(provider.streams[0].name) is provider.streams[0]
    with pytest.raises(KeyError, match=provider.name):
        provider.stream("no such stream")
    with pytest.raises(Misconfigured, match=provider.name):
        get("no such vendor")


@vendors
def test_every_address_is_https(provider):
    addresses = [provider.base_url, provider.auth.authorize_url, provider.auth.token_url, provider.docs, provider.terms]
    addresses += provider.auth.other_token_urls
    ends = provider.auth.revoke("access", "refresh") if provider.auth.revoke else ()
    addresses += [request.url for request in ends if not request.url.startswith("/")]
    for address in addresses:
        parts = urlsplit(address)
        assert parts.scheme == "https", f"{provider.name}: write {address!r} as an https address"
        assert parts.hostname
        assert not parts.username


@vendors
def test_a_vendor_says_to_people_what_it_gives_and_when(provider):
    for name in ("title", "gives", "arrives", "docs", "terms"):
        assert getattr(provider, name), (
            f"{provider.name}: fill in {name}, it is shown to people and in docs/providers.md"
        )
    assert all(stream.title for stream in provider.streams)


@vendors
def test_a_vendor_is_asked_within_its_budget_and_not_without_end(provider):
    assert provider.budgets, f"{provider.name}: declare the calls it allows"
    assert all(budget.calls > 0 and budget.per > timedelta(0) for budget in provider.budgets)
    assert provider.poll_every >= timedelta(minutes=15)
    assert timedelta(0) < provider.backfill <= timedelta(days=730)


@vendors
def test_a_level_is_claimed_only_with_what_it_asks_for(provider):
    reached = LEVELS.index(provider.level)
    assert reached < 1 or any(stream.nightly for stream in provider.streams), (
        "silver: mark the stream that makes nights"
    )
    assert reached < 2 or (provider.webhook and provider.webhook.signed), "gold: signed notices"


@streams
def test_a_scope_that_a_stream_needs_is_asked_for(provider, stream):
    asked = provider.auth.scopes
    assert stream.scope is None or stream.scope in asked, f"add {stream.scope!r} to the scopes of {provider.name}"


@streams
def test_a_window_leaves_room_between_the_days_asked_on_either_side(provider, stream):
    if (window := stream.window) is None:
        return
    assert window.start != window.end
    assert timedelta(0) <= window.before + window.after < window.longest
    if window.by == "instant":
        assert window.longest % timedelta(days=1) == timedelta(0), "windows start on a UTC midnight"


@streams
def test_no_request_spans_more_than_the_vendor_takes_and_none_leaves_a_gap(provider, stream):
    from ingest.grants.client import spans  # noqa: PLC0415  (declarations can be tested without what asks for them)

    if (window := stream.window) is None:
        return
    asked = spans(stream, ASKED.until - timedelta(days=400), ASKED.until)
    assert all((end + window.after) - (start - window.before) <= window.longest for start, end in asked)
    assert all(end == start for (_, end), (start, _) in pairwise(asked))
    assert (asked[0][0] <= ASKED.until - timedelta(days=400), asked[-1][1]) == (True, ASKED.until)


@streams
def test_a_window_is_written_the_same_in_any_zone_and_by_date_as_a_date(provider, stream):
    if (window := stream.window) is None:
        return
    written = window.write(ASKED.until)
    assert written == window.write(ASKED.until.astimezone(timezone(timedelta(hours=-9))))
    assert window.by == "instant" or re.fullmatch(r"\d{4}-\d{2}-\d{2}", written)


@streams
def test_a_stream_looks_back_at_least_as_far_as_its_records_may_change(provider, stream):
    assert timedelta(0) < stream.settles <= stream.reach


@streams
def test_a_path_lies_below_the_vendor_s_address(provider, stream):
    assert stream.path.startswith("/")
    assert ".." not in stream.path
    assert "?" not in stream.path, "parameters belong to params"


@vendors
def test_the_files_of_a_vendor_stay_under_300_lines(provider):
    files = [*(ROOT / "providers").glob(f"{provider.name}.py"), *(ROOT / "providers" / provider.name).glob("*.py")]
    assert files, f"the vendor {provider.name} stands in providers/{provider.name}.py, or in a folder of that name"
    for file in files:
        assert file.read_text().count("\n") < 300, f"split {file.name} by noun"


# Reading


@streams
def test_every_stream_has_a_page_with_records(provider, stream):
    file = page_file(stream)
    assert file.exists(), (
        f"write {file.relative_to(ROOT)}: an answer as the vendor's documents show it, people invented"
    )
    assert records(stream), f"{file.relative_to(ROOT)} has no record yet: write some, see {GUIDE} for which"


@streams
def test_a_page_reads_as_it_did(provider, stream):
    found = lines(page_of(stream, records(stream)).rows)
    expected = expected_file(stream)
    if os.environ.get("VAGUS_REWRITE"):
        expected.write_text("[\n" + ",\n".join(found) + "\n]\n")
    assert expected.exists(), f"VAGUS_REWRITE=1 pytest tests/providers/test_contract.py writes {expected.name}; read it"
    assert [json.loads(line) for line in found] == json.loads(expected.read_text())


@streams
def test_a_page_gives_rows(provider, stream):
    rows = kept(page_of(stream, records(stream)).rows)
    assert rows, f"read() of {stream.name} gives no row for the records of {page_file(stream).name}"


@streams
def test_reading_a_page_twice_gives_the_same(provider, stream):
    first, second = (page_of(stream, records(stream)).rows for _ in range(2))
    assert [lines([row]) for row in first] == [lines([row]) for row in second]


@streams
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_records_does_not_matter(provider, stream, seed):
    given = records(stream)
    assert lines(page_of(stream, shuffled(given, seed)).rows) == lines(page_of(stream, given).rows)


@streams
def test_an_empty_page_is_no_fault(provider, stream):
    page = page_of(stream, [])
    assert (page.rows, page.records) == ([], 0)


@streams
@pytest.mark.parametrize("broken", ["no record", None, 7, [], {}])
def test_a_broken_record_is_set_aside_and_the_others_are_kept(provider, stream, broken):
    given = records(stream)
    page, whole = page_of(stream, [broken, *given]), page_of(stream, given)
    assert lines(kept(page.rows)) == lines(kept(whole.rows))
    assert len(page.rows) == len(whole.rows) + 1
    assert page.records == len(given) + 1


@streams
def test_a_page_of_which_nothing_is_as_documented_is_told_to_an_operator(provider, stream):
    for given in ([{"surprise": 1}], ["no record"]):
        with pytest.raises(ContractBroken, match=re.escape(stream.name)):
            page_of(stream, given)
    with pytest.raises(ContractBroken, match=re.escape(stream.name)):
        read_page(stream, b"{}", ASKED)


@streams
def test_the_token_of_the_next_page_is_found_and_the_last_page_has_none(provider, stream):
    if not isinstance(stream.paging, TokenPaging):
        return
    key = stream.paging.key
    assert page_of(stream, records(stream), **{key: "further"}).next_token == "further"
    assert page_of(stream, records(stream), **{key: None}).next_token is None
    without = {name: value for name, value in envelope(stream).items() if name != key}
    assert read_page(stream, json.dumps(without).encode(), ASKED).next_token is None


@streams
def test_every_instant_knows_its_zone_and_no_interval_runs_backwards(provider, stream):
    for row in of(DayValue | Episode, stream):
        for at in (row.starts_at, row.ends_at):
            assert at is None or at.utcoffset() is not None
        assert row.ends_at is None or row.starts_at < row.ends_at
        assert row.utc_offset_minutes is None or abs(row.utc_offset_minutes) <= 14 * 60
        if isinstance(row, Episode) or not row.link or row.link[0] == stream.name:
            assert type(row.day) is date, "only what hangs on another stream's record may wait for its day"


@streams
def test_points_are_columns_of_seconds_and_values(provider, stream):
    for row in of(Points, stream):
        assert (row.at.dtype, row.value.dtype) == (np.int64, np.float32)
        assert row.at.ndim == 1
        assert row.at.shape == row.value.shape
        ordered = np.sort(row.at)
        assert len(row.at) == 0 or datetime.fromtimestamp(int(ordered[0]), UTC).year > 2000, "seconds since 1970"
        assert len(row.at) == 0 or ordered[-1] < datetime(2100, 1, 1, tzinfo=UTC).timestamp()
        assert len(row.at) or row.borne_by, "an empty column says something of a record only"


@streams
def test_points_belong_to_what_the_stream_declares(provider, stream):
    for row in of(Points, stream):
        assert row.definition in (stream.borne if row.borne_by else stream.series)
        if row.borne_by:
            assert row.borne_by[0] == stream.name
            assert row.span
            assert ((row.at >= row.span[0]) & (row.at < row.span[1])).all(), (
                "cut to the span, or they are never replaced"
            )
    declared = {row.definition for row in of(Points, stream)}
    assert declared == {*stream.series, *stream.borne}, f"show each series in {page_file(stream).name}"


@streams
def test_every_value_can_be_true_and_a_final_one_is_there(provider, stream):
    for row in of(DayValue, stream):
        assert row.value is None or row.definition.measure.plausible(row.value)
        assert row.value is not None or row.state != "final"
    for row in of(Points, stream):
        low, high = row.definition.measure.low, row.definition.measure.high
        assert ((row.value >= low) & (row.value <= high)).all()


@streams
def test_a_value_hangs_on_a_record_that_can_be_gone(provider, stream):
    names = {one.name for one in provider.streams}
    for row in of(DayValue, stream):
        assert row.link, f"link {row.definition.name} to its record, so that it goes when the record does"
        assert row.link[0] in names
    for row in of(Tag, stream):
        assert row.source == provider.name
        assert row.link
        assert row.last_day is None or row.last_day >= row.day


@streams
def test_an_episode_is_the_stream_s_own(provider, stream):
    assert all(row.stream == stream.name for row in of(Episode, stream))


@streams
def test_a_record_is_named_by_the_field_that_its_stream_says(provider, stream):
    named = {str(record[stream.key]) for record in records(stream) if stream.key in record}
    for row in of(Episode, stream):
        assert row.record in named
    for row in of(DayValue, stream):
        assert row.link[1] in named, f"say in {stream.name}'s key which field names a record"


# What a vendor means


@vendors
def test_a_good_answer_is_no_error_and_words_that_are_no_json_break_no_verdict(provider):
    if provider.verdict is None:
        return
    for stream in provider.streams:
        assert provider.verdict(Answer(200, {}, page_file(stream).read_bytes())) is None
    for status in (400, 401, 403, 404, 410, 429, 500, 503):
        for body in (b"", b"<html>", b"\xff\xfe", b"[]", b'{"detail":"Forbidden"}'):
            found = provider.verdict(Answer(status, {}, body))
            assert found is None or isinstance(found, VagusError)
            assert found is None or "\n" not in str(found)
