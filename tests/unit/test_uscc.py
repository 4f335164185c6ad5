"""统一社会信用代码: the check of GB 32100-2015, with the vectors that trip its common copies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.uscc import ALPHABET, WrongUscc, is_valid, make_uscc, normalise

prefixes = st.text(alphabet=ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("91110108551385082Q", id="a company in Beijing"),
        pytest.param("91110000600037341L", id="another"),
        pytest.param("91350100M000100Y43", id="the standard's own example"),
        pytest.param("9113010400000000Q0", id="the sum is a multiple of 31, so the check character is 0"),
    ],
)
def test_a_good_code_is_kept(code):
    assert normalise(code) == code
    assert is_valid(code)


@pytest.mark.parametrize(
    "typed", [" 91110108551385082q ", "9111 0108 5513 85082Q", "９１１１０１０８５５１３８５０８２Ｑ"]
)
def test_a_good_code_is_read_however_it_is_typed(typed):
    assert normalise(typed) == "91110108551385082Q"


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        pytest.param("91310115MA1H8R7C6D", "末位应为 7", id="the code of a blog, which is wrong"),
        pytest.param("91110108551385082", "应为 18 位，实为 17 位", id="a character short"),
        pytest.param("911101085513850822Q", "应为 18 位，实为 19 位", id="a character too many"),
        pytest.param("91110108551385O82Q", "不会有“O”", id="O for 0"),
        pytest.param("", "实为 0 位", id="nothing"),
        pytest.param(None, "实为 0 位", id="an empty cell"),
        pytest.param(9.1110108551385e17, "存成了数字", id="a number cell"),
        pytest.param("石家庄演示化工有限公司的代码是多少呢", "不会有", id="a sentence of 18 characters"),
    ],
)
def test_a_wrong_code_is_refused_with_the_reason(typed, complaint):
    with pytest.raises(WrongUscc, match=complaint) as refused:
        normalise(typed)

    assert refused.value.en


def test_a_lookalike_is_suggested_when_it_makes_the_code_good():
    with pytest.raises(WrongUscc) as refused:
        normalise("9111O108551385082Q")

    assert refused.value.suggestion == "91110108551385082Q"


@given(prefixes)
def test_a_made_code_is_good(prefix):
    assert is_valid(make_uscc(prefix))


@given(prefixes, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(prefix, position, character):
    code = make_uscc(prefix)
    miscopied = code[:position] + character + code[position + 1 :]

    assert is_valid(miscopied) == (miscopied == code)
