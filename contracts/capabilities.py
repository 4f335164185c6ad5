"""What rescue teams can do on a scene: the list that the capability rows are loaded from.

Pure. The functions of a hazchem team follow the trade's usual list; the others are our own proposal.
Codes are stored in requirements: add to the list by a migration, do not rename.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capability:
    code: str
    zh: str
    en: str


CAPABILITIES: tuple[Capability, ...] = (
    Capability("recon", "侦检", "detection and reconnaissance"),
    Capability("leak_sealing", "堵漏", "leak sealing"),
    Capability("transfer", "输转", "product transfer"),
    Capability("decontamination", "洗消", "decontamination"),
    Capability("foam", "泡沫灭火", "foam firefighting"),
    Capability("dry_powder", "干粉灭火", "dry powder firefighting"),
    Capability("gas_protection", "气防", "gas protection"),
    Capability("cordon", "警戒疏散", "cordon and evacuation"),
    Capability("environment", "环境监测", "environmental monitoring"),
    Capability("underground_search", "井下搜救", "underground search and rescue"),
    Capability("underground_fire", "井下灭火", "underground firefighting"),
    Capability("mine_ventilation", "通风与瓦斯排放", "mine ventilation and gas clearing"),
    Capability("drainage", "矿井排水", "mine drainage"),
    Capability("roof_support", "顶板支护", "roof support"),
    Capability("borehole", "钻孔救援", "rescue boreholes"),
    Capability("pipeline_repair", "管道抢修", "pipeline repair"),
    Capability("well_control", "井控抢险", "well control"),
    Capability("breaching", "破拆", "breaching and shoring"),
    Capability("rope_rescue", "绳索救援", "rope rescue"),
    Capability("lifting", "起重吊装", "lifting"),
    Capability("diving", "水下救援", "diving"),
    Capability("boats", "水面救援", "surface water rescue"),
    Capability("power_repair", "电力抢修", "power repair"),
    Capability("first_aid", "现场急救", "first aid on scene"),
    Capability("poisoning_care", "中毒与烧伤救治", "care for poisoning and burns"),
    Capability("patient_transport", "伤员转运", "patient transport"),
    Capability("communications", "应急通信", "emergency communications"),
    Capability("drone", "无人机侦察", "drone reconnaissance"),
)
