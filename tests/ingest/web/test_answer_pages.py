"""Check-in, the quiet question and the tests of a minute, as pages: no GET answers, nobody answers for another."""

import re
from datetime import timedelta
from html import unescape
from typing import get_args

import pytest
from sqlalchemy import select, update

from ingest import push, questions, store
from ingest.db import transaction
from ingest.models import Channel, CheckIn, Delivery, DriveTest, Person, Question, Tag
from tests.ingest.questions_stage import TODAY, asked, leaning
from tests.ingest.web.web_stage import Stage
from tests.wording import NOT_GERMAN

SAME = {"sec-fetch-site": "same-origin"}


def text(answer) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text, flags=re.DOTALL)))


def asked_person(stage: Stage, address="mira@example.org"):
    """Somebody signed in whose nights lean, and the question they were asked."""
    sitter = stage.sitter(address)
    with transaction() as session:
        store.save_readiness(session, sitter.id, leaning(), "balanced")
        return sitter, asked(session, sitter.id).id


def token(question: int) -> str:
    return questions.token(question)


def tags() -> set[tuple[int, str]]:
    with transaction() as session:
        rows = session.execute(select(Tag.person, Tag.name).where(Tag.present))
        return {(person, name) for person, name in rows}


def answers(question: int) -> list[str] | None:
    with transaction() as session:
        return session.get_one(Question, question).answers


def test_a_check_in_is_saved_shown_as_saved_corrected_and_taken_back(stage: Stage):
    sitter = stage.sitter()
    given = {"day": TODAY, "feeling": "heavy", "signs": ["grip", "flat_power"], "drinks": "2", "travelled": "true"}
    assert sitter.client.post("/check-in", data=given).headers["location"] == "/check-in?saved=true"
    page = sitter.client.get("/check-in?saved=true").text
    for name, value in (("feeling", "heavy"), ("signs", "grip"), ("drinks", "2"), ("travelled", "true")):
        assert re.search(rf'name="{name}" value="{value}" checked', page), name
    assert 'name="drinks" value="0" checked' not in page
    sitter.client.post("/check-in", data={"day": TODAY, "drinks": "0"})
    assert tags() == set()
    sitter.client.post("/check-in", data={"day": TODAY, "soreness": "1"})
    assert tags() == {(sitter.id, "soreness")}
    sitter.client.post("/check-in/remove")
    assert tags() == set()
    assert "checked" not in sitter.client.get("/check-in").text


def test_an_empty_check_in_is_saved_as_none(stage: Stage):
    sitter = stage.sitter()
    page = sitter.client.post("/check-in", data={"day": TODAY}, follow_redirects=True)
    assert "Nothing is noted for today." in text(page)
    with transaction() as session:
        assert session.scalars(select(CheckIn)).all() == []


def test_a_form_that_was_opened_yesterday_changes_nothing_and_says_so(stage: Stage):
    sitter = stage.sitter()
    page = sitter.client.post("/check-in", data={"day": TODAY - timedelta(days=1), "feeling": "ill"})
    assert page.status_code == 422
    assert "That was for Sat 21 Nov, which is over: nothing was changed." in text(page)
    assert tags() == set()


def test_the_check_ins_before_are_listed_small(stage: Stage, clock):
    sitter = stage.sitter()
    clock("2026-11-20T06:00")
    sitter.client.post("/check-in", data={"day": "2026-11-20", "feeling": "great", "rpe": "0"})
    clock("2026-11-22T06:00")
    assert "Fri 20 Nov Great · training the day before: 0 of 10" in text(sitter.client.get("/check-in"))


@pytest.mark.parametrize("given", [{"feeling": "fine"}, {"drinks": "9"}, {"day": "someday"}, {"rpe": "-1"}])
def test_what_the_form_does_not_offer_is_refused(stage: Stage, given):
    sitter = stage.sitter()
    assert sitter.client.post("/check-in", data={"day": str(TODAY)} | given).status_code == 422
    assert tags() == set()


def test_today_asks_while_the_question_is_open_instead_of_the_buttons_below(stage: Stage):
    sitter, question = asked_person(stage)
    page = text(sitter.client.get("/today"))
    assert "Unusual nights lately? About 18–22 Nov." in page
    assert "Does one of these explain it?" not in page
    sitter.client.post(f"/questions/{question}", data={"said": "none"})
    page = text(sitter.client.get("/today"))
    assert "Unusual nights lately?" not in page
    assert "Does one of these explain it?" in page


def test_one_press_answers_and_the_page_says_what_was_noted_with_a_way_back(stage: Stage):
    sitter, question = asked_person(stage)
    page = sitter.client.post(f"/questions/{question}", data={"said": "alcohol"}, follow_redirects=True)
    assert "Drinks, night to Sat 21 Nov: left out of strain." in text(page)
    corrected = {"said": "nights", "nights": ["2026-11-20", "2026-11-22"]}
    page = sitter.client.post(f"/questions/{question}", data=corrected, follow_redirects=True)
    assert "night to Fri 20 Nov, Sun 22 Nov" in text(page)
    page = sitter.client.post(f"/questions/{question}", data={"said": "travel"}, follow_redirects=True)
    assert "18–22 Nov: travelled. We hold back judgement" in text(page)
    page = sitter.client.post(f"/questions/{question}", data={"said": "undo"}, follow_redirects=True)
    assert "Unusual nights lately?" in text(page)
    assert tags() == set()


def test_opening_the_link_of_a_mail_answers_nothing_and_pressing_a_button_there_does(stage: Stage):
    sitter, question = asked_person(stage)
    stranger, path = stage.client(), f"/q/{token(question)}"
    assert "Unusual nights lately?" in text(stranger.get(path))
    stranger.head(path)
    assert answers(question) is None
    page = stranger.post(path, data={"said": "ill"}, headers=SAME, follow_redirects=True)
    assert "unwell. We hold back judgement" in text(page)
    assert tags() == {(sitter.id, "ill")}


def test_a_scanner_that_submits_the_form_without_a_button_answers_nothing(stage: Stage):
    _, question = asked_person(stage)
    stage.client().post(f"/q/{token(question)}", data={}, headers=SAME)
    assert answers(question) is None


def test_a_page_of_another_site_cannot_answer(stage: Stage):
    sitter, question = asked_person(stage)
    for path in (f"/q/{token(question)}", f"/questions/{question}", "/check-in", "/drive-tests/reaction"):
        answer = sitter.client.post(path, data={"said": "ill", "day": TODAY}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403, path
    assert answers(question) is None


def test_a_link_opens_its_own_question_alone(stage: Stage):
    _, question = asked_person(stage)
    own = token(question)
    for forged in (f"{question + 1}{own[len(str(question)) :]}", f"{question}.x", "0.x", "x"):
        assert stage.client().get(f"/q/{forged}").status_code == 404
        assert stage.client().post(f"/q/{forged}", data={"said": "ill"}).status_code == 404
    assert tags() == set()


def test_nobody_sees_or_answers_the_question_of_another(stage: Stage):
    _, question = asked_person(stage)
    eve = stage.sitter("eve@example.org")
    assert eve.client.get(f"/questions/{question}").status_code == 404
    assert eve.client.post(f"/questions/{question}", data={"said": "ill"}).status_code == 404
    assert stage.client().get(f"/questions/{question}").headers["location"] == "/sign-in"
    assert answers(question) is None


def test_a_question_that_has_passed_says_so_and_takes_no_answer(stage: Stage):
    sitter, question = asked_person(stage)
    with transaction() as session:
        store.save_readiness(session, sitter.id, leaning(state="normal"), "balanced")
    page = sitter.client.post(f"/questions/{question}", data={"said": "ill"}, follow_redirects=True)
    assert "This has passed" in text(page)
    assert tags() == set()


def test_the_link_of_somebody_who_is_leaving_leads_nowhere(stage: Stage):
    _, question = asked_person(stage)
    with transaction() as session:
        session.execute(update(Person).values(state="erasing"))
    assert stage.client().get(f"/q/{token(question)}").status_code == 404


def pushed(person: int, question: int, kind="question") -> str:
    """What a push about this carried."""
    with transaction() as session:
        channel = session.scalars(select(Channel.id).where(Channel.person == person)).one()
        at = session.get_one(Question, question).asked_at
        told = Delivery(person=person, channel=channel, kind=kind, subject=question, key=f"{kind}:1", thread=kind)
        told.not_before, told.created_at, told.status = at, at, "sent"
        session.add(told)
        session.flush()
        return push.receipt_token(told.id)


def test_a_button_on_a_push_answers_with_what_the_push_carried(stage: Stage):
    sitter, question = asked_person(stage)
    given = {"receipt": pushed(sitter.id, question), "answer": "travel"}
    assert stage.client().post("/questions/pressed", json=given, headers=SAME).status_code == 204
    assert tags() == {(sitter.id, "travel")}


def test_a_push_about_something_else_and_a_forged_one_answer_nothing(stage: Stage):
    sitter, question = asked_person(stage)
    other = pushed(sitter.id, question, "strained")
    number = other.partition(".")[0]
    for receipt in (other, f"{number}.x", "x", "", f"{10**17}.x"):
        given = {"receipt": receipt, "answer": "ill"}
        assert stage.client().post("/questions/pressed", json=given, headers=SAME).status_code == 404
    assert answers(question) is None


def test_a_push_that_is_pressed_too_late_is_told_so(stage: Stage):
    sitter, question = asked_person(stage)
    receipt = pushed(sitter.id, question)
    with transaction() as session:
        store.save_readiness(session, sitter.id, leaning(state="normal"), "balanced")
    given = {"receipt": receipt, "answer": "ill"}
    assert stage.client().post("/questions/pressed", json=given, headers=SAME).status_code == 410


def test_whether_we_ask_and_by_mail_is_set_on_the_page_of_channels(stage: Stage):
    sitter = stage.sitter()
    page = sitter.client.get("/channels").text
    assert re.search(r'name="asks" value="true" checked', page)
    assert not re.search(r'name="mail" value="true" checked', page)
    sitter.client.post("/questions/setting", data={"mail": "true"})
    with transaction() as session:
        assert session.scalars(select(Channel.wants)).one() == ["strained", "question"]
        assert not session.get_one(Person, sitter.id).asks
    sitter.client.post("/questions/setting", data={"asks": "true"})
    with transaction() as session:
        assert session.scalars(select(Channel.wants)).one() == ["strained"]
        assert session.get_one(Person, sitter.id).asks


def run_test(sitter, times, kind="reaction", **more):
    given = {"times": ",".join(str(each) for each in times)} | more
    return sitter.client.post(f"/drive-tests/{kind}", data=given)


def test_a_test_is_kept_and_shown_with_what_went_beside_it(stage: Stage):
    sitter = stage.sitter()
    answer = run_test(sitter, [250, 260.5, 270, 620, 255, 80], too_soon="2")
    assert answer.headers["location"] == "/drive-tests/reaction?done=true&lapses=1&too_soon=3"
    page = text(sitter.client.get(answer.headers["location"]))
    assert "Your median 260 ms" in page
    assert "Your own range comes with the fifth test; this was number 1." in page
    assert "Too soon: 3. Half a second or more: 1." in page
    assert "never counted as strain" in page


def test_the_fifth_test_is_told_beside_the_persons_own(stage: Stage, clock):
    sitter = stage.sitter()
    for day, value in enumerate((250, 255, 260, 255, 330)):
        clock(f"2026-11-{18 + day}T06:00")
        run_test(sitter, [value] * 9)
    page = text(sitter.client.get("/drive-tests/reaction?done=true"))
    assert "Slower than your usual. Usual for you: 247–263 ms, from 4 tests in eight weeks." in page
    assert "Reaction time today: 330 ms, slower than your usual." in text(sitter.client.get("/check-in"))
    newest = re.search(r'name="test" value="(\d+)"', sitter.client.get("/drive-tests/reaction").text)[1]
    sitter.client.post("/drive-tests/reaction/remove", data={"test": newest})
    assert "330" not in text(sitter.client.get("/drive-tests/reaction"))


def test_taps_make_a_rate(stage: Stage):
    sitter = stage.sitter()
    answer = run_test(sitter, [round(k * 30_000 / 180, 1) for k in range(1, 181)], kind="tapping")
    assert "Your rate 6.0 taps a second" in text(sitter.client.get(answer.headers["location"]))


@pytest.mark.parametrize(
    ("kind", "times"), [("reaction", []), ("reaction", [50] * 9), ("tapping", [100]), ("tapping", range(1, 600))]
)
def test_what_nobody_can_do_is_refused_and_said_so(stage: Stage, kind, times):
    sitter = stage.sitter()
    answer = run_test(sitter, times, kind=kind)
    assert answer.status_code == 422
    assert "othing was kept" in text(answer)
    with transaction() as session:
        assert session.scalars(select(DriveTest)).all() == []


@pytest.mark.parametrize("times", ["1;2", "<script>", "1e9", "-5,3", "9" * 9000])
def test_what_is_no_list_of_times_is_refused(stage: Stage, times):
    assert stage.sitter().client.post("/drive-tests/reaction", data={"times": times}).status_code == 422


def test_nobody_forgets_the_test_of_another(stage: Stage):
    sitter, eve = stage.sitter(), stage.sitter("eve@example.org")
    run_test(sitter, [250] * 9)
    with transaction() as session:
        test = session.scalars(select(DriveTest.id)).one()
    eve.client.post("/drive-tests/reaction/remove", data={"test": test})
    with transaction() as session:
        assert session.get(DriveTest, test) is not None


def test_a_stranger_sees_none_of_it_and_comes_back_after_signing_in(stage: Stage):
    for path in ("/check-in", "/drive-tests/reaction", "/drive-tests/tapping"):
        answer = stage.client().get(path)
        assert answer.headers["location"] == "/sign-in"
        assert path in answer.headers["set-cookie"]
    assert stage.client().post("/check-in", data={"day": TODAY}).headers["location"] == "/sign-in"


def test_a_test_of_no_known_kind_is_no_page(stage: Stage):
    assert stage.sitter().client.get("/drive-tests/strength").status_code in {404, 422}


def test_the_worker_may_ask_for_every_answer_the_page_knows(stage: Stage):
    worker = stage.client().get("/sw.js").text
    for name in get_args(questions.Answer):
        assert re.search(rf"\b{name}: ", worker), name


def test_whoever_reads_german_is_asked_and_answered_in_german_by_the_link_too(stage: Stage):
    sitter, question = asked_person(stage)
    with transaction() as session:
        session.execute(update(Person).values(language="de"))
    sitter.client.post("/check-in", data={"day": TODAY, "feeling": "heavy", "drinks": "2"})
    run_test(sitter, [250] * 9)
    sitter.client.post(f"/questions/{question}", data={"said": "undo"})
    stranger = stage.client()
    for client, path in (
        (sitter.client, "/check-in"),
        (sitter.client, "/drive-tests/reaction?done=true&too_soon=1&lapses=2"),
        (sitter.client, "/drive-tests/tapping"),
        (sitter.client, f"/questions/{question}"),
        (stranger, f"/q/{token(question)}"),
    ):
        answer = client.get(path)
        assert '<html lang="de">' in answer.text, path
        assert not NOT_GERMAN.search(text(answer)), path
    page = stranger.post(f"/q/{token(question)}", data={"said": "alcohol"}, headers=SAME, follow_redirects=True)
    assert "Alkohol, Nacht auf Sa 21. Nov: zählt nicht als Belastung." in text(page)
