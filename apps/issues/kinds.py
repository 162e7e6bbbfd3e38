"""The kinds of issues and of what keeps them, by name: those of every keeper there is.

Services declare them, above; here they are named because fragments, tiles and panels of all keepers
are declared once.
"""

TRACKERS = ("jira.tracker", "github.tracker")
ISSUES = ("jira.issue", "github.issue")
# What people act on, whoever keeps it.
ISSUE, TRACKER = "issues.issue", "issues.tracker"
