"""Version 1 of the API: its routers, and what goes wrong in words."""

from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from . import (
    approvals,
    beanstalk,
    cloudformation,
    cloudwatch,
    codebuild,
    codedeploy,
    compute,
    executions,
    issues,
    journeys,
    load_balancers,
    pipelines,
    premises,
    projects,
    rows,
    scopes,
    source,
)
from .answers import not_understood, problem
from .asking import understood
from .callers import Session, Token
from .doors import broken, stranger
from .paging import BadCursorError

DESCRIPTION = """\
What the dashboard last read from AWS. Reading never calls AWS: a row says what the mirror knows.

Send `Authorization: Bearer <token>`; the page API tokens makes one, and so does
`manage.py api_token NAME --user USER`. A browser that is signed in may read with its cookie. Lists
answer `items` and `next_cursor`. Times are ISO 8601 in UTC. A row that you may not see is 404, like
one that does not exist. Answers carry a weak ETag: ask again with `If-None-Match` and an unchanged
one is 304. A parameter that is not known, or an account or region that you do not see, is 422 and
named, never left out in silence. Too many wrong tokens from one address are 429 with `Retry-After`.
"""

api = NinjaAPI(
    title="CodeStar Dash",
    version="1.0.0",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    auth=[Token(), Session()],
    urls_namespace="api-v1",
)
api.add_decorator(understood, mode="view")
# Adding a service is a module with a router, and a line here; /rows/ lists it without either.
api.add_router("/pipelines", pipelines.router, tags=["CodePipeline"])
api.add_router("/executions", executions.router, tags=["CodePipeline"])
api.add_router("/approvals", approvals.router, tags=["CodePipeline"])
api.add_router("/journeys", journeys.router, tags=["Journeys"])
api.add_router("/builds", codebuild.builds, tags=["CodeBuild"])
api.add_router("/build-projects", codebuild.projects, tags=["CodeBuild"])
api.add_router("/stacks", cloudformation.router, tags=["CloudFormation"])
api.add_router("/repositories", source.repositories, tags=["Source"])
api.add_router("/branches", source.branches, tags=["Source"])
api.add_router("/commits", source.commits, tags=["Source"])
api.add_router("/pull-requests", source.pull_requests, tags=["Source"])
api.add_router("/issues", issues.issues, tags=["Issues"])
api.add_router("/trackers", issues.trackers, tags=["Issues"])
api.add_router("/deployment-groups", codedeploy.deployment_groups, tags=["CodeDeploy"])
api.add_router("/deployments", codedeploy.deployments, tags=["CodeDeploy"])
api.add_router("/on-premises-instances", premises.on_premises_instances, tags=["CodeDeploy"])
api.add_router("/functions", compute.functions, tags=["Lambda"])
api.add_router("/services", compute.services, tags=["ECS"])
api.add_router("/instances", compute.instances, tags=["EC2"])
api.add_router("/load-balancers", load_balancers.router, tags=["EC2"])
api.add_router("/environments", beanstalk.router, tags=["Elastic Beanstalk"])
api.add_router("/alarms", cloudwatch.alarms, tags=["CloudWatch"])
api.add_router("/metrics", cloudwatch.metrics, tags=["CloudWatch"])
api.add_router("/projects", projects.router, tags=["Projects"])
api.add_router("/scopes", scopes.router, tags=["Health"])
api.add_router("/rows", rows.router, tags=["Everything mirrored"])


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> HttpResponse:
    """The description of this API, for who may read it."""
    return api.create_response(request, _description(), status=200)


@cache
def _description() -> OpenAPISchema:
    """It says the same for as long as the process lives, and takes most of a second to say."""
    return api.get_openapi_schema(path_prefix="/api/v1/")


@api.exception_handler(Http404)
def _not_found(_request: HttpRequest, _error: Any) -> HttpResponse:
    return problem(404, "not_found", "There is no such row, or you may not see it.")


@api.exception_handler(BadCursorError)
def _bad_cursor(_request: HttpRequest, _error: Any) -> HttpResponse:
    return problem(
        400,
        "bad_cursor",
        "This cursor is not from this list. Give `next_cursor` of the page before as it came, "
        "or leave `cursor` out to begin again.",
    )


@api.exception_handler(ValidationError)
def _not_understood(_request: HttpRequest, error: Any) -> HttpResponse:
    wrong = [
        {
            "parameter": str(one["loc"][-1]) if one.get("loc") else "",
            "message": str(one.get("msg", "is not valid")),
        }
        for one in error.errors
    ]
    return not_understood(wrong)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, _error: Any) -> HttpResponse:
    return stranger(request)


@api.exception_handler(HttpError)
def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, "refused", str(error))


@api.exception_handler(Exception)
def _broken(request: HttpRequest, error: Any) -> HttpResponse:
    return broken(request, error)
