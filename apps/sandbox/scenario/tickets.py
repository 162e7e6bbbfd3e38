"""What stands in the scenario's trackers: the two projects of Jira, and the issues at GitHub."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ticket:
    """An issue as it is first written down; ``stage`` is todo, doing, review, blocked or done."""

    summary: str
    type: str = "Story"
    stage: str = "todo"
    body: Any = None
    priority: str = "Medium"
    labels: tuple[str, ...] = ()
    component: str = ""
    points: float | None = None
    parent: int | None = None
    links: tuple[tuple[str, int], ...] = ()
    comments: tuple[str, ...] = ()
    assignee: str = field(default="")


def _deep(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "paragraph", "content": [{"type": "text", "text": "deep"}]}
    for _ in range(depth):
        node = {"type": "blockquote", "content": [node]}
    return node


#: A document that tries everything.
HOSTILE: dict[str, Any] = {
    "type": "doc",
    "version": 1,
    "content": [
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "<script>alert(1)</script> & \x1b[31mred\x1b[0m "},
                {
                    "type": "text",
                    "text": "click",
                    "marks": [{"type": "link", "attrs": {"href": "javascript:alert(2)"}}],
                },
                {
                    "type": "text",
                    "text": " [link](javascript:alert(3)) ![x](https://example.com/t)",
                },
                {"type": "inlineCard", "attrs": {"url": "javascript:alert(4)"}},
                {"type": "mention", "attrs": {"id": "x", "text": "@<b>nobody</b>"}},
                {"type": "emoji", "attrs": {"shortName": ":bug:", "text": "🐛"}},
                {"type": "no-such-node", "content": [{"type": "text", "text": "unknown"}]},
            ],
        },
        {"type": "heading", "attrs": {"level": 9}, "content": [{"type": "text", "text": "## #"}]},
        {
            "type": "codeBlock",
            "attrs": {"language": '"><img src=x onerror=alert(5)>'},
            "content": [{"type": "text", "text": "```\n</code></pre><script>alert(6)</script>"}],
        },
        {
            "type": "table",
            "content": [
                {
                    "type": "tableRow",
                    "content": [
                        {
                            "type": "tableCell",
                            "attrs": {"colspan": 10_000},
                            "content": [
                                {
                                    "type": "paragraph",
                                    "content": [{"type": "text", "text": "a | b\n|---|"}],
                                }
                            ],
                        }
                    ],
                }
            ],
        },
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "../../x"}}]},
        _deep(120),
        {"type": "paragraph", "content": "no list"},
    ],
}

_CENT = (
    "A basket of three showed 10.01, the invoice 10.00.\n\n"
    "- each line is rounded\n- the sum is rounded again"
)

SHOP: tuple[Ticket, ...] = (
    Ticket("A quicker checkout", "Epic", "doing", "Three pages become one.", "High"),
    Ticket("Money without surprises", "Epic", "doing", "Every cent can be explained.", "High"),
    Ticket("Deliveries people can plan with", "Epic"),
    Ticket("Log the request id on every error", "Task", "done", component="API", points=2),
    Ticket("Keep the basket when the session is renewed", "Bug", "done", priority="High",
           component="Web", parent=1, points=3),
    Ticket("Remove the unused currency table", "Task", "done", labels=("tidy",), component="API"),
    Ticket("Use the connection pool in the health check", "Bug", "done", component="API"),
    Ticket("Cards expire at the end of the month", "Bug", "done", priority="Highest", parent=2,
           comments=("Seen again in Sweden.", "Done, and a test for February.")),
    Ticket("A second attempt at the basket", "Story", "review", component="Web", parent=1,
           points=8, body="The preview at feature/basket-2 shows it.", labels=("preview",)),
    Ticket("Offer gift cards at the till", "Story", "wont", comments=("Not before the summer.",)),
    Ticket("Show the delivery date before payment", "Story", "doing", parent=3, points=5,
           component="Web", links=(("Blocks", 14),)),
    Ticket("Bump the base image", "Task", "done", labels=("security",), priority="High"),
    Ticket("Retry the payment once when the bank is silent", "Story", "blocked", parent=2,
           component="Payments", priority="High", comments=("Waiting for the bank's answer.",)),
    Ticket("Ask carriers for their cut-off time", "Task", parent=3, links=(("Relates", 11),)),
    Ticket("Refunds within thirty days, to where the money came from", "Story", parent=2,
           component="Payments", points=8, labels=("legal", "refunds")),
    Ticket("Escape <script>alert(1)</script> & \x1b[31mthis\x1b[0m in names of articles", "Bug",
           priority="Highest", body=HOSTILE, labels=("<b>label</b>", "security"),
           comments=("</div><script>alert(4)</script>", "‮reversed‬ \u200b and wide")),
    Ticket("Summaries may be long: " + "really very long " * 13, "Task", labels=("wörter", "名")),
    Ticket("Sort the sizes of shoes as numbers", "Bug", component="Web", priority="Low"),
    Ticket("Speed up the price index by a third", "Story", component="API", points=5),
    Ticket("Let the till work through a failed replica", "Story", component="API", points=13),
    Ticket("Document the rollback", "Task", labels=("docs",), points=1),
    Ticket("Warn when a coupon ends today", "Story", component="Web"),
    Ticket("Resize pictures without losing their colours", "Bug", component="Media"),
    Ticket("Serve pictures as AVIF where the browser takes it", "Story", component="Media"),
    Ticket("Alarm when the queue of orders stands still", "Task", labels=("ops",), priority="High"),
    Ticket("Give money a type of its own", "Story", parent=2, points=5,
           body="Strings crept in twice this year."),
    Ticket("Spread retries over time", "Story", body="Services woke up together after an outage.",
           labels=("resilience",), points=3),
    Ticket("Add PLN to the currencies", "Story", parent=2, body="For the shop in Poland."),
    Ticket("Test what happens at a quarter to midnight", "Sub-task", parent=15),
    Ticket("Drop what nobody runs any more", "Task", labels=("tidy",)),
    Ticket("Round once, at the end", "Bug", priority="High", parent=2, component="Payments",
           body=_CENT, points=3, links=(("Duplicate", 32),),
           comments=("The tax office wants half up.",)),
    Ticket("Totals differ by a cent between basket and invoice", "Bug", "wont", parent=2),
    Ticket("Move billing off the nightly job", "Story", component="Billing", points=13),
    Ticket("Print the order number on the parcel", "Story", parent=3),
    Ticket("Search forgives a missing umlaut", "Story", component="Web", points=5),
    Ticket("Subnets of eu-west-1c are full", "Task", priority="High", labels=("ops", "network")),
    Ticket("Keep the freeze calendar where everybody looks", "Task", labels=("release",)),
    Ticket("The release train leaves at ten", "Task", labels=("release",), points=2),
    Ticket("Cache the list of countries", "Task", component="Web", points=1, priority="Lowest"),
    Ticket("Fix the flaky retry test", "Bug", body="The clock ran on between two asserts.\n\n"
           "    assert waited == 3", labels=("flaky",), points=1),
    Ticket("Read the basket from the nearest region", "Story", component="API"),
    Ticket("Say sorry in the language of the page", "Bug", component="Web", priority="Low"),
)  # fmt: skip

DATA: tuple[Ticket, ...] = (
    Ticket("The warehouse knows everything by seven", "Epic", "doing", priority="High"),
    Ticket("Fraud is found before the parcel leaves", "Epic", "doing"),
    Ticket("Load smaller batches", "Bug", "done", parent=1, priority="High",
           body="The warehouse ran out of memory."),
    Ticket("Load larger batches", "Task", "review", parent=1, links=(("Relates", 3),),
           comments=("main says 250 since this morning: which one is it?",)),
    Ticket("Lower the threshold to 0.79", "Story", "review", parent=2, labels=("model",),
           body="Catches 12 % more, at 0.4 % more false alarms.", points=2),
    Ticket("Orders of the last minute are counted twice", "Bug", "done", parent=1),
    Ticket("Train on the hour of the day, too", "Story", "done", parent=2, labels=("model",)),
    Ticket("Put the handbook's pages under review", "Task", "done", labels=("docs",)),
    Ticket("Blue and green answer alike while both live", "Bug", "doing", priority="Highest"),
    Ticket("Give the gateway's connection its permission back", "Bug", "doing",
           priority="Highest", labels=("ops",), comments=("Asked the platform team twice.",)),
    Ticket("Keep weights out of the repository", "Task", labels=("tidy",), parent=2),
    Ticket("Explain why an order was held", "Story", parent=2, points=8),
    Ticket("Replay a day without doubling it", "Story", parent=1, points=13),
    Ticket("Mark test orders as such", "Task", parent=1),
    Ticket("Report in the reader's own time zone", "Story", points=3),
    Ticket("<img src=x onerror=alert(1)> in the name of a report", "Bug", body=HOSTILE,
           priority="High", labels=("security",)),
    Ticket("Deliveries chapter is a year old", "Task", labels=("docs",), priority="Low"),
    Ticket("Examples show what not to do", "Task", labels=("docs",)),
    Ticket("Beanstalk waits for the slowest instance", "Bug", labels=("ops",)),
    Ticket("Alarm when nothing was loaded for an hour", "Task", labels=("ops",), priority="High"),
    Ticket("Canary watches the error rate alone", "Story", parent=2),
    Ticket("Orders carry the version that took them", "Story", points=5),
    Ticket("Retire the nightly export to the old warehouse", "Task", labels=("tidy",)),
    Ticket("Mobile gateway answers with 503 after a deployment", "Bug", priority="High"),
    Ticket("Ask for less memory by day", "Task", labels=("cost",)),
    Ticket("Columns are named in one language", "Task", priority="Lowest"),
    Ticket("Partition by country", "Story", parent=1, points=8),
    Ticket("A dictionary of what each number means", "Story", labels=("docs",), points=5),
    Ticket("Do not learn from chargebacks twice", "Bug", parent=2),
    Ticket("Handbook opens at the chapter last read", "Story", labels=("docs",)),
    Ticket("Wheel holds its own version", "Task", points=1),
    Ticket("Compile the model for arm64", "Story", parent=2, labels=("cost",)),
    Ticket("Evaluate on last week's orders", "Sub-task", parent=5),
    Ticket("Orders backend drains before it stops", "Bug", points=3),
    Ticket("Times without a zone are refused", "Bug", parent=1),
    Ticket("Show the model's age on the dashboard", "Story", parent=2),
    Ticket("Deduplicate addresses", "Story"),
    Ticket("Upload only pages that changed", "Task", labels=("docs",), points=2),
    Ticket("Keep a year of samples", "Story", parent=2, labels=("legal",)),
    Ticket("Count what was left out", "Task", parent=1, points=2),
)  # fmt: skip

#: What people find later, when the lists above run low.
LATER = (
    "Find out why {word} is slow since the last release",
    "Say why {word} fails",
    "Write down how {word} is restored",
    "Test {word} with nothing in it",
    "Upgrade what {word} depends on",
    "Let {word} count in the customer's time zone",
    "Measure how long {word} takes",
)
WORDS = {
    "SHOP": ("the till", "the basket", "search", "the invoice", "the price index", "a refund"),
    "DATA": ("the loader", "the report", "the model", "the handbook", "the export", "a replay"),
}

REMARKS = (
    "I could see it on staging this morning.",
    "Is this the only place where we do that?",
    "Done on my side, waiting for the next deployment.",
    "It came back twice since yesterday; the log says nothing.",
    "Let us talk about it on Thursday.",
    "Smaller than I thought: half a day.",
)

#: GitHub: repository → (title, text, labels, state) of its first issues.
AT_GITHUB: dict[str, tuple[tuple[str, str | None, tuple[str, ...], str], ...]] = {
    "checkout-web": (
        ("The button is grey on old phones", "Seen on Android 9.\n\n1. open\n2. pay", ("bug",),
         "open"),
        ("Tab order skips the coupon", None, ("bug", "accessibility"), "closed"),
        ("Dark mode", "Please.", ("enhancement",), "open"),
        ("Summary jumps when pictures load", "See `web/summary.tsx`, and SHOP-9.", ("bug",),
         "open"),
        ("Can I pay with two cards?", None, ("question",), "closed"),
        ("<script>alert(1)</script> in a coupon's name",
         "<img src=x onerror=alert(1)>\n\n[x](javascript:alert(2))\n\n```\n</pre><script>\n```\n",
         ("bug",), "open"),
    ),
    "checkout-api": (
        ("Timeouts are seconds here and milliseconds there", None, ("bug",), "open"),
        ("Answer 409 when the basket has changed", "As in SHOP-20.", ("enhancement",), "open"),
        ("OpenAPI file is out of date", None, ("docs",), "closed"),
    ),
    "payments-service": (
        ("Sandbox of the bank is down on Sundays", None, ("question",), "open"),
        ("Ledger test fails every other time", "`assert waited == 3`", ("bug", "flaky"), "open"),
        ("Round half up", "See SHOP-31.", ("bug",), "open"),
    ),
    "storefront": (
        ("Basket forgets its coupon", None, ("bug",), "open"),
        ("Wishlists", "\x1b[31mred\x1b[0m wishes ‮reversed", ("enhancement",), "open"),
    ),
    "image-resizer": (("Rotated pictures lie on their side", None, ("bug",), "open"),),
    "orders-backend": (
        ("Health check lies while it drains", "DATA-34", ("bug",), "open"),
        ("Green fleet keeps old environment variables", None, ("bug",), "closed"),
    ),
    "infra-network": (("Name subnets after what lives in them", None, ("enhancement",), "open"),),
    "legacy-billing": (("Who still reads the nightly file?", None, ("question",), "open"),),
    "release-train": (("Write the calendar down", None, (), "closed"),),
}  # fmt: skip
