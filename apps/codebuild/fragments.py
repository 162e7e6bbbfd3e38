"""The pieces of pages that picture projects and builds; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load

_of_project = partial(FRAGMENTS.picture, "codebuild.project")
_of_build = partial(FRAGMENTS.picture, "codebuild.build")

PROJECT_ROW = _of_project("project-row", "projects.html#row", load.project_row)
PROJECT_HEAD = _of_project("project-head", "project.html#head", load.project_head)
PROJECT_FACTS = _of_project("project-facts", "project.html#facts", load.project_head)
PROJECT_BUILDS = _of_project("project-builds", "project.html#newest", load.project_builds)
BUILD_ROW = _of_build("build-row", "builds.html#row", load.build_row)
BUILD_HEAD = _of_build("build-head", "build.html#head", load.build_head)
# What the head does not tell: a build that is queued has none of it yet.
BUILD_LOG_BAR = _of_build("build-log-bar", "log.html#bar", load.build_alone)
BUILD_FACTS = _of_build("build-facts", "build.html#facts", load.build_alone)
