"""What somebody types to find a name."""

import pytest

from ground.spelling import pinyin_of


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        pytest.param("周明远", "zhoumingyuan", "zmy", id="a plain name"),
        pytest.param("单立文", "shanliwen", "slw", id="单 as a surname is shan"),
        pytest.param("仇玉", "qiuyu", "qy", id="仇 as a surname is qiu"),
        pytest.param("曾毅", "zengyi", "zy", id="曾 as a surname is zeng"),
        pytest.param("尉迟恭", "yuchigong", "ycg", id="a surname of two characters"),
        pytest.param("吕梁", "lvliang", "ll", id="ü is typed v"),
    ],
)
def test_a_persons_name(name: str, pinyin: str, initials: str) -> None:
    assert pinyin_of(name, is_person=True) == (pinyin, initials)


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        pytest.param("单位", "danwei", "dw", id="单 elsewhere is dan"),
        pytest.param("ABC化工", "abchuagong", "abchg", id="Latin letters are typed whole"),
        pytest.param("２＃ 机房", "2jifang", "2jf", id="full-width digits are plain, marks are dropped"),
        pytest.param("冷链（演示）", "lenglianyanshi", "llys", id="brackets are dropped"),
        pytest.param("", "", "", id="nothing"),
    ],
)
def test_a_firms_name(name: str, pinyin: str, initials: str) -> None:
    assert pinyin_of(name) == (pinyin, initials)
