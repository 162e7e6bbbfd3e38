"""The inbox of approvals: every one that waits and that the reader may know of."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.deeds.views import ours
from apps.live.conditional import unchanged_page
from apps.mirror.lists import choices_of, filters_of, live, of_project, one_of
from apps.mirror.tail import newest_change

from . import decided
from .approvals import ACTION, approvals, with_all
from .waiting import how_many_wait_for, to_decide, waiting

# Kinds whose changes move what the inbox tells.
HEARD = (
    "codepipeline.action",
    "codepipeline.execution",
    "codepipeline.stage",
    "codebuild.build",
    "codecommit.commit",
    "github.commit",
    "github.issue",
    "jira.issue",
    "cloudwatch.alarm",
)
READ = " ".join(dict.fromkeys(kind.partition(".")[0] for kind in HEARD))
# What is told of at once; the others expire later.
MOST = 50
WORDS = ("execution__pipeline__key", "stage", "name", "execution__summary")
MINE = "me"


@require_safe
@unchanged_page(decided.version)
def inbox(request: HttpRequest) -> HttpResponse:
    """Every approval that waits, the first to expire first; `?part=count` how many for the reader.

    `whose=me` leaves out what others decide.
    """
    if request.GET.get("part") == "count":
        deciding = how_many_wait_for(request.user)
        return render(request, "delivery/waiting.html#mark", {"deciding": deciding})
    filters = filters_of(request, "whose")
    filters["whose"] = one_of(request, "whose", [MINE])
    since = newest_change()
    rows = to_decide(request.user) if filters["whose"] else waiting(request.user)
    rows, filters["within"] = of_project(request, _narrowed(rows, filters))
    # One more tells whether there are more.
    actions = list(with_all(rows)[: MOST + 1])
    told = approvals(request.user, actions[:MOST])
    mine = decided.last_answers(request, [deed.pk for one in told for deed in one.deeds])
    context: dict[str, Any] = {
        "approvals": told,
        "answers": mine,
        "answers_move": any(one.waits for one in mine),
        "answers_over": any(not one.waits for one in mine),
        "more": rows.count() - MOST if len(actions) > MOST else 0,
        "here_now": request.get_full_path(),
        "filters": filters,
        "filtered": any(filters.values()),
        "listed_kinds": [ACTION],
        "paged": False,
        "offered": [
            {
                "name": "whose",
                "label": "Who decides",
                "every": "Whoever decides",
                "value": filters["whose"],
                "choices": [(MINE, "Mine to decide")],
            }
        ],
        **choices_of(request, (), [ACTION]),
        "reads": {"service": READ, "within": filters["within"]},
        "live": live([], since, " ".join((*HEARD, "scope"))),
    }
    return render(request, "delivery/approvals.html", context)


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Leave out of the inbox how the reader's answers ended; goes back to where they were."""
    decided.see(request)
    return redirect(ours(request, "next") or "approvals:inbox")


def _narrowed(rows: Any, filters: dict[str, str]) -> Any:
    given = {name: filters[name] for name in ("state", "account", "region")}
    return rows.containing(filters["q"], *WORDS).narrowed(**given)
