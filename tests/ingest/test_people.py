from datetime import date

import pytest
from sqlalchemy import func, select

from ingest import db, people
from ingest.models import Channel, Person
from providers.errors import VagusError


def test_one_address_is_one_person_however_it_is_written(session) -> None:
    first = people.ensure(session, "Ada@Example.org")
    assert people.ensure(session, " ada@example.org ").id == first.id
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert session.scalars(select(Channel.address)).all() == ["ada@example.org"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "a b@example.org",
        "ada@",
        "@example.org",
        "ada@example.org\nBcc: eve@example.org",
        "ada..b@example.org",
        "ä@example.org",
        "<ada@example.org>",
        "a@x.de.",
        "a@.x.de",
        "taro.@example.org",
        "a(b)@example.org",
        "a[b]@example.org",
    ],
)
def test_what_is_no_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(VagusError, match=r"is not a mail address: write it like you@example\.org") as refused:
        people.normal_address(text)
    assert "\n" not in str(refused.value)


def test_an_unknown_person_is_said_with_what_to_do(session) -> None:
    with pytest.raises(VagusError, match=r"nobody here has the address eve@example\.org: import a file for them first"):
        people.get(session, "eve@example.org")


def test_a_channel_is_confirmed_once(session, clock) -> None:
    clock("2026-03-01T06:00")
    person = people.ensure(session, "ada@example.org")
    people.confirm(session, person.id)
    clock("2026-04-01T06:00")
    people.confirm(session, person.id)
    assert session.scalars(select(Channel.confirmed_at)).one().month == 3


def test_the_day_is_the_one_where_the_person_is(session, clock) -> None:
    clock("2026-03-01T23:30")
    person = people.ensure(session, "ada@example.org")
    assert people.today_of(session, person.id) == date(2026, 3, 1)
    person.zone = "Asia/Tokyo"
    session.flush()
    assert people.today_of(session, person.id) == date(2026, 3, 2)


def test_an_erased_person_is_found_by_nobody(database) -> None:
    with db.transaction() as session:
        people.ensure(session, "ada@example.org").state = "erasing"
    with db.transaction() as session:
        assert people.find(session, "ada@example.org") is None
