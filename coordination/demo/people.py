"""The 76 experts of the demo province, and the workbook in which they arrive.

Pure. Ten of them are fixed people around one story, an ammonia leak at a cold store in 曹妃甸; the others
are drawn. The quotas follow the shares of the province's high-risk trades; 烟草 has one on purpose, so that
one recusal leaves nobody and the search must widen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from contracts.periods import Period
from coordination.demo import invention
from coordination.demo.invention import LABEL, Crowd
from experts.models import TaskCategory
from experts.profile import Standing
from ground import gazetteer, industries
from ground.new_workbooks import NewColumn, NewSheet, write_workbook

QUOTAS: dict[str, int] = {
    **{"MK": 6, "FM": 9, "YQ": 4, "WH": 14, "YH": 2, "YJ": 9, "YS": 3, "JC": 5},
    **{"JX": 5, "QG": 3, "FZ": 2, "YC": 1, "SM": 3, "JZ": 4, "JT": 3, "DL": 3},
}
# Where they live: how many of the 76 in each of the 13 units.
SPREAD: dict[str, int] = {
    **{"130100": 15, "130200": 17, "130300": 4, "130400": 9, "130500": 5, "130600": 6, "130700": 4},
    **{"130800": 3, "130900": 5, "131000": 3, "131100": 2, "130682": 1, "130181": 2},
}
SPECIALTIES: dict[str, tuple[str, ...]] = {
    "MK": ("mine_ventilation", "mine_water", "roof_control", "mine_rescue", "electrical"),
    "FM": ("tailings", "mine_water", "roof_control", "blasting", "mine_rescue", "structure"),
    "YQ": ("pipeline", "well_control", "leak_sealing", "fire"),
    "WH": ("hazchem_response", "process_safety", "leak_sealing", "ammonia", "fire", "environment"),
    "YH": ("blasting", "fire", "dust_explosion"),
    "YJ": ("furnace_gas", "molten_metal", "hoisting", "electrical", "special_equipment"),
    "YS": ("molten_metal", "dust_explosion", "furnace_gas"),
    "JC": ("furnace_gas", "confined_space", "dust_explosion", "structure"),
    "JX": ("special_equipment", "hoisting", "dust_explosion", "electrical"),
    "QG": ("ammonia", "confined_space", "dust_explosion"),
    "FZ": ("dust_explosion", "fire", "electrical"),
    "YC": ("dust_explosion", "fire"),
    "SM": ("fire", "special_equipment", "plans_and_drills"),
    "JZ": ("structure", "hoisting", "confined_space"),
    "JT": ("hazmat_transport", "water_rescue", "structure"),
    "DL": ("electrical", "hoisting", "special_equipment"),
}
ANYWHERE = ("plans_and_drills", "occupational_health", "law", "communications", "medicine", "meteorology")
TITLES = ("高级工程师", "高级工程师", "高级工程师", "正高级工程师", "正高级工程师", "教授", "研究员")
POSITIONS = ("总工程师", "安全总监", "技术部主任", "所长", "教研室主任", "副总工程师", "首席工程师")
SCHOOLS = ("演示矿业大学", "演示化工大学", "演示科技大学", "演示理工大学", "演示石油大学")
MAJORS = {
    **{
        "MK": "采矿工程",
        "FM": "采矿工程",
        "YQ": "石油工程",
        "WH": "化学工程",
        "YJ": "冶金工程",
        "YS": "冶金工程",
    },
    **{"JX": "机械工程", "JZ": "土木工程", "JT": "交通工程", "DL": "电气工程", "QG": "制冷与低温工程"},
}
EMPLOYERS: dict[str, tuple[str, ...]] = {
    "MK": ("煤炭科学研究院", "矿业集团"),
    "FM": ("矿山研究院", "矿业集团"),
    "YQ": ("油气工程研究院", "管道公司"),
    "WH": ("化工研究院", "化工集团", "安全科学研究院"),
    "YH": ("民爆研究所",),
    "YJ": ("钢铁研究院", "钢铁集团"),
    "YS": ("有色金属研究院",),
    "JC": ("建材研究院", "水泥集团"),
    "JX": ("装备制造集团", "特种设备检验院"),
    "QG": ("食品工程研究院", "制冷工程公司"),
    "FZ": ("纺织工程研究院",),
    "YC": ("烟草工程研究所",),
    "SM": ("商贸物流研究院",),
    "JZ": ("建筑科学研究院", "建工集团"),
    "JT": ("交通规划研究院",),
    "DL": ("电力科学研究院",),
}
PREFIXES = ("冀东", "冀中", "冀南", "燕山", "太行", "渤海", "滹沱", "滦河")


@dataclass(frozen=True, slots=True)
class DemoCertificate:
    name: str
    number: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class DemoExpert:
    """One row of the sheet, and what the sheet does not carry: leave."""

    name: str
    gender: str
    born_on: date
    education: str
    school: str
    title: str
    position: str
    employer: str
    industries: tuple[str, ...]
    specialties: tuple[str, ...]
    tasks: tuple[TaskCategory, ...]
    region: str
    mobile: str
    phone: str
    email: str
    term: Period
    number: str
    category: str
    group_role: str
    certificates: tuple[DemoCertificate, ...] = ()
    leave: tuple[int, int, str] | None = None
    is_suspended: bool = False
    remarks: str = "演示数据，人员虚构"


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody of the story: who, trades, specialties, title, position, employer, home."""

    name: str
    gender: str
    industries: tuple[str, ...]
    specialties: tuple[str, ...]
    title: str
    position: str
    employer: str
    home: str


ALL_TASKS = tuple(TaskCategory)
STORY: tuple[_Known, ...] = (
    _Known(
        *("周明远", "男", ("WH", "QG"), ("ammonia", "hazchem_response", "process_safety")),
        *("正高级工程师", "总工程师", "冀东化工研究院", "唐山市滦南县"),
    ),
    _Known(
        *("林若溪", "女", ("WH", "QG"), ("ammonia", "process_safety")),
        *("研究员", "首席研究员", "冀中安全科学研究院", "石家庄市裕华区"),
    ),
    _Known(
        *("沈国强", "男", ("WH", "YQ"), ("leak_sealing", "hazchem_response")),
        *("高级工程师", "技术部主任", "渤海化工集团", "唐山市曹妃甸区"),
    ),
    _Known(
        *("郑海波", "男", ("JX", "WH"), ("special_equipment", "hoisting")),
        *("高级工程师", "检验所所长", "冀东特种设备检验院", "唐山市丰南区"),
    ),
    _Known(
        *("俞建平", "男", ("WH",), ("fire", "hazchem_response")),
        *("正高级工程师", "教研室主任", "燕山消防工程研究院", "唐山市路北区"),
    ),
    _Known(
        *("方宁", "女", ("WH", "QG"), ("medicine", "occupational_health")),
        *("副主任医师", "急诊科副主任", "冀东职业病防治院", "唐山市路南区"),
    ),
    _Known(
        *("徐志刚", "男", ("QG", "WH"), ("ammonia", "special_equipment")),
        *("高级工程师", "总工程师", "燕山制冷工程公司", "唐山市丰润区"),
    ),
    _Known(
        *("胡建军", "男", ("WH", "QG"), ("ammonia", "process_safety")),
        *("高级工程师", "副总工程师", "渤海安全技术公司", "唐山市曹妃甸区"),
    ),
    _Known(
        *("吴晓峰", "男", ("WH", "JT"), ("hazmat_transport", "leak_sealing")),
        *("高级工程师", "安全总监", "渤海危货运输公司", "唐山市乐亭县"),
    ),
    _Known(
        *("何静", "女", ("WH",), ("environment", "hazchem_response")),
        *("正高级工程师", "监测室主任", "冀东环境监测中心", "唐山市开平区"),
    ),
    _Known(
        *("董雪梅", "女", ("QG", "SM"), ("ammonia", "plans_and_drills")),
        *("高级工程师", "咨询部主任", "滦河食品工程研究院", "唐山市滦州市"),
    ),
)


def experts(seed: int, day: date) -> list[DemoExpert]:
    """Return the experts as they stand on `day`."""
    rng = invention.dice(seed, "experts")
    crowd = Crowd(rng, {known.name for known in STORY})
    people = [_of_story(rng, number, known, day) for number, known in enumerate(STORY, 1)]
    trades = _trades_left(rng)
    homes = _homes_left(rng)
    for number, (trade, home) in enumerate(zip(trades, homes, strict=True), len(STORY) + 1):
        people.append(_drawn(rng, crowd, number, trade, home, day))
    return _with_troubles(people, day)


def _trades_left(rng: random.Random) -> list[str]:
    taken = Counter(known.industries[0] for known in STORY)
    trades = [code for code, quota in QUOTAS.items() for _ in range(quota - taken[code])]
    rng.shuffle(trades)
    return trades


def _homes_left(rng: random.Random) -> list[str]:
    taken = Counter(invention.region(known.home).unit for known in STORY)
    homes = [unit for unit, count in SPREAD.items() for _ in range(count - taken[unit])]
    rng.shuffle(homes)
    return homes


def _of_story(rng: random.Random, number: int, known: _Known, day: date) -> DemoExpert:
    return _expert(
        rng,
        number,
        day,
        name=known.name,
        gender=known.gender,
        title=known.title,
        position=known.position,
        employer=known.employer,
        industries=known.industries,
        specialties=known.specialties,
        tasks=ALL_TASKS,
        region=invention.region(known.home),
    )


def _drawn(rng: random.Random, crowd: Crowd, number: int, trade: str, unit: str, day: date) -> DemoExpert:
    name, gender = crowd.next()
    own = SPECIALTIES[trade]
    specialties = rng.sample(own, min(len(own), rng.choice((1, 2, 2))))
    specialties.append(rng.choice(ANYWHERE))
    tasks = [TaskCategory.EMERGENCY] if rng.random() < 0.85 else []
    tasks += [task for task in ALL_TASKS if task is not TaskCategory.EMERGENCY and rng.random() < 0.7]
    # Nobody else practises 烟草, not even beside another trade, or one recusal would not empty it.
    near = [code for code in industries.near_to(trade) if code != "YC"]
    also = rng.sample(near, min(len(near), rng.choice((0, 1, 1, 2))))
    return _expert(
        rng,
        number,
        day,
        name=name,
        gender=gender,
        title=rng.choice(TITLES),
        position=rng.choice(POSITIONS),
        employer=rng.choice(PREFIXES) + rng.choice(EMPLOYERS[trade]),
        industries=(trade, *also),
        specialties=tuple(specialties),
        tasks=tuple(tasks) or (TaskCategory.CONSULTING,),
        region=rng.choice(invention.counties(unit)),
    )


def _expert(
    rng: random.Random,
    number: int,
    day: date,
    *,
    name: str,
    gender: str,
    title: str,
    position: str,
    employer: str,
    industries: tuple[str, ...],
    specialties: tuple[str, ...],
    tasks: tuple[TaskCategory, ...],
    region: gazetteer.RegionRow,
) -> DemoExpert:
    starts_on = day - timedelta(days=rng.randint(60, 720))
    term = Period(starts_on, starts_on + timedelta(days=3 * 365))
    advises = TaskCategory.EMERGENCY in tasks
    return DemoExpert(
        name=name,
        gender=gender,
        born_on=date(day.year - rng.randint(38, 62), rng.randint(1, 12), 1),
        education=rng.choice(("本科", "硕士研究生", "博士研究生")),
        school=f"{rng.choice(SCHOOLS)} {MAJORS.get(industries[0], '安全工程')}",
        title=title,
        position=position,
        employer=f"{employer}{LABEL}",
        industries=industries,
        specialties=specialties,
        tasks=tasks,
        region=region.full_name,
        mobile=invention.mobile(1, number),
        phone=invention.landline(region.unit, number),
        email=f"expert{number:02d}@{invention.MAIL}",
        term=term,
        number=_number(term, number),
        category="综合决策类" if advises and rng.random() < 0.5 else "监管业务类",
        group_role="成员",
        certificates=_certificates(rng, number, day),
    )


def _number(term: Period, number: int) -> str:
    return f"冀演专聘〔{term.starts_on.year}〕{number:03d} 号"


def _certificates(rng: random.Random, number: int, day: date) -> tuple[DemoCertificate, ...]:
    if rng.random() > 0.6:
        return ()
    expires_on = day + timedelta(days=rng.randint(200, 1600))
    return (DemoCertificate("注册安全工程师", f"演示-{number:04d}", expires_on),)


def _with_troubles(people: list[DemoExpert], day: date) -> list[DemoExpert]:
    """Give a few of them what makes a roster real: leave, lapsed papers, terms at their end."""
    by_name = {one.name: position for position, one in enumerate(people)}
    drawn = list(range(len(STORY), len(people)))

    def change(position: int, **columns: object) -> None:
        people[position] = replace(people[position], **columns)  # type: ignore[arg-type]  # by field name

    def ends(position: int, ends_on: date) -> None:
        term = Period(ends_on - timedelta(days=3 * 365), ends_on)
        change(position, term=term, number=_number(term, position + 1))

    ends(by_name["俞建平"], day + timedelta(days=12))
    change(by_name["吴晓峰"], leave=(-2, 3, "省外出差"))
    change(by_name["周明远"], group_role="组长")
    change(by_name["沈国强"], group_role="副组长")
    hazchem, metallurgy, mining, machinery, building, coal = (
        next(position for position in drawn if people[position].industries[0] == code)
        for code in ("WH", "YJ", "FM", "JX", "JC", "MK")
    )
    ends(metallurgy, day - timedelta(days=1))
    change(hazchem, leave=(0, 6, "年休假"))
    change(mining, leave=(-5, 1, "住院"))
    change(coal, leave=(10, 20, "培训"))
    change(machinery, is_suspended=True, remarks="演示数据，人员虚构；两次无故不到，停聘")
    for position, ago in ((building, 40), (drawn[-1], 3)):
        lapsed = DemoCertificate(
            "注册安全工程师",
            f"演示-{position + 1:04d}",
            day - timedelta(days=ago),
        )
        change(position, certificates=(lapsed,))
    return people


# --- the workbook ---------------------------------------------------------------------------------

TITLE = "省级应急管理专家花名册（演示）"
COLUMNS: tuple[NewColumn, ...] = (
    *(NewColumn("序号"), NewColumn("姓名", 10), NewColumn("性别"), NewColumn("出生年月", 12)),
    *(NewColumn("民族"), NewColumn("政治面貌"), NewColumn("学历", 12), NewColumn("毕业院校及专业", 26)),
    *(NewColumn("职称", 14), NewColumn("职务", 16), NewColumn("工作单位", 28), NewColumn("行业", 24)),
    *(NewColumn("专业方向", 30), NewColumn("任务类别", 40), NewColumn("所在市县", 18)),
    *(NewColumn("手机", 14, is_text=True), NewColumn("办公电话", 16, is_text=True), NewColumn("邮箱", 26)),
    *(NewColumn("聘期起止", 26), NewColumn("聘书编号", 22), NewColumn("类别", 12)),
    *(NewColumn("专家组职务", 12), NewColumn("状态"), NewColumn("备注", 22)),
    *(NewColumn("资格证书", 18), NewColumn("证书编号", 14, is_text=True)),
    NewColumn("证书有效期至", 16, is_text=True),
)


def workbook(people: Sequence[DemoExpert]) -> bytes:
    """Return the 花名册 as the .xlsx that an office would send: title row, header row, one row each."""
    rows = [_row(number, one) for number, one in enumerate(people, 1)]
    return write_workbook([NewSheet("专家花名册", COLUMNS, rows, title=TITLE)])


def _row(number: int, one: DemoExpert) -> list[object]:
    return [
        *(number, one.name, one.gender, f"{one.born_on:%Y-%m}", "汉族", "群众"),
        *(one.education, one.school, one.title, one.position, one.employer),
        "、".join(industries.BY_CODE[code].zh for code in one.industries),
        "、".join(industries.SPECIALTY_BY_CODE[code].zh for code in one.specialties),
        "、".join(task.zh for task in one.tasks),
        *(one.region, one.mobile, one.phone, one.email),
        f"{one.term.starts_on}至{one.term.ends_on}",
        *(one.number, one.category, one.group_role),
        *(Standing.SUSPENDED.zh if one.is_suspended else Standing.SERVING.zh, one.remarks),
        *("；".join(parts) for parts in _certificate_cells(one)),
    ]


def _certificate_cells(one: DemoExpert) -> tuple[list[str], list[str], list[str]]:
    held = one.certificates
    return (
        [certificate.name for certificate in held],
        [certificate.number for certificate in held],
        [certificate.expires_on.isoformat() for certificate in held],
    )
