"""The calls to a site: bounded, remembered by their tags, honest about what the site refuses."""

from typing import Any

import pytest
import requests

from apps.mirror.provider import Failure, Health
from apps.sites import identity, opening
from apps.sites import reach as module
from apps.sites.answers import Answer
from apps.sites.failures import (
    CircleError,
    ElsewhereError,
    OutOfTimeError,
    QuotaSpentError,
    SiteError,
    SuspendedError,
    classify,
    was_not_sent,
)
from apps.sites.reach import Failed, Reach
from tests.delivery.test_results import make_site

LIST = "toy:ListThings"


class Line:
    """A wire that answers what it is told to, in turn, then with the last for ever."""

    def __init__(self, *said: Any) -> None:
        self.said = list(said)
        self.sent: list[tuple[str, str, dict[str, Any], dict[str, str], Any]] = []

    def send(self, verb, url, *, params, headers, body):
        self.sent.append((verb, url, dict(params), dict(headers), body))
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, Exception):
            raise said
        return said

    def close(self):
        """Nothing is held."""


class Known(dict):
    """A memory in process."""

    def recall(self, name):
        return self.get(name)

    def keep(self, name, answer):
        self[name] = answer


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits: how long somebody would have."""
    waited: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    return waited


def reach_with(*said: Any, **options: Any) -> Reach:
    line = Line(*said)
    return Reach(provider="toy", base_url="https://toy.example.com/api", wire=line, **options)


def said(body: Any = None, status: int = 200, **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "application/json", **told}, body)


def test_a_call_is_made_under_the_sites_root_without_what_is_none():
    reach = reach_with(said([1]))
    assert reach.get(LIST, "/things", page=2, q=None).body == [1]
    verb, url, params, _, body = reach.wire.sent[0]
    assert (verb, url, params, body) == (
        "GET",
        "https://toy.example.com/api/things",
        {"page": 2},
        None,
    )
    assert reach.outcomes[LIST].successes == 1


def test_an_answer_with_a_tag_is_asked_for_conditionally_and_replayed():
    memory = Known()
    first = reach_with(said([1, 2], etag='W/"a"', link="<x>; rel=next"), memory=memory)
    first.get(LIST, "/things", page=1)
    reach = reach_with(Answer(304), memory=memory)
    again = reach.get(LIST, "/things", page=1)
    assert (again.body, again.headers["link"]) == ([1, 2], "<x>; rel=next")
    assert reach.wire.sent[0][3]["If-None-Match"] == 'W/"a"'
    # Another page is another answer.
    other = reach_with(said([3]), memory=memory)
    assert other.get(LIST, "/things", page=2).body == [3]
    assert "If-None-Match" not in other.wire.sent[0][3]


def test_what_passes_is_tried_again_and_what_does_not_is_not(pauses):
    reach = reach_with(requests.ConnectionError("reset"), said(status=503), said([1]))
    assert reach.get(LIST, "/things").body == [1]
    assert len(pauses) == 2
    refused = reach_with(said({"message": "Validation Failed"}, 422))
    with pytest.raises(SiteError, match="Validation Failed"):
        refused.get(LIST, "/things")
    assert len(refused.wire.sent) == 1


def test_tries_are_bounded():
    reach = reach_with(said(status=502))
    with pytest.raises(SiteError):
        reach.get(LIST, "/things")
    assert len(reach.wire.sent) == module.ATTEMPTS
    assert reach.outcomes[LIST].failure.health is Health.FAILING


@pytest.mark.parametrize(
    ("answer", "health", "code"),
    [
        (said({"message": "Bad credentials"}, 401), Health.CREDENTIALS, "HTTP401"),
        (said({"message": "Resource not accessible by token"}, 403), Health.DENIED, "HTTP403"),
        (said({"errorMessages": ["Issue does not exist"]}, 404), Health.GONE, "HTTP404"),
        (said({}, 403, x_ratelimit_remaining="0"), Health.THROTTLED, "RateLimit"),
        (
            said({"message": "You have exceeded a secondary rate limit"}, 403),
            Health.THROTTLED,
            "RateLimit",
        ),
        (
            said({"message": "You have triggered an abuse detection mechanism"}, 403),
            Health.THROTTLED,
            "RateLimit",
        ),
        (said({}, 429, retry_after="3"), Health.THROTTLED, "RateLimit"),
        (
            said("<html>log in</html>", 200, content_type="text/html"),
            Health.FAILING,
            "UnreadableAnswer",
        ),
        (
            said("<html>oops</html>", 500, content_type="text/html"),
            Health.FAILING,
            "UnreadableAnswer",
        ),
    ],
)
def test_a_refusal_is_told_with_its_cure(answer, health, code):
    reach = reach_with(answer)
    with pytest.raises(SiteError) as raised:
        reach.get(LIST, "/things")
    failure = classify(raised.value)
    assert (failure.health, failure.code, failure.operation) == (health, code, LIST)
    assert failure.cure
    assert failure.message


def test_a_broken_connection_is_unreachable():
    reach = reach_with(requests.ConnectTimeout("no"))
    with pytest.raises(requests.ConnectTimeout) as raised:
        reach.get(LIST, "/things")
    assert classify(raised.value).health is Health.UNREACHABLE
    assert reach.outcomes[LIST].failure.health is Health.UNREACHABLE


def test_a_refusal_that_is_an_answer_is_no_fault():
    reach = reach_with(said({"errorMessages": ["no such field"]}, 400))
    answer = reach.get_unless(frozenset({400}), LIST, "/search")
    assert (answer.status, answer.ok) == (400, False)
    assert reach.outcomes[LIST].failure is None


def test_credentials_go_nowhere_else():
    reach = reach_with(Answer(302, {"location": "https://evil.example.net/steal"}))
    with pytest.raises(ElsewhereError, match="evil"):
        reach.get(LIST, "/things")
    assert [sent[1] for sent in reach.wire.sent] == ["https://toy.example.com/api/things"]
    with pytest.raises(ElsewhereError):
        reach.get(LIST, "https://evil.example.net/things")
    # Neither by another port or scheme of the same host.
    for to in ("http://toy.example.com/x", "https://toy.example.com:8443/x"):
        with pytest.raises(ElsewhereError):
            reach_with(Answer(301, {"location": to})).get(LIST, "/things")


def test_a_redirect_inside_the_site_is_followed_for_what_is_read_alone():
    moved = Answer(301, {"location": "/api/repositories/7"})
    reach = reach_with(moved, said({"full_name": "checkout/shop"}))
    assert reach.get(LIST, "/repos/old/shop").url == "https://toy.example.com/api/repositories/7"
    deed = reach_with(moved, said({}))
    with pytest.raises(ElsewhereError):
        deed.send(LIST, "POST", "/repos/old/shop", {"a": 1})
    with pytest.raises(ElsewhereError, match="again and again"):
        reach_with(moved).get(LIST, "/repos/old/shop")


def test_pages_follow_the_kinds_paging_and_never_turn_in_circles():
    def following(path, params, answer):
        token = answer.body.get("next")
        return (path, {**params, "token": token}) if token else None

    reach = reach_with(said({"next": "a"}), said({"next": "b"}), said({}), next_page=following)
    assert len(list(reach.pages(LIST, "/things", q="x"))) == 3
    assert [sent[2] for sent in reach.wire.sent] == [
        {"q": "x"}, {"q": "x", "token": "a"}, {"q": "x", "token": "b"},
    ]  # fmt: skip
    circling = reach_with(said({"next": "a"}), next_page=following)
    with pytest.raises(CircleError):
        list(circling.pages(LIST, "/things"))
    assert circling.outcomes[LIST].failure.code == "Circle"


def test_what_keeps_failing_alike_is_not_asked_again():
    reach = reach_with(said({"message": "no"}, 403))
    for _ in range(module.PATIENCE):
        assert reach.detail(LIST, "/things") is None
    with pytest.raises(SuspendedError):
        reach.get(LIST, "/things")
    assert len(reach.wire.sent) == module.PATIENCE


def test_one_thing_that_is_gone_is_no_fault_of_the_operation():
    reach = reach_with(said({"message": "Not Found"}, 404))
    for _ in range(module.PATIENCE + 1):
        assert reach.detail(LIST, "/things/1") is None
    assert reach.outcomes[LIST].failures == 0


def test_a_reach_has_a_budget():
    reach = reach_with(said([1]), budget=-1.0)
    with pytest.raises(OutOfTimeError):
        reach.get(LIST, "/things")
    assert reach.spent
    assert reach.outcomes[LIST].failure.health is Health.THROTTLED


def test_a_spent_quota_ends_the_reading():
    class Spent(module.Boundless):
        def before(self, api):
            raise QuotaSpentError("spent", module.datetime.now(module.UTC))

    reach = reach_with(said([1]), quota=Spent())
    with pytest.raises(QuotaSpentError):
        reach.get(LIST, "/things")
    assert reach.spent
    assert not reach.wire.sent
    assert reach.outcomes[LIST].failure.health is Health.THROTTLED


def test_a_deed_is_sent_once():
    reach = reach_with(said(status=502), said({}))
    with pytest.raises(SiteError) as raised:
        reach.send("toy:Comment", "POST", "/comments", {"text": "done"})
    assert len(reach.wire.sent) == 1
    assert not was_not_sent(raised.value)
    slow = reach_with(requests.ReadTimeout("no answer"))
    with pytest.raises(requests.ReadTimeout) as unsure:
        slow.send("toy:Comment", "POST", "/comments", {})
    assert not was_not_sent(unsure.value)
    limited = reach_with(said({}, 429))
    with pytest.raises(SiteError) as refused:
        limited.send("toy:Comment", "POST", "/comments", {})
    assert was_not_sent(refused.value)


def test_a_posted_query_is_read_like_any_other():
    reach = reach_with(said(status=503), said({"data": 1}))
    assert reach.query("toy:Search", "/graphql", {"query": "x"}).body == {"data": 1}
    assert reach.wire.sent[1][4] == {"query": "x"}


def test_many_are_read_together_and_one_that_fails_harms_no_other():
    reach = reach_with(said([1]))

    def work(item):
        if item == 3:
            raise SiteError(Answer(404), classify(ValueError("x")))
        return reach.get(LIST, f"/things/{item}").body

    found = dict(reach.each(range(5), work))
    assert isinstance(found.pop(3), Failed)
    assert found == {0: [1], 1: [1], 2: [1], 4: [1]}


def test_a_kinds_own_word_comes_before_the_status():
    def anonymous(answer, operation):
        if answer.headers.get("x-user") == "anonymous":
            return module.Failure(health=Health.CREDENTIALS, code="Anonymous", cure="sign in")
        return None

    reach = reach_with(said([], x_user="anonymous"), read=anonymous)
    with pytest.raises(SiteError):
        reach.get(LIST, "/things")
    assert reach.outcomes[LIST].failure.code == "Anonymous"


def test_a_token_in_a_message_is_masked():
    leaked = "ghp_" + "a" * 36
    reach = reach_with(said({"message": f"token {leaked} is revoked"}, 401))
    with pytest.raises(SiteError) as raised:
        reach.get(LIST, "/things")
    assert leaked not in classify(raised.value).message


def test_what_a_start_began_is_cured_by_another_start() -> None:
    unreachable = Failure(health=Health.UNREACHABLE, message="refused", cure="Check the network.")
    denied = Failure(health=Health.DENIED, message="no", cure="Allow it.")
    assert "start it again" in opening._sandboxed(unreachable).cure
    assert opening._sandboxed(denied) == denied


@pytest.mark.django_db
@pytest.mark.parametrize("managed", [True, False])
def test_so_is_what_does_not_say_who_we_are(managed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site("jira", managed=managed).site

    def refuse(*_args: Any, **_options: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(identity, "reach_of", refuse)
    failure = identity.find_out(site)
    assert failure is not None
    assert failure.health is Health.UNREACHABLE
    site.refresh_from_db()
    assert ("start it again" in failure.cure) is ("start it again" in site.identity_cure) is managed
