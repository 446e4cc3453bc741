"""Referrals between services."""

from __future__ import annotations

from collections.abc import Mapping

from healthalloc.consistency.common import Tables, flag
from healthalloc.errors import Problem
from healthalloc.validate import rows_where


def check_referrals(tables: Tables) -> list[Problem]:
    """Referrals lead to other services, never back, and are worth treating for."""
    referrals = tables["referrals"]
    if referrals.empty:
        return []
    problems = flag(
        tables, "referrals", referrals["from_service_id"] == referrals["to_service_id"],
        "to_service_id", "a service refers to another one, not to itself", "name the other one",
    )  # fmt: skip
    if problems:
        return problems
    leads_to: dict[str, list[str]] = {}
    for start, end in zip(referrals["from_service_id"], referrals["to_service_id"]):
        leads_to.setdefault(start, []).append(end)
    cycle = _referral_cycle(leads_to)
    if cycle:
        last = (referrals["from_service_id"] == cycle[-2]) & (
            referrals["to_service_id"] == cycle[-1]
        )
        message = "the referrals have a cycle: " + " -> ".join(cycle)
        mend = "give what comes back a service of its own, e.g. rehabilitation"
        return flag(tables, "referrals", last, "to_service_id", message, mend)
    return check_referral_penalties(tables)


def check_referral_penalties(tables: Tables) -> list[Problem]:
    """Turning a case away must not be cheaper than to treat it and fail to refer it on."""
    services, referrals = tables["services"], tables["referrals"]
    penalty = services.set_index("service_id")["unmet_penalty_cny"]
    ahead = referrals["share"] * referrals["to_service_id"].map(penalty)
    owed = ahead.groupby(referrals["from_service_id"]).sum()
    own = services["service_id"].map(owed).fillna(0.0)
    return [
        Problem(
            "services",
            f"is below {own.iat[row]:g}, what a case costs that is treated and then not referred "
            "on (share x penalty of the next service): turning everybody away would be cheaper",
            row + 1, "unmet_penalty_cny", f"{services['unmet_penalty_cny'].iat[row]:g}",
            "raise this penalty, or lower that of the next service",
        )
        for row in rows_where((own > services["unmet_penalty_cny"] * (1 + 1e-9)).to_numpy())
    ]  # fmt: skip


def _referral_cycle(leads_to: Mapping[str, list[str]]) -> list[str]:
    """A path of services that ends where it began; empty if there is none."""
    done: set[str] = set()

    def search(path: list[str]) -> list[str]:
        for following in leads_to.get(path[-1], []):
            if following in path:
                return [*path[path.index(following) :], following]
            if following not in done:
                found = search([*path, following])
                if found:
                    return found
        done.add(path[-1])
        return []

    return next((found for start in leads_to if (found := search([start]))), [])
