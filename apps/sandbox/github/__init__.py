"""A simulated GitHub Enterprise: repositories, pull requests, issues, checks, hooks."""
