"""CodeBuild's operations on projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codebuild.model import Declaration, Project, ProjectStore
from apps.sandbox.codebuild.operations import find_project
from apps.sandbox.codebuild.paging import PAGE, invalid_token
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

if TYPE_CHECKING:
    from apps.sandbox.world import Place


def make_project(place: Place, definition: Declaration) -> Project:
    """A project with AWS's defaults, not yet in the store."""
    now = place.world.now()
    return Project(place, _defaulted(place, definition), now, now)


def _defaulted(place: Place, definition: Declaration) -> Declaration:
    environment = {"environmentVariables": [], "privilegedMode": False, **definition["environment"]}
    environment["environmentVariables"] = [
        {"type": "PLAINTEXT", **variable} for variable in environment["environmentVariables"]
    ]
    return {
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": f"arn:aws:kms:{place.region}:{place.account}:alias/aws/s3",
        "cache": {"type": "NO_CACHE"},
        "tags": [],
        **{name: value for name, value in definition.items() if name != "badgeEnabled"},
        "environment": environment,
        "badge": {"badgeEnabled": definition.get("badgeEnabled", False)},
    }


def describe(project: Project) -> Answer:
    """A project as BatchGetProjects shows it."""
    return {
        **project.definition,
        "arn": project.arn,
        "created": project.created,
        "lastModified": project.modified,
        "projectVisibility": "PRIVATE",
    }


@operation("codebuild", "ListProjects")
def list_projects(call: Call, params: Params) -> Answer:
    """Project names, 100 a page; by name ascending unless asked otherwise."""
    by = params.get("sortBy", "NAME")
    keys = {
        "NAME": lambda p: (p.name,),
        "CREATED_TIME": lambda p: (p.created, p.name),
        "LAST_MODIFIED_TIME": lambda p: (p.modified, p.name),
    }
    descending = params.get("sortOrder") == "DESCENDING"
    projects = sorted(
        call.place.of(ProjectStore).projects.values(), key=keys[by], reverse=descending
    )
    page, token = paginate(
        call,
        projects,
        lambda project: project.name,
        size=PAGE,
        token=params.get("nextToken"),
        error=invalid_token,
        scope=f"{by}/{descending}",
    )
    return {"projects": [project.name for project in page], "nextToken": token}


@operation("codebuild", "BatchGetProjects")
def batch_get_projects(call: Call, params: Params) -> Answer:
    """Up to 100 projects by name or ARN; the unknown ones are named apart."""
    store = call.place.of(ProjectStore)
    found: list[Answer] = []
    missing: list[str] = []
    for name in params["names"]:
        project = store.projects.get(name.rpartition("project/")[2] or name)
        if project is None:
            missing.append(name)
        else:
            found.append(describe(project))
    return {"projects": found, "projectsNotFound": missing}


@operation("codebuild", "CreateProject")
def create_project(call: Call, params: Params) -> Answer:
    """Make a project."""
    store = call.place.of(ProjectStore)
    if params["name"] in store.projects:
        arn = call.place.arn("codebuild", f"project/{params['name']}")
        raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {arn}")
    project = make_project(call.place, params)
    store.projects[project.name] = project
    return {"project": describe(project)}


@operation("codebuild", "UpdateProject")
def update_project(call: Call, params: Params) -> Answer:
    """Replace the members that are given."""
    project = find_project(call, params["name"])
    badge = {
        "badgeEnabled": params.get("badgeEnabled", project.definition["badge"]["badgeEnabled"])
    }
    project.definition = _defaulted(call.place, {**project.definition, **params, **badge})
    project.modified = call.world.now()
    return {"project": describe(project)}


@operation("codebuild", "DeleteProject")
def delete_project(call: Call, params: Params) -> Answer:
    """Delete a project; its builds can still be read, as at AWS. A missing one is no error."""
    call.place.of(ProjectStore).projects.pop(
        params["name"].rpartition("project/")[2] or params["name"], None
    )
    return {}
