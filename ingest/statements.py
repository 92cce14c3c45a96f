"""The statements by which `saving` writes: a batch of rows in, one row out for each that was written, with its days.

Each first looks at what stands (`old`), so that an unchanged duplicate writes nothing. The caller holds the fence.
Parameters: `account`, `person`, `stream`, `rank`, `as_of`, `content` of the source, and `rows`, one JSON array: the
driver writes arrays element by element in Python, which took four times as long. `asked` is true of a vendor's answer,
whose `as_of` is when it was asked: there a row that says the same again is left as it is, so that asking anew writes
nothing. A file speaks for the time it was made, wherever it comes in the order, and so it does raise the version.
"""

from sqlalchemy import text

VERSION_NEW = "(new.state <> 'pending', CAST(:rank AS bigint), CAST(:as_of AS timestamptz), CAST(:content AS text))"
VERSION_OLD = "({0}.state <> 'pending', {0}.source_rank, {0}.as_of, {0}.content)"

SAVE_DAY_VALUES = text(f"""
WITH new AS (
    SELECT u.series, u.record, u.value, u.flags, u.state, u.link_stream, u.link_record,
           coalesce(e.starts_at, u.own_start) AS starts_at,
           CASE WHEN e.record IS NULL THEN u.own_end ELSE e.ends_at END AS ends_at,
           coalesce(e.utc_offset_minutes, u.own_offset) AS utc_offset,
           coalesce(e.day, u.own_day) AS day, t.record IS NOT NULL AS gone
    FROM json_to_recordset(CAST(:rows AS json))
        AS u(series bigint, record text, value float8, own_start timestamptz, own_end timestamptz, own_day date,
             own_offset bigint, flags text, state text, link_stream text, link_record text)
    LEFT JOIN episode e ON e.vendor_account = :account AND e.stream = u.link_stream AND e.record = u.link_record
    LEFT JOIN tombstone t ON t.vendor_account = :account AND t.stream = u.link_stream AND t.record = u.link_record
        AND NOT (t.stream = CAST(:stream AS text) AND t.as_of < CAST(:as_of AS timestamptz))
), old AS (
    SELECT d.* FROM day_value d JOIN new USING (series, record)
), risen AS (
    DELETE FROM tombstone t USING new
    WHERE t.vendor_account = :account AND t.stream = new.link_stream AND t.record = new.link_record
      AND t.stream = CAST(:stream AS text) AND t.as_of < CAST(:as_of AS timestamptz)
), saved AS (
    INSERT INTO day_value AS d (series, record, value, starts_at, ends_at, day, utc_offset_minutes, flags, state,
                                link_stream, link_record, gone, source_rank, as_of, content)
    SELECT new.series, new.record, new.value, new.starts_at, new.ends_at, new.day, new.utc_offset,
           string_to_array(new.flags, ','), new.state, new.link_stream, new.link_record, new.gone,
           :rank, :as_of, :content
    FROM new LEFT JOIN old USING (series, record)
    WHERE old.series IS NULL OR ({VERSION_NEW} > {VERSION_OLD.format("old")} AND NOT (
        CAST(:asked AS bool) AND old.source_rank = CAST(:rank AS bigint)
        AND (new.value, new.starts_at, new.ends_at, new.day, new.utc_offset, new.flags, new.state, new.link_stream,
             new.link_record, new.gone)
            IS NOT DISTINCT FROM (old.value, old.starts_at, old.ends_at, old.day, old.utc_offset_minutes,
             array_to_string(old.flags, ','), old.state, old.link_stream, old.link_record, old.gone)))
    ORDER BY new.series, new.record
    ON CONFLICT (series, record) DO UPDATE SET
        value = excluded.value, starts_at = excluded.starts_at, ends_at = excluded.ends_at, day = excluded.day,
        utc_offset_minutes = excluded.utc_offset_minutes, flags = excluded.flags, state = excluded.state,
        link_stream = excluded.link_stream, link_record = excluded.link_record, gone = excluded.gone,
        source_rank = excluded.source_rank, as_of = excluded.as_of, content = excluded.content
    WHERE {VERSION_OLD.format("excluded")} > {VERSION_OLD.format("d")}
    RETURNING d.*
)
SELECT old.series IS NULL AS is_new,
       (saved.value, saved.starts_at, saved.ends_at, saved.day, saved.state, saved.gone)
           IS DISTINCT FROM (old.value, old.starts_at, old.ends_at, old.day, old.state, old.gone) AS differs,
       old.day AS old_day, saved.day AS new_day
FROM saved LEFT JOIN old USING (series, record)
""")  # noqa: S608  (only our own constants are put in)

SAVE_EPISODES = text(f"""
WITH new AS (
    SELECT u.* FROM json_to_recordset(CAST(:rows AS json))
        AS u(stream text, record text, kind text, starts_at timestamptz, ends_at timestamptz, day date,
             utc_offset bigint, main bool, edited bool, state text, detail jsonb)
    LEFT JOIN tombstone t ON t.vendor_account = :account AND t.stream = u.stream AND t.record = u.record
    WHERE t.record IS NULL OR t.as_of < :as_of
), old AS (
    SELECT e.* FROM episode e JOIN new USING (stream, record) WHERE e.vendor_account = :account
), risen AS (
    DELETE FROM tombstone t USING new
    WHERE t.vendor_account = :account AND t.stream = new.stream AND t.record = new.record
), saved AS (
    INSERT INTO episode AS e (vendor_account, stream, record, kind, starts_at, ends_at, day, utc_offset_minutes, main,
                              edited, state, detail, source_rank, as_of, content)
    SELECT :account, new.stream, new.record, new.kind, new.starts_at, new.ends_at, new.day, new.utc_offset, new.main,
           new.edited, new.state, new.detail, :rank, :as_of, :content
    FROM new LEFT JOIN old USING (stream, record)
    WHERE old.record IS NULL OR ({VERSION_NEW} > {VERSION_OLD.format("old")} AND NOT (
        CAST(:asked AS bool) AND old.source_rank = CAST(:rank AS bigint)
        AND (new.kind, new.starts_at, new.ends_at, new.day, new.utc_offset, new.main, new.edited, new.state, new.detail)
            IS NOT DISTINCT FROM (old.kind, old.starts_at, old.ends_at, old.day, old.utc_offset_minutes, old.main,
             old.edited, old.state, old.detail)))
    ORDER BY new.stream, new.record
    ON CONFLICT (vendor_account, stream, record) DO UPDATE SET
        kind = excluded.kind, starts_at = excluded.starts_at, ends_at = excluded.ends_at, day = excluded.day,
        utc_offset_minutes = excluded.utc_offset_minutes, main = excluded.main, edited = excluded.edited,
        state = excluded.state, detail = excluded.detail, source_rank = excluded.source_rank, as_of = excluded.as_of,
        content = excluded.content
    WHERE {VERSION_OLD.format("excluded")} > {VERSION_OLD.format("e")}
    RETURNING e.*
)
SELECT old.record IS NULL AS is_new,
       (saved.starts_at, saved.ends_at, saved.day, saved.state, saved.detail, saved.main)
           IS DISTINCT FROM (old.starts_at, old.ends_at, old.day, old.state, old.detail, old.main) AS differs,
       old.day AS old_day, saved.day AS new_day
FROM saved LEFT JOIN old USING (stream, record)
""")  # noqa: S608  (only our own constants are put in)

BURY = text("""
WITH new AS (
    SELECT u.* FROM json_to_recordset(CAST(:rows AS json)) AS u(stream text, record text)
    LEFT JOIN episode e ON e.vendor_account = :account AND e.stream = u.stream AND e.record = u.record
    WHERE e.record IS NULL OR e.as_of <= :as_of
), stones AS (
    INSERT INTO tombstone AS t (vendor_account, stream, record, as_of)
    SELECT :account, stream, record, :as_of FROM new ORDER BY stream, record
    ON CONFLICT (vendor_account, stream, record) DO UPDATE SET as_of = excluded.as_of
        WHERE excluded.as_of > t.as_of AND NOT CAST(:asked AS bool)
)
DELETE FROM episode e USING new
WHERE e.vendor_account = :account AND e.stream = new.stream AND e.record = new.record
RETURNING false AS is_new, true AS differs, e.day AS old_day, CAST(NULL AS date) AS new_day
""")

SAVE_TAGS = text("""
WITH new AS (
    SELECT row_number() OVER () AS n, u.name, u.source, u.present, u.last_day, u.link_stream, u.link_record,
           coalesce(e.day, u.own_day) AS day
    FROM json_to_recordset(CAST(:rows AS json))
        AS u(own_day date, last_day date, name text, source text, present bool, link_stream text, link_record text)
    LEFT JOIN episode e ON e.vendor_account = :account AND e.stream = u.link_stream AND e.record = u.link_record
), old AS (
    SELECT DISTINCT ON (new.n) new.n, t.* FROM tag t JOIN new USING (name, source)
    WHERE t.person = :person AND (t.link_record = new.link_record OR t.day = new.day)
    ORDER BY new.n, t.link_record = new.link_record DESC NULLS LAST
), moved AS (
    DELETE FROM tag t USING old JOIN new USING (n)
    WHERE t.person = :person AND t.name = old.name AND t.source = old.source AND t.day = old.day AND old.day <> new.day
      AND (CAST(:as_of AS timestamptz), CAST(:content AS text)) > (old.as_of, old.content)
      AND NOT EXISTS (SELECT FROM new taken
                      WHERE taken.day = old.day AND taken.name = old.name AND taken.source = old.source)
), saved AS (
    INSERT INTO tag AS t (person, day, last_day, name, source, vendor_account, present, link_stream, link_record, as_of,
                          content)
    SELECT :person, new.day, new.last_day, new.name, new.source, :account, new.present, new.link_stream,
           new.link_record, :as_of, :content
    FROM new LEFT JOIN old USING (n)
    WHERE old.n IS NULL OR ((CAST(:as_of AS timestamptz), CAST(:content AS text)) > (old.as_of, old.content)
        AND NOT (CAST(:asked AS bool) AND (new.day, new.last_day, new.present, new.link_stream, new.link_record)
            IS NOT DISTINCT FROM (old.day, old.last_day, old.present, old.link_stream, old.link_record)))
    ORDER BY new.day, new.name, new.source
    ON CONFLICT (person, day, name, source) DO UPDATE SET
        present = excluded.present, last_day = excluded.last_day, link_stream = excluded.link_stream,
        link_record = excluded.link_record, as_of = excluded.as_of, content = excluded.content
    WHERE (excluded.as_of, excluded.content) > (t.as_of, t.content)
    RETURNING t.*
)
SELECT old.n IS NULL AS is_new,
       (saved.present, saved.day, saved.last_day) IS DISTINCT FROM (old.present, old.day, old.last_day) AS differs,
       old.day AS old_day, saved.day AS new_day
FROM saved JOIN new USING (day, name, source) LEFT JOIN old USING (n)
""")

FOLLOW_VALUES = text("""
WITH link AS (
    SELECT u.*, e.record IS NOT NULL AS there, e.day, e.starts_at, e.ends_at, e.utc_offset_minutes,
           t.record IS NOT NULL AS gone
    FROM json_to_recordset(CAST(:rows AS json)) AS u(stream text, record text)
    LEFT JOIN episode e ON e.vendor_account = :account AND e.stream = u.stream AND e.record = u.record
    LEFT JOIN tombstone t ON t.vendor_account = :account AND t.stream = u.stream AND t.record = u.record
), old AS (
    SELECT d.series, d.record, d.day AS old_day, coalesce(link.day, d.day) AS day, link.gone,
           coalesce(link.starts_at, d.starts_at) AS starts_at,
           CASE WHEN link.there THEN link.ends_at ELSE d.ends_at END AS ends_at,
           coalesce(link.utc_offset_minutes, d.utc_offset_minutes) AS utc_offset
    FROM day_value d
    JOIN link ON d.link_stream = link.stream AND d.link_record = link.record
    JOIN series s ON s.id = d.series AND s.vendor_account = :account
    WHERE d.day IS DISTINCT FROM coalesce(link.day, d.day) OR d.gone <> link.gone
       OR link.there AND (d.starts_at, d.ends_at, d.utc_offset_minutes)
           IS DISTINCT FROM (link.starts_at, link.ends_at, coalesce(link.utc_offset_minutes, d.utc_offset_minutes))
)
UPDATE day_value d SET day = old.day, gone = old.gone, starts_at = old.starts_at, ends_at = old.ends_at,
                       utc_offset_minutes = old.utc_offset
FROM old WHERE d.series = old.series AND d.record = old.record
RETURNING false AS is_new, true AS differs, old.old_day, d.day AS new_day
""")

FOLLOW_TAGS = text("""
WITH link AS (
    SELECT u.*, e.day FROM json_to_recordset(CAST(:rows AS json)) AS u(stream text, record text)
    JOIN episode e ON e.vendor_account = :account AND e.stream = u.stream AND e.record = u.record
), old AS (
    SELECT t.day AS old_day, t.name, t.source, link.day
    FROM tag t JOIN link ON t.link_stream = link.stream AND t.link_record = link.record
    WHERE t.vendor_account = :account AND t.day <> link.day
)
UPDATE tag t SET day = old.day FROM old
WHERE t.person = :person AND t.name = old.name AND t.source = old.source AND t.day = old.old_day
RETURNING false AS is_new, true AS differs, old.old_day, t.day AS new_day
""")

BURY_TAGS = text("""
WITH link AS (
    SELECT u.* FROM json_to_recordset(CAST(:rows AS json)) AS u(stream text, record text)
    JOIN tombstone t ON t.vendor_account = :account AND t.stream = u.stream AND t.record = u.record
)
DELETE FROM tag t USING link
WHERE t.vendor_account = :account AND t.link_stream = link.stream AND t.link_record = link.record
  AND NOT EXISTS (SELECT FROM episode e WHERE e.vendor_account = :account AND e.stream = link.stream
                                          AND e.record = link.record)
RETURNING false AS is_new, true AS differs, t.day AS old_day, CAST(NULL AS date) AS new_day
""")
