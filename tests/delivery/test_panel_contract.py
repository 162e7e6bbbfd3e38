"""What Jira's deployments panel is told, against Atlassian's own description as Prism serves it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from apps.delivery import channels, telling
from apps.delivery.environments import TYPES, UNMAPPED
from apps.delivery.for_jira import STATES
from apps.delivery.models import Telling
from apps.delivery.wanted import note
from apps.jira import panel as jira_panel
from apps.sites.models import Site
from apps.sites.wires import SessionWire
from tests.delivery.making import run
from tests.delivery.test_panel import jira, pipeline  # noqa: F401
from tests.delivery.test_results import wire  # noqa: F401
from tests.prism import Called, Held, NotDescribedError, calls, served
from tests.vendors import Described, cut, without_false_examples
from tests.vendors import jira as described_by_atlassian

pytestmark = [pytest.mark.django_db]

OPERATIONS = {
    "jira:SubmitDeployments": "submitDeployments",
    "jira:GetDeployment": "getDeploymentByKey",
}
CLOUD = "11111111-2222-3333-4444-555555555555"
# The description has a site's own paths; its gateway has them by the site's cloud id.
OWN, GATEWAY = "/rest/deployments/0.1", f"/deployments/0.1/cloud/{CLOUD}"


def described() -> Described:
    told = cut(described_by_atlassian("software"), set(OPERATIONS.values()).__contains__)
    for shared in told["paths"].values():
        # In words an OAuth token may sign, too; in its pattern a Connect app's alone.
        shared["parameters"] = [
            one for one in shared["parameters"] if one["name"] != "Authorization"
        ]
    told["paths"] = {path.replace(OWN, GATEWAY): verbs for path, verbs in told["paths"].items()}
    return without_false_examples(told)


@pytest.fixture(scope="module")
def served_by_prism(tmp_path_factory: Any) -> Iterator[tuple[str, dict[str, list[Called]]]]:
    """The gateway's address, and how its operations are called."""
    told = described()
    known = calls(told)
    with served(told, tmp_path_factory.mktemp("prism")) as address:
        yield address, {name: known[theirs] for name, theirs in OPERATIONS.items()}


@pytest.fixture
def made() -> set[str]:
    """The operations that were called."""
    return set()


@pytest.fixture
def opened(
    served_by_prism: tuple[str, dict[str, list[Called]]],
    made: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Opens a site's panel there."""
    address, known = served_by_prism
    monkeypatch.setattr(jira_panel, "cloud_id_of", lambda _site: CLOUD)

    def open_panel(site: Site) -> jira_panel.Panel:
        session = requests.Session()
        session.headers["Authorization"] = "Bearer t0ken"
        reach = Held(
            provider="jira",
            base_url=address,
            wire=SessionWire(session, guarded=False),
            read=jira_panel.read,
            known=known,
            made=made,
        )
        return jira_panel.Panel(site, reach)

    monkeypatch.setattr(channels, "open_panel", open_panel)
    return open_panel


def test_every_call_is_what_atlassian_describes(
    pipeline: Any,  # noqa: F811
    opened: Any,
    made: set[str],
):
    execution = run(pipeline, 3, status="InProgress")
    assert note([execution.pk]) == 2
    telling.tell()
    # Prism makes up an answer of all that one may have, rejections among it: they were read.
    assert all(row.given_up for row in Telling.objects.all())
    assert all("It does not know ABC-123." in row.trouble for row in Telling.objects.all())
    opened(Site.objects.get()).check()
    assert made == set(OPERATIONS)


@pytest.mark.parametrize(
    "wrong",
    [{"state": "done"}, {"environment": {"id": "x"}}, {"lastUpdated": 7}, {"associations": "SHOP"}],
)
def test_what_it_does_not_describe_is_refused(
    pipeline: Any,  # noqa: F811
    opened: Any,
    wrong: Any,
):
    note([run(pipeline, 3).pk])
    row = Telling.objects.first()
    assert row is not None
    with pytest.raises(NotDescribedError, match=r" 4(00|22) "):
        opened(Site.objects.get()).submit({**_sent(row), **wrong})


def _sent(row: Telling) -> dict[str, Any]:
    shows = dict(row.wanted)
    issues = shows.pop("issues")
    return {
        **shows,
        "schemaVersion": "1.0",
        "updateSequenceNumber": row.sequence,
        "associations": [{"associationType": "issueIdOrKeys", "values": issues}],
    }


def test_its_states_and_environments_are_among_those_that_are_described():
    (given,) = described_by_atlassian("software")["paths"][f"{OWN}/bulk"]["post"]["requestBody"][
        "content"
    ].values()
    told = given["schema"]["properties"]["deployments"]["items"]["properties"]
    assert {*STATES.values(), "rolled_back"} <= set(told["state"]["enum"])
    types = told["environment"]["properties"]["type"]["enum"]
    assert {*TYPES, UNMAPPED} <= set(types)
