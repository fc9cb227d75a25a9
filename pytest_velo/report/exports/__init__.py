"""A run in the formats of other tools, made from its record.

`measures` says what was measured, in the words both formats use; `inspect_log` and `every_eval_ever` are pure
functions from the record to plain JSON, with `conversation` for the messages of a trial; `places` knows which
files are asked for, `writing` writes them. `spans` tells OpenTelemetry, while the tests run.
"""
