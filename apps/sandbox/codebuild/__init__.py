"""Simulated CodeBuild: projects, builds that run through their phases, and the logs they write."""
