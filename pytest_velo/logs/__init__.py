"""Logs of evaluations that other tools ran: read, paired, and judged like draws of our own.

Above the readers nothing knows which tool wrote a log. A log is an arm: its samples are cases, its epochs are
draws of them, and what has no outcome is an invalid trial.
"""
