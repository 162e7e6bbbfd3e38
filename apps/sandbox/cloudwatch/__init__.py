"""Simulated CloudWatch: metrics that are functions of time, and alarms that watch them."""
