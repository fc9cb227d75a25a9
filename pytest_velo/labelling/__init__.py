"""What people say about trials: labels, the files that hold them, and which trials are labelled."""

from pytest_velo.labelling.file import (
    LabelFile,
    check_name,
    labels_in,
    one_line,
    read_labels,
    rows_in,
    unformulated,
)
from pytest_velo.labelling.label import Label, label_text
from pytest_velo.labelling.order import EVERY, label_order
from pytest_velo.labelling.sight import JUDGE, seen_calls, trial_digest

__all__ = [
    "EVERY",
    "JUDGE",
    "Label",
    "LabelFile",
    "check_name",
    "label_order",
    "label_text",
    "labels_in",
    "one_line",
    "read_labels",
    "rows_in",
    "seen_calls",
    "trial_digest",
    "unformulated",
]
