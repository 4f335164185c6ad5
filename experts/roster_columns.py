"""The columns of a 花名册: what they are called by those who send one, and how we write them.

One entry a column serves the import (which titles mean it), the export and the template (title, width,
choices) and the messages (its name in both languages).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from experts.models import TaskCategory
from experts.profile import Standing
from ground.industries import INDUSTRIES
from ground.new_workbooks import NewColumn
from ground.spreadsheets import plain_title


@dataclass(frozen=True)
class Column:
    """`titles` are what a header may say, the first is ours; `is_written` false for what is only read."""

    key: str
    titles: tuple[str, ...]
    en: str
    width: float = 10
    is_text: bool = False
    is_written: bool = True
    choices: tuple[str, ...] = ()
    hint: str = ""

    @property
    def zh(self) -> str:
        return self.titles[0]

    def word(self, language: str) -> str:
        return self.en if language.startswith("en") else self.zh

    def as_new(self) -> NewColumn:
        return NewColumn(self.zh, self.width, is_text=self.is_text, choices=self.choices, hint=self.hint)


_PHONE_TITLES = ("电话", "电话号码", "联系电话", "联系方式")

COLUMNS: tuple[Column, ...] = (
    Column("serial", ("序号", "编号", "No"), "no.", 6),
    Column("name", ("姓名", "专家姓名", "名字"), "name", 10, hint="必填。"),
    Column("gender", ("性别",), "gender", 6, choices=("男", "女")),
    Column(
        "born_on",
        ("出生年月", "出生日期", "出生年月日", "生日", "出生"),
        "born",
        12,
        hint="例如 1970-05，或 1970-05-12。",
    ),
    Column("ethnicity", ("民族",), "ethnicity", 8),
    Column("political_status", ("政治面貌", "党派"), "political status", 10),
    Column("education", ("学历", "最高学历", "文化程度", "学历学位"), "education", 8),
    Column(
        "school",
        ("毕业院校及专业", "毕业院校", "毕业学校", "毕业院校专业", "毕业学校及专业", "院校及专业"),
        "school",
        24,
    ),
    Column(
        "title",
        ("职称", "技术职称", "专业技术职称", "专业技术职务", "专业技术职务任职资格"),
        "title",
        14,
    ),
    Column("position", ("职务", "行政职务", "现任职务", "单位职务"), "position", 12),
    Column(
        "employer",
        ("工作单位", "单位", "单位名称", "所在单位", "现工作单位", "工作单位名称", "单位全称"),
        "employer",
        28,
        hint="必填。",
    ),
    Column(
        "industries",
        ("行业", "专业领域", "所属行业", "行业领域", "专业类别", "从事行业", "从事专业", "专业"),
        "industry",
        22,
        choices=tuple(industry.zh for industry in INDUSTRIES),
        hint="第一个为主专业，其余为兼专业，用、隔开。",
    ),
    Column(
        "specialties",
        ("专业方向", "擅长领域", "专业特长", "特长", "专长", "研究方向"),
        "specialties",
        22,
        hint="几个用、隔开。",
    ),
    Column(
        "region",
        (
            "所在市县",
            "所在地区",
            "所在市",
            "市县",
            "地区",
            "所属地区",
            "所在区域",
            "常驻地",
            "所在地",
            "属地",
        ),
        "city or county",
        16,
        hint="例如 唐山市丰南区。",
    ),
    Column(
        "mobile",
        ("手机", "手机号", "手机号码", "移动电话", "移动电话号码", *_PHONE_TITLES),
        "mobile",
        14,
        is_text=True,
        hint="必填，11 位。几个用、隔开，先拨第一个。",
    ),
    Column(
        "phone",
        ("办公电话", "固定电话", "座机", "单位电话", "办公室电话", "固话"),
        "office phone",
        16,
        is_text=True,
        hint="带区号，例如 0311-87654321。",
    ),
    Column("email", ("邮箱", "电子邮箱", "电子邮件", "邮件", "E-mail", "Email"), "e-mail", 22, is_text=True),
    Column(
        "starts_on",
        ("聘期起", "聘期开始", "聘期起始", "聘期自", "聘任开始", "聘任起始", "聘任日期", "起始日期", "起"),
        "term from",
        12,
        hint="例如 2024-04-01。",
    ),
    Column(
        "ends_on",
        ("聘期止", "聘期至", "聘期结束", "聘期截止", "聘任截止", "聘任结束", "截止日期", "止"),
        "term until",
        12,
        hint="例如 2027-03-31。",
    ),
    Column(
        "term",
        ("聘期起止", "聘期", "聘任期限", "聘用期限", "任期", "聘期起止时间"),
        "term",
        is_written=False,
    ),
    Column("number", ("聘书编号", "聘书号", "聘任书编号"), "letter of appointment", 16, is_text=True),
    Column("category", ("类别", "专家类别"), "category", 12),
    Column("group_role", ("专家组职务", "专家组任职", "组内职务"), "role in group", 12),
    Column(
        "standing",
        ("状态", "聘任状态", "专家状态"),
        "standing",
        8,
        choices=(Standing.SERVING.zh, Standing.SUSPENDED.zh, Standing.DISMISSED.zh),
    ),
    Column("remarks", ("备注", "说明"), "remarks", 20),
    Column(
        "offers",
        ("任务类别", "任务类型", "承担任务", "可承担任务"),
        "tasks",
        24,
        choices=tuple(category.zh for category in TaskCategory),
        hint="几个用、隔开。",
    ),
    Column("address", ("地址", "通讯地址", "常驻地址", "单位地址", "联系地址"), "address", 24),
    Column(
        "point",
        ("经纬度", "坐标", "经度纬度"),
        "coordinates",
        22,
        is_text=True,
        hint="WGS-84，经度在前，例如 114.478610,38.041390。",
    ),
    Column("longitude", ("经度",), "longitude", is_written=False),
    Column("latitude", ("纬度",), "latitude", is_written=False),
    Column("datum", ("坐标系", "坐标系统"), "coordinate system", is_written=False),
    Column(
        "certificates",
        ("资格证书", "证书名称", "执业资格", "职业资格", "证书"),
        "certificates",
        22,
        hint="几个用；隔开。",
    ),
    Column(
        "certificate_numbers",
        ("证书编号", "资格证书编号", "证书号"),
        "certificate numbers",
        20,
        is_text=True,
        hint="与资格证书一一对应，用；隔开，没有的写“无”。",
    ),
    Column(
        "certificate_expiries",
        ("证书有效期至", "证书有效期", "证书到期日", "证书到期"),
        "certificates valid until",
        20,
        is_text=True,
        hint="与资格证书一一对应，用；隔开，长期有效的写“长期”。",
    ),
    Column(
        "identity",
        ("身份证号", "身份证", "身份证号码", "公民身份号码", "身份证件号码"),
        "ID number",
        is_text=True,
        is_written=False,
    ),
)
BY_KEY = {column.key: column for column in COLUMNS}
WRITTEN = tuple(column for column in COLUMNS if column.is_written)
REQUIRED = ("name", "employer", "mobile")


def titles(*, but: Collection[str] = ()) -> dict[str, Sequence[str]]:
    """Return the titles by key, as `ground.spreadsheets.tables_in` takes them, without those in `but`.

    电话 alone usually holds mobiles; beside a column 手机 it is the landline.
    """
    by_key: dict[str, Sequence[str]] = {
        column.key: [title for title in column.titles if title not in but] for column in COLUMNS
    }
    by_key["phone"] = [*by_key["phone"], *(title for title in _PHONE_TITLES if title in but)]
    return by_key


def losers(key: str, headers: Sequence[str]) -> list[str]:
    """Return the titles that give way when several `headers` mean `key`: all but the one we like best."""
    plain = {plain_title(header) for header in headers}
    meant = [title for title in BY_KEY[key].titles if plain_title(title) in plain]
    return meant[1:]


# What a sheet may say about how somebody stands, in whatever words.
STANDINGS: dict[str, Standing] = {
    **{standing.zh: standing for standing in Standing if standing is not Standing.NONE},
    **dict.fromkeys(("在岗", "正常", "有效", "聘任", "已聘", "在聘中"), Standing.SERVING),
    **dict.fromkeys(("暂停", "停用", "暂停聘任"), Standing.SUSPENDED),
    **dict.fromkeys(("退出", "已解聘", "解除", "免聘", "离库"), Standing.DISMISSED),
    **dict.fromkeys(("过期", "届满", "聘期届满"), Standing.EXPIRED),
}

_FIELD_WORDS = {
    "term": ("聘期", "term"),
    "mobile": ("手机", "mobile"),
    "phone": ("办公电话", "office phone"),
    "email": ("邮箱", "e-mail"),
}


def field_word(key: str, language: str) -> str:
    """Return what a changed field (`experts.profile.Change.field`) is called."""
    if key in _FIELD_WORDS:
        return _FIELD_WORDS[key][language.startswith("en")]
    return BY_KEY[key].word(language) if key in BY_KEY else key
