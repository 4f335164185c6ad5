"""What a roster admin fills in about an expert. Each form says its mistakes where they were made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from experts.differences import exact_point
from experts.models import Expert, TaskCategory
from experts.profile import Profile, TermOfOffice
from experts.standing import industries_of
from ground import dates, gazetteer, phones
from ground.access import EVERYWHERE, Reach
from ground.forms import PointField, RegionField, day_field, industries
from ground.languages import row_choices, sentence, term_choices
from ground.models import RUNG_UP, WECOM_ID, ContactKind, Specialty
from ground.spreadsheets import LARGEST_FILE_MB, MEGABYTE


class WrittenDayField(forms.CharField):
    """A day as people write it: 1970-05, 1970年5月12日."""

    def clean(self, value: Any) -> date | None:
        text = super().clean(value)
        try:
            return dates.parse_date(text) if text else None
        except dates.WrongDate as mistake:
            raise ValidationError(sentence(mistake)) from mistake

    def prepare_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


_WECOM = re.compile(r"(?:企业微信|wecom)\s*[:：]\s*(.*)", re.IGNORECASE)


class ContactsField(forms.CharField):
    """Ways of reaching somebody, one a line, in the order in which they are tried."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def clean(self, value: Any) -> list[tuple[ContactKind, str]]:
        text = super().clean(value)
        found: list[tuple[ContactKind, str]] = []
        for line in filter(None, (part.strip() for part in re.split(r"[\n,，、;；]+", text))):
            try:
                found.append(_way(line))
            except phones.WrongPhone as mistake:
                raise ValidationError(sentence(mistake)) from mistake
        return list(dict.fromkeys(found))


def written_way(kind: str, value: str) -> str:
    """Return a contact as it is typed into the field, from which the same contact is read again."""
    if kind == ContactKind.WECOM:
        return f"{ContactKind.WECOM.zh}：{value}"
    return phones.as_written(value) if kind in RUNG_UP else value


def _way(line: str) -> tuple[ContactKind, str]:
    if (member := _WECOM.fullmatch(line)) is not None:
        if not re.match(WECOM_ID, member[1]):
            raise ValidationError(
                _("“%(line)s”不是企业微信账号。请按“企业微信：zhangsan”的样子填写。") % {"line": line}
            )
        return ContactKind.WECOM, member[1]
    if "://" in line:
        URLValidator(
            schemes=["https"], message=_("请填写 https 网址，例如 https://dispatch.example.cn/muster。")
        )(line)
        return ContactKind.WEBHOOK, line
    if "@" in line:
        try:
            validate_email(line)
        except ValidationError:
            raise ValidationError(
                _("“%(line)s”不是邮箱地址。请按 name@example.cn 的样子填写。") % {"line": line}
            ) from None
        return ContactKind.EMAIL, line
    number = phones.normalise(line)
    return (ContactKind.MOBILE if phones.is_mobile(number) else ContactKind.PHONE), number


class ExpertForm(forms.Form):
    """Basic data, practice and place of an expert."""

    name = forms.CharField(label=_l("姓名"), max_length=40)
    employer = forms.CharField(label=_l("工作单位"), max_length=80)
    title = forms.CharField(label=_l("职称"), max_length=40, required=False)
    position = forms.CharField(label=_l("职务"), max_length=60, required=False)
    primary = forms.ChoiceField(label=_l("主专业"), choices=lambda: [("", "—"), *industries()])
    secondary = forms.MultipleChoiceField(
        label=_l("兼专业"), choices=industries, required=False, widget=forms.CheckboxSelectMultiple
    )
    specialties = forms.MultipleChoiceField(
        label=_l("专业方向"),
        choices=lambda: row_choices(Specialty.objects.all()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    offers = forms.MultipleChoiceField(
        label=_l("任务类别"),
        choices=lambda: term_choices(TaskCategory),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    region = RegionField(
        label=_l("所在市县"),
        max_length=40,
        required=False,
        help_text=_l("例如 唐山市丰南区。匹配时由此计算路程。"),
    )
    address = forms.CharField(label=_l("地址"), max_length=200, required=False)
    point = PointField(
        label=_l("经纬度"),
        max_length=60,
        required=False,
        help_text=_l("WGS-84，经度在前，例如 118.183190,39.643810。留空则以市县驻地计算。"),
    )
    gender = forms.ChoiceField(
        label=_l("性别"), choices=[("", "—"), ("男", _l("男")), ("女", _l("女"))], required=False
    )
    born_on = WrittenDayField(label=_l("出生年月"), required=False, help_text=_l("例如 1970-05。"))
    ethnicity = forms.CharField(label=_l("民族"), max_length=20, required=False)
    political_status = forms.CharField(label=_l("政治面貌"), max_length=20, required=False)
    education = forms.CharField(label=_l("学历"), max_length=20, required=False)
    school = forms.CharField(label=_l("毕业院校及专业"), max_length=80, required=False)
    remarks = forms.CharField(
        label=_l("备注"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    COLUMNS = (
        *("name", "employer", "title", "position", "address", "gender", "born_on", "ethnicity"),
        *("political_status", "education", "school", "remarks"),
    )

    def __init__(self, *args: Any, reach: Reach = EVERYWHERE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].reach = reach  # type: ignore[attr-defined]  # a RegionField

    @classmethod
    def facts_of(cls, expert: Expert) -> dict[str, Any]:
        """Return the values with which the form begins."""
        codes = industries_of(expert)
        region = gazetteer.by_code(expert.region_id or "")
        return {
            **{column: getattr(expert, column) for column in cls.COLUMNS},
            "primary": codes[0] if codes else "",
            "secondary": codes[1:],
            "specialties": [one.code for one in expert.specialties.all()],
            "offers": [one.category for one in expert.task_offers.all()],
            "region": region.full_name if region else "",
            "point": exact_point(expert) or "",
        }

    def profile(self) -> Profile:
        """Return what was filled in; an empty field says that there is nothing."""
        said = self.cleaned_data
        columns = {
            column: re.sub(r"\s+", " ", value) if isinstance(value := said[column], str) else value
            for column in self.COLUMNS
        }
        return Profile(
            columns=columns,
            industries=tuple(dict.fromkeys((said["primary"], *said["secondary"]))),
            specialties=frozenset(said["specialties"]),
            offers=frozenset(said["offers"]),
            region=said["region"].code if said["region"] else None,
            point=said["point"],
            at_seat=said["point"] is None,
        )


class NewExpertForm(ExpertForm):
    """A new expert needs a contact and a term too."""

    contacts = ContactsField(
        label=_l("联系方式"), help_text=_l("每行一个，按拨打顺序：手机、邮箱、办公电话。")
    )
    starts_on = day_field(label=_l("聘期起"))
    ends_on = day_field(label=_l("聘期止"))
    number = forms.CharField(label=_l("聘书编号"), max_length=40, required=False)
    category = forms.CharField(label=_l("类别"), max_length=20, required=False)
    group_role = forms.CharField(label=_l("专家组职务"), max_length=20, required=False)

    def profile(self) -> Profile:
        said = self.cleaned_data
        basic = super().profile()
        contacts: dict[ContactKind, tuple[str, ...]] = {}
        for kind, value in said["contacts"]:
            contacts[kind] = (*contacts.get(kind, ()), value)
        term = TermOfOffice(
            said["starts_on"], said["ends_on"], said["number"], said["category"], said["group_role"]
        )
        return replace(basic, contacts=contacts, term=term, at_seat=False)


class AbsenceForm(forms.Form):
    starts_on = day_field(label=_l("从"))
    ends_on = day_field(label=_l("到"), help_text=_l("含当天。"))
    reason = forms.CharField(label=_l("原因"), max_length=100, required=False)


class SuspendForm(forms.Form):
    reason = forms.CharField(label=_l("停聘原因"), max_length=200)


class RenewForm(forms.Form):
    until = day_field(label=_l("聘期延至"), help_text=_l("从原聘期次日起；原聘期已过的，从今天起。"))
    number = forms.CharField(label=_l("新聘书编号"), max_length=40, required=False)


class AppointForm(forms.Form):
    starts_on = day_field(label=_l("聘期起"))
    ends_on = day_field(label=_l("聘期止"))
    number = forms.CharField(label=_l("聘书编号"), max_length=40, required=False)
    category = forms.CharField(label=_l("类别"), max_length=20, required=False)
    group_role = forms.CharField(label=_l("专家组职务"), max_length=20, required=False)


class DismissForm(forms.Form):
    on = day_field(label=_l("解聘日"), help_text=_l("从这一天起不再聘任。"))
    reason = forms.CharField(label=_l("解聘原因"), max_length=200)


class ContactsForm(forms.Form):
    contacts = ContactsField(
        label=_l("联系方式"),
        help_text=_l(
            "每行一个，按拨打顺序排列。手机、邮箱、带区号的固定电话，企业微信写成“企业微信：账号”。"
        ),
    )


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_l("花名册文件（.xlsx）"),
        widget=forms.ClearableFileInput(
            attrs={"accept": ".xlsx,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
        ),
        error_messages={
            "required": _l("请先选择要导入的文件。"),
            "empty": _l("这个文件是空的（0 字节）。请重新选择。"),
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        # Read no more of it than is allowed: what is larger is refused before it is in memory.
        if file.size > LARGEST_FILE_MB * MEGABYTE:
            raise ValidationError(
                _("文件有 %(size).1f MB，超过 %(most)d MB 上限。请删去图片或分成几个文件。")
                % {"size": file.size / MEGABYTE, "most": LARGEST_FILE_MB}
            )
        return file
