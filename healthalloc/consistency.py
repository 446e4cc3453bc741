"""Checks at the door, across tables: references, the resource tree, figures that must agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.schema import TABLES
from healthalloc.validate import nearest, rows_where

Tables = Mapping[str, pd.DataFrame]
RESERVED = ("existing", "given")
"""Allocations that the audit names itself: the base year, and one given beside the scenario."""

HALF_A_PERSON = 0.5
"""Sums of residents that differ by no more agree."""

FAR_DEGREES, NEAR_DEGREES = 20.0, 5.0
"""A point so far from the middle of all, and so near it when swapped, is taken for swapped."""


def check_consistency(
    tables: Tables, found: Sequence[Problem], needs_coordinates: bool
) -> list[Problem]:
    """Everything wrong between tables.

    A check is left out where a column that it reads is faulty already: what it would find there
    follows from the fault.

    Parameters
    ----------
    tables
        Cleaned tables by name; those that could not be read are left out.
    found
        What is known to be wrong in single tables.
    needs_coordinates
        Whether every facility and population must have longitude and latitude.
    """
    problems = check_references(tables, found)
    for check, reads in _CHECKS.items():
        if can_read(tables, [*found, *problems], reads):
            problems += check(tables)
    printed = "areas.area_id areas.parent_id areas.residents populations.area populations.residents"
    if can_read(tables, [*found, *problems], printed) and len(tables["areas"]):
        problems += _check_area_residents(tables)
    points = "facilities.longitude facilities.latitude populations.longitude populations.latitude"
    if can_read(tables, found, points):
        problems += _check_points(tables, needs_coordinates)
    return problems


def can_read(tables: Tables, found: Sequence[Problem], columns: str) -> bool:
    """Whether columns can be relied on.

    Parameters
    ----------
    tables
        Tables that could be read.
    found
        Problems known.
    columns
        Names ``table.column``, with blanks between them.
    """
    faulty = {f"{p.table}.{name}" for p in found for name in re.split(r" \+ |, ", p.column)}
    wanted = set(columns.split())
    return not wanted & faulty and {name.split(".")[0] for name in wanted} <= tables.keys()


def _flag(
    tables: Tables,
    table: str,
    bad: pd.Series[bool] | NDArray[np.bool_],
    column: str,
    message: str,
    mend: str = "",
) -> list[Problem]:
    """One problem for each row of a table where ``bad`` holds."""
    values = tables[table][column]
    return [
        Problem(table, message, row + 1, column, _shown(values.iat[row]), mend)
        for row in rows_where(bad)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return str(value)


def check_references(tables: Tables, found: Sequence[Problem] = ()) -> list[Problem]:
    """Every value of a referring column must exist where it points.

    Parameters
    ----------
    tables
        Cleaned tables by name.
    found
        Problems known; what they touch is not relied on.
    """
    problems: list[Problem] = []
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if not column.references or not can_read(tables, found, column.references):
                continue
            target, key = column.references.split(".")
            known = tables[target][key]
            values = frame[column.name]
            for row in rows_where(~values.isin(known) & (values != "")):
                value = str(values.iat[row])
                message, mend = f"is no {key} of the table {target}", nearest(value, known)
                problems.append(Problem(name, message, row + 1, column.name, value, mend))
    return problems


def _check_resource_tree(tables: Tables) -> list[Problem]:
    """The parents of the resources must form a forest."""
    return _cycles(tables, "resources", "resource_id")


def _cycles(tables: Tables, table: str, key: str) -> list[Problem]:
    """Rows whose parents lead back to themselves, each cycle once."""
    parent = dict(zip(tables[table][key], tables[table]["parent_id"]))
    problems: list[Problem] = []
    for row, path in _paths_back(parent):
        message = f"the tree of {table} has a cycle: " + " -> ".join(path)
        mend = "empty the parent_id of the topmost one"
        problems.append(Problem(table, message, row + 1, "parent_id", path[1], mend))
    return problems


def _paths_back(successor: Mapping[str, str]) -> list[tuple[int, list[str]]]:
    """Cycles of a map in which everything has one successor or none (empty)."""
    found: list[tuple[int, list[str]]] = []
    reported: set[str] = set()
    for row, start in enumerate(successor):
        path = [start]
        while successor.get(path[-1]) and successor[path[-1]] not in path:
            path.append(successor[path[-1]])
        if successor.get(path[-1]) == start and start not in reported:
            reported |= set(path)
            found.append((row, [*path, start]))
    return found


def _check_area_tree(tables: Tables) -> list[Problem]:
    """The areas form one tree, and what the populations add up to is what they print."""
    problems = _cycles(tables, "areas", "area_id")
    if problems:
        return problems
    areas = tables["areas"]
    roots = areas["area_id"][areas["parent_id"] == ""].tolist()
    if len(roots) > 1:
        problems.append(
            Problem(
                "areas", f"{len(roots)} areas lie in no other: {', '.join(roots[:5])}",
                column="parent_id", mend="one root only: give the others their parent_id",
            )
        )  # fmt: skip
    return problems


def _check_areas_used(tables: Tables) -> list[Problem]:
    """Facilities and populations stand in areas of the tree."""
    known = tables["areas"]["area_id"]
    if not len(known):
        return []
    problems: list[Problem] = []
    for name in ("facilities", "populations"):
        given = tables[name]["area"]
        for row in rows_where(~given.isin(known)):
            value = str(given.iat[row])
            message = "is no area of the tree" if value else "is empty: expected an area_id"
            mend = nearest(value, known) or "add it to areas.csv, with its level and parent"
            problems.append(Problem(name, message, row + 1, "area", value, mend))
    return problems


def _check_area_residents(tables: Tables) -> list[Problem]:
    """Populations add up to the residents that an area prints."""
    areas, populations = tables["areas"], tables["populations"]
    parent = dict(zip(areas["area_id"], areas["parent_id"]))
    total = dict.fromkeys(parent, 0.0)
    for area, residents in zip(populations["area"], populations["residents"]):
        while area:
            total[area] += residents
            area = parent[area]
    found = areas["area_id"].map(total).to_numpy(dtype=float)
    printed = areas["residents"].to_numpy(dtype=float)
    return [
        Problem(
            "areas", f"the populations of {areas['area_id'].iat[row]} add up to {found[row]:g}",
            row + 1, "residents", f"{printed[row]:g}",
            "mend the populations, or leave the cell empty if they need not agree",
        )
        for row in rows_where(np.abs(found - printed) > HALF_A_PERSON)
    ]  # fmt: skip


def _check_forms(tables: Tables) -> list[Problem]:
    """A form belongs to an institution that is no form itself, and may be chosen."""
    facilities = tables["facilities"]
    form = (facilities["form_of"] != "").to_numpy()
    of_form = facilities["form_of"].isin(facilities["facility_id"][form]).to_numpy()
    problems = _flag(
        tables, "facilities", form & of_form, "form_of",
        "is a form itself; forms are stated of the institution as it is today",
        "name the facility whose own form_of is empty",
    )  # fmt: skip
    problems += _flag(
        tables, "facilities", form & (facilities["site"] != "candidate").to_numpy(), "site",
        "another form of an institution is a candidate", "site candidate",
    )  # fmt: skip
    return problems


def _check_site_costs(tables: Tables) -> list[Problem]:
    facilities = tables["facilities"]
    return _flag(
        tables, "facilities",
        (facilities["site"] == "candidate") & facilities["site_cost_cny"].isna(), "site_cost_cny",
        "a candidate needs the yearly cost of its site: without one it would be free",
        "give it in CNY a year; 0 must be said",
    )  # fmt: skip


def _check_referrals(tables: Tables) -> list[Problem]:
    """Referrals lead to other services, never back, and are worth treating for."""
    referrals = tables["referrals"]
    problems = _flag(
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
        return _flag(tables, "referrals", last, "to_service_id", message, mend)
    return _check_referral_penalties(tables)


def _check_referral_penalties(tables: Tables) -> list[Problem]:
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


def _check_stock_limits(tables: Tables) -> list[Problem]:
    stock = tables["stock"]
    crossed = (stock["lower"] > stock["upper"]).to_numpy()
    return [
        Problem(
            "stock", f"is above upper {stock['upper'].iat[row]:g}", row + 1, "lower",
            f"{stock['lower'].iat[row]:g}", "lower <= upper",
        )
        for row in rows_where(crossed)
    ]  # fmt: skip


def _check_stock_leaves(tables: Tables) -> list[Problem]:
    parents = set(tables["resources"]["parent_id"]) - {""}
    return _flag(
        tables, "stock", tables["stock"]["resource_id"].isin(parents), "resource_id",
        "has kinds below it in the tree; stock is given for the kinds",
        "give the stock of each kind",
    )  # fmt: skip


def _check_stock_of_sites(tables: Tables) -> list[Problem]:
    stock, facilities = tables["stock"], tables["facilities"]
    by_id = facilities.set_index("facility_id")["site"]
    site = stock["facility_id"].map(by_id)
    has_forms = stock["facility_id"].isin(facilities["form_of"])
    problems = _flag(
        tables, "stock", ((site != "existing") | has_forms) & stock["upper"].isna(), "upper",
        "a facility that may open or close needs an upper limit", "give upper",
    )  # fmt: skip
    problems += _flag(
        tables, "stock", (site == "candidate") & (stock["existing"] > 0), "existing",
        "a candidate holds nothing yet", "existing 0, or site closable",
    )  # fmt: skip
    return problems


def _check_services(tables: Tables) -> list[Problem]:
    services = tables["services"]
    inpatient, stay = services["setting"] == "inpatient", services["stay_days"].notna()
    problems = _flag(
        tables, "services", inpatient & ~stay, "stay_days",
        "an inpatient service needs a stay", "give the average length of stay in days",
    )  # fmt: skip
    problems += _flag(
        tables, "services", ~inpatient & stay, "stay_days",
        "an ambulatory service has no stay", "empty the cell",
    )  # fmt: skip
    referred = list(tables["referrals"]["to_service_id"]) if "referrals" in tables else []
    for name in ("demand", "requirements"):
        without = ~services["service_id"].isin(tables[name]["service_id"])
        if name == "demand":
            without &= ~services["service_id"].isin(referred)
        problems += _flag(
            tables, "services", without, "service_id", f"has no row in the table {name}",
            f"add one to {name}.csv, or remove the service",
        )  # fmt: skip
    return problems


def _check_requirements(tables: Tables) -> list[Problem]:
    requirements, services = tables["requirements"], tables["services"]
    inpatient = services.loc[services["setting"] == "inpatient", "service_id"]
    per_patient = requirements["basis"] == "per_patient"
    problems = _flag(
        tables, "requirements", per_patient & ~requirements["service_id"].isin(inpatient), "basis",
        "an ambulatory service has no patients in bed", "use cases_per_unit",
    )  # fmt: skip
    unknown = ~requirements["category"].isin(["", *tables["facilities"]["category"]])
    for row in rows_where(unknown):
        value = str(requirements["category"].iat[row])
        mend = nearest(value, tables["facilities"]["category"].unique())
        message = "no facility has this category"
        problems.append(Problem("requirements", message, row + 1, "category", value, mend))
    # rows for every category and rows for some categories do not mix in one service
    blank = requirements["category"] == ""
    mixed = blank.groupby(requirements["service_id"]).agg(["any", "all"])
    problems += [
        Problem(
            "requirements", "the service has rows with a category and rows without",
            column="category", value=str(service),
            mend="give the category in every row of the service, or in none",
        )
        for service in mixed.index[mixed["any"] & ~mixed["all"]]
    ]  # fmt: skip
    return problems


def _check_groups(tables: Tables) -> list[Problem]:
    groups, demand, populations = tables["groups"], tables["demand"], tables["populations"]
    unknown = (demand["group_id"] != "") & ~demand["group_id"].isin(groups["group_id"])
    problems = _flag(
        tables, "demand", unknown, "group_id", "no population has this group",
        f"groups.csv has: {', '.join(groups['group_id'].unique()) or 'none'}",
    )  # fmt: skip
    residents = groups["population_id"].map(populations.set_index("population_id")["residents"])
    problems += _flag(
        tables, "groups", groups["residents"] > residents, "residents",
        "the group is larger than its population", "residents of a group <= residents",
    )  # fmt: skip
    return problems


def _check_radii(tables: Tables) -> list[Problem]:
    """Every service in demand, or with any radius, has one for each class that has residents."""
    radii = tables["radii"]
    demanded = {*tables["demand"]["service_id"], *radii["service_id"]}
    given = set(zip(radii["service_id"], radii["area_class"]))
    return [
        Problem(
            "radii", f"no radius of service {service!r} for area class {area_class!r}",
            mend="add a row",
        )
        for service in tables["services"]["service_id"]
        if service in demanded
        for area_class in dict.fromkeys(tables["populations"]["area_class"])
        if (service, area_class) not in given
    ]  # fmt: skip


def _check_proposals(tables: Tables) -> list[Problem]:
    taken = tables["proposals"]["proposal_id"].isin(RESERVED)
    return _flag(
        tables, "proposals", taken, "proposal_id", "is a name that the audit uses itself",
        "choose another name",
    )  # fmt: skip


def _check_points(tables: Tables, needed: bool) -> list[Problem]:
    """Coordinates present where needed, and no point far away unless swapped back."""
    names, columns = ("facilities", "populations"), ["longitude", "latitude"]
    middle = pd.concat([tables[name][columns] for name in names]).median().to_numpy()
    problems: list[Problem] = []
    for name in names:
        points = tables[name][columns].to_numpy(dtype=float)
        missing = np.isnan(points)
        incomplete = missing.any(axis=1) if needed else missing.any(axis=1) & ~missing.all(axis=1)
        problems += _flag(
            tables, name, incomplete, "longitude",
            "the point needs both longitude and latitude", "give both in degrees, WGS 84",
        )  # fmt: skip
        off = np.linalg.norm(points - middle, axis=1)
        off_swapped = np.linalg.norm(points[:, ::-1] - middle, axis=1)
        problems += [
            Problem(
                name, "lies far from all other points, and near them when swapped", row + 1,
                "longitude, latitude", f"{points[row, 0]:g}, {points[row, 1]:g}",
                "swap longitude and latitude",
            )
            for row in rows_where((off > FAR_DEGREES) & (off_swapped < NEAR_DEGREES))
        ]  # fmt: skip
    return problems


_CHECKS: dict[Callable[[Tables], list[Problem]], str] = {
    _check_resource_tree: "resources.resource_id resources.parent_id",
    _check_stock_limits: "stock.lower stock.upper",
    _check_stock_leaves: "stock.resource_id resources.resource_id resources.parent_id",
    _check_stock_of_sites: "stock.facility_id stock.existing stock.upper facilities.facility_id "
    "facilities.site",
    _check_services: "services.service_id services.setting services.stay_days demand.service_id "
    "requirements.service_id",
    _check_requirements: "requirements.service_id requirements.category requirements.basis "
    "services.service_id services.setting facilities.category",
    _check_groups: "groups.population_id groups.group_id groups.residents demand.group_id "
    "populations.population_id populations.residents",
    _check_radii: "radii.service_id radii.area_class services.service_id populations.area_class "
    "demand.service_id",
    _check_area_tree: "areas.area_id areas.parent_id",
    _check_areas_used: "areas.area_id facilities.area populations.area",
    _check_forms: "facilities.facility_id facilities.form_of facilities.site",
    _check_site_costs: "facilities.site facilities.site_cost_cny",
    _check_referrals: "referrals.from_service_id referrals.to_service_id referrals.share "
    "services.service_id services.unmet_penalty_cny",
    _check_proposals: "proposals.proposal_id",
}
"""Checks across tables, each with the columns that it reads."""
