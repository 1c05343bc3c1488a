import json

import numpy as np
from hypothesis import given, strategies as st

from muybridge.report.strict_json import json_text


def test_every_value_becomes_what_every_parser_reads() -> None:
    value = {1: np.int64(3), "flag": np.bool_(True), "xs": (np.float32(0.5), float("inf")), "other": object}
    assert json.loads(json_text(value)) == {"1": 3, "flag": True, "xs": [0.5, None], "other": str(object)}


def refuse(constant: str) -> None:
    raise AssertionError(constant)


@given(
    st.recursive(
        st.floats() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_text_holds_a_constant_that_json_lacks(value: object) -> None:
    text = json_text(value)
    # Reading it refuses NaN and Infinity; written again it says the same.
    assert json_text(json.loads(text, parse_constant=refuse)) == text
