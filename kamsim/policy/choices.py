"""Choices that a program makes beside its levers and tiers, and the keys of a scenario that settle each."""

from kamsim.evidence.ledger import LEDGER

OF_SECTIONS = ("rebuild", "quota", "budget", "criteria")  # a choice each
OF_KEYS = {
    "policy.managed_downtiering": "down_tiering",
    "policy.notice_years": "down_tiering",
    "policy.rebate": "give_get",
    "policy.team_contacts": "account_team",
    "policy.sponsor": "sponsor",
    "elevation.capacity_check": "capacity_check",
    "elevation.incubator_years": "incubator",
}
NO_CHOICE = ("rebuild.fatigue",)  # what an organization is, and none of its programs settles
ASSUMED = ("rebuild.reassigned",)  # of most programs, and not known well: what is uncertain may move it


# Terms that say nothing where the key that they go with is at its default.
SILENT = {
    "policy.contact_hours": "policy.team_contacts",
    "policy.sponsor_saves": "policy.sponsor",
    "policy.sponsor_hours": "policy.sponsor",
    "elevation.capacity_slack": "elevation.capacity_check",
    "elevation.incubator_part": "elevation.incubator_years",
    "world.single_thread": "world.buyer_turnover",
    "world.buyer_contacts": "world.buyer_turnover",
    "world.lock": "world.contract_years",
    "world.stake": "world.contract_years",
    "world.tender_discount": "world.contract_years",
    "world.tender_won": "world.contract_years",
    "world.tender_trust": "world.contract_years",
}


def _keys_of_choices() -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for row in LEDGER:
        name = f"{row.section}.{row.name}"
        choice = OF_KEYS.get(name, row.section if row.section in OF_SECTIONS else "")
        if choice and name not in NO_CHOICE:
            keys[choice] = (*keys.get(choice, ()), name)
    return keys


CHOICES = _keys_of_choices()  # with all of its keys at their defaults a choice is not made
NEUTRAL = tuple(name for names in CHOICES.values() for name in names if name not in ASSUMED)
