"""Hospitals and counties of the United States: real geography, everything else assumed.

Places, beds, intensive-care beds and residents are those of CovidCareMap.org 2020 (MIT licence),
read from the folder that the environment variable HEALTHALLOC_DATA names. A county stands at the
mean of its hospitals. Rates, stays, staff, costs and clauses are those of the synthetic reference
problem or chosen here so that the problem is of some interest.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from healthalloc.generate import generate
from healthalloc.plan import Amount, Plan, RatioBetweenResources, RatioToPopulation, ResourceShare
from healthalloc.scenario import Scenario

SOURCE = "CovidCareMap.org 2020"
ASSUMED = "assumed: for scale on real geography only"
RADIUS_KM = {"urban": 60.0, "rural": 120.0}
URBAN_RESIDENTS = 100_000
RATES_PER_1000 = {"inpatient": 60.0, "icu": 8.0, "rehab": 1.0, "outpatient": 1_800.0}


def folder() -> Path | None:
    """The folder of the data, if it is here."""
    named = os.environ.get("HEALTHALLOC_DATA")
    found = Path(named, "us_hospitals") if named else None
    return found if found and (found / "facility.csv").exists() else None


def absent() -> str:
    """What is missing, or nothing."""
    return "" if folder() else "HEALTHALLOC_DATA names no folder that holds us_hospitals"


def us_hospitals() -> Scenario:
    """2,500 counties and 7,154 hospitals, four services, five clauses."""
    path = folder()
    if path is None:
        raise FileNotFoundError(absent())
    hospitals = pd.read_csv(path / "facility.csv")
    counties = pd.read_csv(path / "county.csv", dtype={"fips_code": str})
    base = generate(60, 14)
    services = list(RATES_PER_1000)
    facilities = pd.DataFrame(
        {
            "facility_id": "h" + hospitals["CCM_ID"].astype(str),
            "name": hospitals["Name"],
            "category": hospitals["Hospital Type"].str.lower(),
            "longitude": hospitals["Longitude"],
            "latitude": hospitals["Latitude"],
            "source": SOURCE,
        }
    )
    stock = _stock(hospitals, facilities)
    return base.replace(
        settings=replace(base.settings, name="Hospitals and counties of the United States"),
        facilities=facilities,
        populations=_populations(counties, hospitals),
        stock=stock,
        services=base.services[base.services["service_id"].isin(services)],
        radii=pd.DataFrame(
            [(s, c, km, "km", ASSUMED) for s in services for c, km in RADIUS_KM.items()],
            columns=["service_id", "area_class", "radius", "unit", "source"],
        ),
        demand=pd.DataFrame(
            {"service_id": services, "rate_per_1000": RATES_PER_1000.values(), "source": ASSUMED}
        ),
        requirements=base.requirements[base.requirements["service_id"].isin(services)],
        plan=_plan(stock),
    )


def _populations(counties: pd.DataFrame, hospitals: pd.DataFrame) -> pd.DataFrame:
    """Counties with residents and a hospital to stand at."""
    key = hospitals["State"] + " " + hospitals["County"].str.upper()
    middle = hospitals.groupby(key)[["Longitude", "Latitude"]].mean()
    place = middle.reindex(counties["State"] + " " + counties["County Name"].str.upper())
    residents = counties["Population"]
    table = pd.DataFrame(
        {
            "population_id": "c" + counties["fips_code"],
            "name": counties["County Name"] + ", " + counties["State"],
            "area_class": np.where(residents >= URBAN_RESIDENTS, "urban", "rural"),
            "residents": residents,
            "longitude": place["Longitude"].to_numpy(),
            "latitude": place["Latitude"].to_numpy(),
            "source": f"{SOURCE}; the place is the mean of the county's hospitals",
        }
    )
    there = table["longitude"].notna() & (table["residents"] > 0)
    return table[there].drop_duplicates("population_id", ignore_index=True)


def _stock(hospitals: pd.DataFrame, facilities: pd.DataFrame) -> pd.DataFrame:
    """Staffed beds, or else licensed ones; staff as assumed for each bed."""
    licensed = hospitals["Licensed All Beds"].fillna(0)
    beds = hospitals["Staffed All Beds"].fillna(licensed).clip(lower=0).round()
    icu = np.minimum(hospitals["Staffed ICU Beds"].fillna(0).round(), beds)
    is_rehab = hospitals["Hospital Type"] == "REHABILITATION"
    rehab = (beds - icu).where(is_rehab, (0.05 * (beds - icu)).round())
    held = {
        "general_bed": (beds - icu - rehab, SOURCE),
        "icu_bed": (icu, SOURCE),
        "rehab_bed": (rehab, ASSUMED),
        "doctor": ((0.5 * beds).round(), ASSUMED),
        "nurse": ((1.0 * beds).round(), ASSUMED),
    }
    parts = [
        pd.DataFrame(
            {
                "facility_id": facilities["facility_id"],
                "resource_id": resource_id,
                "existing": existing,
                "lower": np.floor(0.5 * existing),
                "upper": 2 * existing + 10,
                "source": source,
            }
        )
        for resource_id, (existing, source) in held.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _plan(stock: pd.DataFrame) -> Plan:
    quote = "chosen for scale"
    icu = stock.loc[stock["resource_id"] == "icu_bed", "existing"].sum()
    return Plan(
        [
            RatioToPopulation(
                id="beds", quote=quote, source=ASSUMED, resource="bed",
                unit="per_1000_residents", at_least=2.8,
            ),
            RatioToPopulation(
                id="doctors", quote=quote, source=ASSUMED, resource="doctor",
                unit="per_1000_residents", at_least=1.4,
            ),
            RatioBetweenResources(
                id="nurses", quote=quote, source=ASSUMED, resource="nurse",
                per_resource="doctor", at_least=2.1,
            ),
            ResourceShare(
                id="critical", quote=quote, source=ASSUMED, resource="bed", of_resource="bed",
                part_scope={"category": "critical access"}, at_least=3,
            ),
            Amount(
                id="icu", quote=quote, source=ASSUMED, resource="icu_bed", at_least=1.05 * icu
            ),
        ]
    )  # fmt: skip
