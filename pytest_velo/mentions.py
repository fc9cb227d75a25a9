"""Where a text gives an answer: the answer stands there as whole words, and is not denied right there.

A part of another number is no whole word: 12 is not in "-12", "12.5" or "12,000"; it is in "12.0".

Words are compared, nothing is understood. What is seen of a denial is what surely is one:

* before the answer, with nothing but an article or `at`, `in`, `on`, `by`, `be` or `really` between: `not`, a
  verb with `n't`, `cannot`, `never`, `neither`, `nor` ("not at noon", "it isn't the 13");
* after it, where the sentence begins with the answer or with "No, your answer": "13 is wrong", "13 is not
  right".

Anything else counts, as a question ("Isn't noon right?", "Why not noon?"), a quotation, a contrast ("rather
than noon") and a doubt do.
"""

from __future__ import annotations

import re

_SIGHT = 80
"""How many characters around an answer are looked at."""

_MARKS = r"""[\s*_`"'“”‘’(\[-]"""
_DENIED_BEFORE = re.compile(
    r"\b(?:not|\w+n['’]t|cannot|never|neither|nor)"
    r"[^\S\n](?:(?:an?|the|at|in|on|by|be|really)[^\S\n])*[*_`\"'“‘(\[]*$",
    re.IGNORECASE,
)
_BEGINS_BEFORE = re.compile(
    rf"(?:^|[.!?;:\n]){_MARKS}*"
    r"(?:(?:no|sorry|so|and|but|then|well|actually|the|your|my|this|that|answer|guess|of|"
    rf"i think|i believe|i['’]m afraid),?{_MARKS}+)*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"""^[*_`"'”’)\]]*\s+(?:is|was|are|were|would\sbe)"""
    r"(?:\s+(?:simply|clearly|also)?\s*(?:wrong|incorrect|false|mistaken)|"
    r"(?:n['’]t|\s+not)\s+(?:(?:the\s+)?(?:right|correct)|true|the\s+answer|it))\b(?!\s*\?)",
    re.IGNORECASE,
)

_ASKING = re.compile(
    rf"(?:^|[.!?;:,\n]){_MARKS}*(?:(?:and|but|so|then|well),?{_MARKS}+)*"
    r"(?:why|(?:is|are|was|were|ca|can|could|would|should|do|does|did|has|have)(?:n['’]t)?)\b[^.!?;:,\n]*$",
    re.IGNORECASE,
)
_ASKED = re.compile(r"(?:[^.!?;:\n]|\.(?=\d))*\?")

_NUMBER_BEFORE = re.compile(r"(?:\d[.]|(?:^|[^\w)\]])[-−])$")
_GROUP_BEFORE = re.compile(r"\d,$")
_GROUP = re.compile(r"\d{3}(?!\d)")
_NUMBER_AFTER = re.compile(r"\.\d*[1-9]|,\d{3}(?!\d)")


def mentions(text: str, answer: str) -> bool:
    """Tell whether `text` gives `answer` in one place at least, ignoring case."""
    found = re.finditer(rf"(?<!\w){re.escape(answer)}(?!\w)", text, re.IGNORECASE)
    return any(
        not _is_part(text, place.start(), place.end()) and not _is_denied(text, place.start(), place.end())
        for place in found
    )


def _is_part(text: str, start: int, end: int) -> bool:
    """Tell whether what stands there is a part of a longer number."""
    before = text[max(0, start - 2) : start]
    if text[start].isdecimal():
        grouped = _GROUP_BEFORE.search(before) and _GROUP.match(text, start)
        if grouped or _NUMBER_BEFORE.search(before):
            return True
    return text[end - 1].isdecimal() and _NUMBER_AFTER.match(text, end) is not None


def _is_denied(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _SIGHT) : start], text[end : end + _SIGHT]
    if _ASKED.match(after) and _ASKING.search(f"x{before}" if start > _SIGHT else before):
        return False
    if _DENIED_BEFORE.search(before):
        return True
    return bool(_DENIED_AFTER.match(after) and _begins(before, cut=start > _SIGHT))


def _begins(before: str, *, cut: bool) -> bool:
    """Tell whether the sentence begins with what follows; not if its beginning is out of sight."""
    return _BEGINS_BEFORE.search(f"x{before}" if cut else before) is not None
