"""Services, what they need, who asks for them, how far they reach."""

from __future__ import annotations

from healthalloc.consistency.common import Tables, flag
from healthalloc.errors import Problem
from healthalloc.validate import nearest, rows_where


def check_services(tables: Tables) -> list[Problem]:
    """Stays where there are beds, and a row of demand and requirement for each service."""
    services = tables["services"]
    inpatient, stay = services["setting"] == "inpatient", services["stay_days"].notna()
    problems = flag(
        tables, "services", inpatient & ~stay, "stay_days",
        "an inpatient service needs a stay", "give the average length of stay in days",
    )  # fmt: skip
    problems += flag(
        tables, "services", ~inpatient & stay, "stay_days",
        "an ambulatory service has no stay", "empty the cell",
    )  # fmt: skip
    referred = list(tables["referrals"]["to_service_id"]) if "referrals" in tables else []
    for name in ("demand", "requirements"):
        without = ~services["service_id"].isin(tables[name]["service_id"].unique())
        if name == "demand":
            without &= ~services["service_id"].isin(referred)
        problems += flag(
            tables, "services", without, "service_id", f"has no row in the table {name}",
            f"add one to {name}.csv, or remove the service",
        )  # fmt: skip
    return problems


def check_requirements(tables: Tables) -> list[Problem]:
    """Requirements fit the setting and category of what they are for."""
    requirements, services = tables["requirements"], tables["services"]
    inpatient = services.loc[services["setting"] == "inpatient", "service_id"]
    per_patient = requirements["basis"] == "per_patient"
    problems = flag(
        tables, "requirements", per_patient & ~requirements["service_id"].isin(inpatient), "basis",
        "an ambulatory service has no patients in bed", "use cases_per_unit",
    )  # fmt: skip
    unknown = ~requirements["category"].isin(["", *tables["facilities"]["category"].unique()])
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


def check_groups(tables: Tables) -> list[Problem]:
    """Groups exist where demand names them, and are no larger than their population."""
    groups, demand, populations = tables["groups"], tables["demand"], tables["populations"]
    unknown = (demand["group_id"] != "") & ~demand["group_id"].isin(groups["group_id"].unique())
    problems = flag(
        tables, "demand", unknown, "group_id", "no population has this group",
        f"groups.csv has: {', '.join(groups['group_id'].unique()) or 'none'}",
    )  # fmt: skip
    if groups.empty:
        return problems
    residents = groups["population_id"].map(populations.set_index("population_id")["residents"])
    problems += flag(
        tables, "groups", groups["residents"] > residents, "residents",
        "the group is larger than its population", "residents of a group <= residents",
    )  # fmt: skip
    return problems


def check_radii(tables: Tables) -> list[Problem]:
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
        for area_class in tables["populations"]["area_class"].unique()
        if (service, area_class) not in given
    ]  # fmt: skip
