"""Synthetic regions of any size, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.plan import Amount, Plan, RatioBetweenResources, RatioToPopulation, ResourceShare
from healthalloc.scenario import Scenario
from healthalloc.settings import GreatCircle, Settings, SolveSettings

SOURCE = "assumed: synthetic region, drawn at random"
KM_PER_DEGREE = 111.2
CENTRE = (102.0, 27.0)
"""Longitude and latitude of the middle of the region."""

# service: setting, stay in days, cases a year per 1,000, penalty of a case in CNY, share of
# facilities that can offer it, facilities that lie within its radius on average
_SERVICES = {
    "inpatient": ("inpatient", 9.0, 160.0, 20_000.0, 1.0, 22.0),
    "icu": ("inpatient", 6.0, 4.0, 100_000.0, 0.5, 22.0),
    "rehab": ("inpatient", 20.0, 6.0, 25_000.0, 0.6, 22.0),
    "maternity": ("inpatient", 5.0, 12.0, 30_000.0, 0.7, 22.0),
    "outpatient": ("ambulatory", np.nan, 1_800.0, 600.0, 1.0, 18.0),
    "primary": ("ambulatory", np.nan, 4_000.0, 400.0, 1.0, 12.0),
}
_BEDS = {
    "inpatient": "general_bed",
    "icu": "icu_bed",
    "rehab": "rehab_bed",
    "maternity": "birth_bed",
}


def generate(
    n_populations: int, n_facilities: int, *, seed: int = 0, whole_units: bool = False
) -> Scenario:
    """A synthetic region: towns and villages, hospitals, six services, five clauses.

    Facilities lie at a constant density, residents follow a Pareto law around them, and radii
    are such that a resident has some 10 to 20 facilities of each service within reach
    whatever the size of the region. Beds need staff; unmet demand is priced.

    Parameters
    ----------
    n_populations, n_facilities
        Size, each 1 or more.
    seed
        Of the random numbers; the same seed makes the same region.
    whole_units
        Whether the scenario asks for whole units.

    Returns
    -------
    Scenario

    Raises
    ------
    ValueError
        If a size is below 1.
    """
    if n_populations < 1 or n_facilities < 1:
        raise ValueError("a region has at least one population and one facility")
    draw = np.random.default_rng(seed)
    side_km = 12.0 * np.sqrt(n_facilities)
    facility_km = draw.uniform(0, side_km, (n_facilities, 2))
    near = facility_km[draw.integers(n_facilities, size=n_populations)]
    population_km = np.clip(near + draw.normal(0, 9.0, (n_populations, 2)), 0, side_km)
    tables = _services()
    residents = np.ceil(300 * (1 + draw.pareto(1.6, n_populations))).clip(max=60_000)
    return Scenario(
        settings=Settings(
            name=f"Synthetic region {n_populations} x {n_facilities}, seed {seed}",
            base_year=2025,
            target_year=2030,
            discount_rate=0.04,
            value_of_travel_cny_per_hour=15.0,
            travel=GreatCircle(detour_factor=1.3, speed_km_per_h={"urban": 30.0, "rural": 40.0}),
            solve=SolveSettings(whole_units=whole_units),
        ),
        facilities=_facilities(draw, facility_km, side_km),
        populations=_populations(draw, population_km, residents, side_km),
        resources=_resources(),
        stock=_stock(draw, n_facilities, float(residents.sum())),
        plan=_plan(),
        services=tables["services"],
        radii=tables["radii"],
        demand=tables["demand"],
        requirements=tables["requirements"],
    )


def _points(km: NDArray[np.float64], side_km: float) -> dict[str, NDArray[np.float64]]:
    centred = (km - side_km / 2) / KM_PER_DEGREE
    latitude = CENTRE[1] + centred[:, 1]
    return {
        "longitude": CENTRE[0] + centred[:, 0] / np.cos(np.radians(latitude)),
        "latitude": latitude,
    }


def _named(prefix: str, count: int) -> list[str]:
    width = len(str(count))
    return [f"{prefix}{k:0{width}d}" for k in range(1, count + 1)]


def _facilities(draw: np.random.Generator, km: NDArray[np.float64], side_km: float) -> pd.DataFrame:
    names = _named("f", len(km))
    social = draw.uniform(size=len(km)) < 0.25
    social[0] |= not social.any()  # the plan speaks of their share
    return pd.DataFrame(
        {
            "facility_id": names,
            "name": names,
            "category": "hospital",
            "ownership": np.where(social, "social", "public"),
            **_points(km, side_km),
            "source": SOURCE,
        }
    )


def _populations(
    draw: np.random.Generator,
    km: NDArray[np.float64],
    residents: NDArray[np.float64],
    side_km: float,
) -> pd.DataFrame:
    names = _named("p", len(km))
    urban = residents > np.quantile(residents, 0.7)
    return pd.DataFrame(
        {
            "population_id": names,
            "name": names,
            "area_class": np.where(urban, "urban", "rural"),
            "residents": residents,
            **_points(km, side_km),
            "source": SOURCE,
        }
    )


def _resources() -> pd.DataFrame:
    rows = [
        ("bed", "", "bed", 1.0, 0, 0, 0),
        ("general_bed", "bed", "bed", 0.85, 600_000, 60_000, 20_000),
        ("icu_bed", "bed", "bed", 0.75, 1_500_000, 250_000, 20_000),
        ("rehab_bed", "bed", "bed", 0.9, 400_000, 50_000, 20_000),
        ("birth_bed", "bed", "bed", 0.7, 700_000, 80_000, 20_000),
        ("staff", "", "staff", 1.0, 0, 0, 0),
        ("doctor", "staff", "staff", 0.9, 100_000, 150_000, 75_000),
        ("nurse", "staff", "staff", 0.9, 40_000, 100_000, 50_000),
    ]
    columns = [
        "resource_id", "parent_id", "kind", "availability", "capital_cost_cny",
        "operating_cost_cny", "retirement_cost_cny",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(name=table["resource_id"], source=SOURCE)


def _stock(draw: np.random.Generator, n_facilities: int, residents: float) -> pd.DataFrame:
    """Today's stock: some 90 % of what the region needs, unevenly spread."""
    size = 1 + draw.pareto(2.0, n_facilities)
    share = size / size.sum()
    per_resident = {
        "general_bed": 4.2e-3, "icu_bed": 0.8e-4, "rehab_bed": 3.3e-4, "birth_bed": 2.1e-4,
        "doctor": 2.2e-3, "nurse": 2.6e-3,
    }  # fmt: skip
    names = np.array(_named("f", n_facilities))
    parts = []
    for resource_id, rate in per_resident.items():
        offered = {bed: _SERVICES[s][4] for s, bed in _BEDS.items()}.get(resource_id, 1.0)
        holds = draw.uniform(size=n_facilities) < offered
        holds[0] = True
        noise = draw.uniform(0.5, 1.5, n_facilities)
        existing = np.round(0.9 * residents * rate * share * noise)[holds]
        parts.append(
            pd.DataFrame(
                {
                    "facility_id": names[holds],
                    "resource_id": resource_id,
                    "existing": existing,
                    "lower": np.floor(0.5 * existing),
                    "upper": 2 * existing + 10,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).assign(source=SOURCE)


def _services() -> dict[str, pd.DataFrame]:
    names = list(_SERVICES)
    settings, stays, rates, penalties, _, within = zip(*_SERVICES.values())
    services = pd.DataFrame(
        {
            "service_id": names, "name": names, "setting": settings, "stay_days": stays,
            "unmet_penalty_cny": penalties, "source": SOURCE,
        }
    )  # fmt: skip
    # one facility on 144 km2: a circle that holds so many of them, as the crow flies, by road
    radius = 1.3 * np.sqrt(np.array(within) * 144 / np.pi)
    classes = ["urban", "rural"]
    radii = pd.DataFrame(
        {
            "service_id": np.repeat(names, len(classes)),
            "area_class": np.tile(classes, len(names)),
            "radius": np.repeat(radius, len(classes)) * np.tile([0.9, 1.1], len(names)),
            "unit": "km",
            "source": SOURCE,
        }
    )
    demand = pd.DataFrame({"service_id": names, "rate_per_1000": rates, "source": SOURCE})
    needs = [(service, bed, 1.0, "per_patient") for service, bed in _BEDS.items()]
    needs += [(s, "doctor", 0.9 if s == "icu" else 0.25, "per_patient") for s in _BEDS]
    needs += [(s, "nurse", 3.0 if s == "icu" else 0.5, "per_patient") for s in _BEDS]
    needs += [
        (s, "doctor", n, "cases_per_unit") for s, n in (("outpatient", 5e3), ("primary", 7e3))
    ]
    requirements = pd.DataFrame(
        needs, columns=["service_id", "resource_id", "amount", "basis"]
    ).assign(source=SOURCE)
    return {"services": services, "radii": radii, "demand": demand, "requirements": requirements}


def _plan() -> Plan:
    quote = "synthetic"
    return Plan(
        [
            RatioToPopulation(
                id="beds", quote=quote, source=SOURCE, resource="bed",
                unit="per_1000_residents", at_least=4.6,
            ),
            RatioToPopulation(
                id="doctors", quote=quote, source=SOURCE, resource="doctor",
                unit="per_1000_residents", at_least=2.4,
            ),
            RatioBetweenResources(
                id="nurses", quote=quote, source=SOURCE, resource="nurse",
                per_resource="doctor", at_least=1.2,
            ),
            ResourceShare(
                id="social", quote=quote, source=SOURCE, resource="bed", of_resource="bed",
                part_scope={"ownership": "social"}, at_least=20,
            ),
            Amount(id="icu", quote=quote, source=SOURCE, resource="icu_bed", at_least=1),
        ]
    )  # fmt: skip
