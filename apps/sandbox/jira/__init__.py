"""A simulated Jira, Cloud and Data Center in one: projects, issues, workflows, JQL, deployments."""
