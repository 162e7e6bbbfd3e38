"""Elastic Beanstalk, simulated: environments that deploy, fail, swing in health and tell of it."""
