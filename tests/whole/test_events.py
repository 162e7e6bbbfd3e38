"""What somebody does in AWS shows in a running dashboard because an event told of it."""

import re
import time
from typing import Any

import boto3

from tests.whole.program import PATIENCE, Client, Up, items, until

ACCOUNT, REGION = "111122223333", "eu-west-1"
CALLS = "AWS API Call via CloudTrail"


def place_in(client: Client) -> str:
    """The address of the page on events of the account and region."""
    page = client.get("/aws/events/").text
    rows = re.findall(r'href="(/aws/events/\d+/)".*?</tr>', page, re.DOTALL)
    found = [path for path in rows if f"{REGION} · {ACCOUNT}" in row_of(page, path)]
    return found[0]


def row_of(page: str, path: str) -> str:
    return page.partition(f'href="{path}"')[2].partition("</tr>")[0]


def test_a_transition_that_is_closed_shows_at_once_and_the_page_on_events_says_why(up: Up) -> None:
    aws: Any = boto3.Session(ACCOUNT, "any", region_name=REGION).client(
        "codepipeline", endpoint_url=up.sandbox_url
    )
    with up.client() as client:
        rows = until(
            lambda: [
                row
                for row in items(client, "pipelines")
                if (row["account"], row["region"]) == (ACCOUNT, REGION)
            ],
            PATIENCE,
            "pipelines",
        )
        name = rows[0]["name"]
        stages = aws.get_pipeline(name=name)["pipeline"]["stages"]
        until(lambda: stages[-1]["name"] in client.get(rows[0]["url"]).text, PATIENCE, "its stages")
        reason = f"Freeze {time.time_ns()}"
        aws.disable_stage_transition(
            pipelineName=name,
            stageName=stages[-1]["name"],
            transitionType="Inbound",
            reason=reason,
        )
        until(lambda: reason in client.get(rows[0]["url"]).text, PATIENCE, "the closed transition")
        until(lambda: "Events arrive" in client.get("/aws/events/").text, PATIENCE, "events")
        row = f"<code>aws.codepipeline</code></th><td [^>]*>{CALLS}</td><td [^>]*><time"
        until(lambda: re.search(row, client.get(place_in(client)).text), 60, "the event's arrival")
        # The queue is asked for what it is, too, and EventBridge may send to it.
        page = client.submit(f"{place_in(client)}test/")
        assert "Ask the queue" in page.text
        # The address has it however soon the test is over: what still runs alone asks again.
        token = re.search(r"test=([\w-]+)", page.url)
        assert token is not None
        until(
            lambda: "The queue answers" in client.get(f"{place_in(client)}?test={token[1]}").text,
            PATIENCE,
            "the test of the queue",
        )
