"""What a test finds when it begins: nothing of the one before."""

import psycopg
import pytest

from tests.ground import MUCH, empty_tables

PEOPLE = """
INSERT INTO person (address, created_at)
SELECT (SELECT string_agg(md5(format('%%s %%s', i, part)), '') FROM generate_series(1, 40) part), now()
FROM generate_series(1, %s) i
"""  # what repeats itself would be stored in a fraction
SIZE = "SELECT pg_table_size('person')"


@pytest.mark.parametrize(("people", "much"), [(5, False), (1000, True)])
def test_nobody_is_left_and_ids_begin_anew_whether_a_test_wrote_little_or_much(
    database: str, people: int, much: bool
) -> None:
    with psycopg.connect(database, autocommit=True) as session:
        session.execute(PEOPLE, (people,))
        session.execute(
            "INSERT INTO channel (person, kind, address, created_at) SELECT id, 'mail', '', now() FROM person"
        )
        assert (session.execute(SIZE).fetchone()[0] > MUCH) is much
    empty_tables(database)
    with psycopg.connect(database, autocommit=True) as session:
        assert session.execute("SELECT count(*) FROM person").fetchone() == (0,)
        assert session.execute("SELECT count(*) FROM channel").fetchone() == (0,)
        assert session.execute(f"{PEOPLE} RETURNING id", (1,)).fetchone() == (1,)


def test_a_session_that_a_test_left_open_ends_before_the_next(database: str) -> None:
    with psycopg.connect(database) as left:
        left.execute("SELECT FROM person FOR UPDATE")
        empty_tables(database)
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
