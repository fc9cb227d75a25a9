"""Every kind of claim beside a fixed n and beside the usual rules: what `claims.py` and `verdicts.py` print.

A module for each kind of claim. It makes a `Kind`: cells with the fewest trials that are possible there, or
another number to measure by, and what each way of deciding takes there and how often it is wrong.
"""
