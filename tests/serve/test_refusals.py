"""Tests of jaxdigits.serve.refusals."""

import json

from jaxdigits.serve.refusals import Refusal, say


def test_a_refusal_is_one_line_of_json_whatever_it_says():
    assert json.loads(Refusal(400, "Broken:\n  'a\x07'.").body) == {"status": 400, "error": "Broken: 'a\x07'."}
    assert json.loads(say(405)) == {"status": 405, "error": "Method Not Allowed."}


def test_only_what_may_go_better_says_when():
    assert Refusal(400, "No.").headers == {}
    assert Refusal(503, "Busy.", retry_after=2).headers == {"retry-after": "2"}
