"""Every model from a matrix, a table, a graph and a scenario, with forced sites."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from healthalloc.siting import (
    Costs,
    Siting,
    backup_coverage,
    capacitated_facility_location,
    capacitated_p_median,
    from_graph,
    from_matrix,
    from_scenario,
    from_table,
    lscp,
    mclp,
    p_center,
    p_median,
)
from healthalloc.solvers import Status
from tests.region import region

ROADS = [("a", "b", 4.0), ("b", "c", 1.0), ("c", "d", 2.0), ("a", "d", 9.0), ("d", "e", 3.0)]
WEIGHT = {"a": 3.0, "b": 1.0, "c": 5.0, "d": 2.0, "e": 4.0}
CANDIDATES = ["b", "c", "d", "e"]

MODELS = {
    "lscp": lambda costs, reach: lscp(costs, reach),
    "mclp": lambda costs, reach: mclp(costs, 2, reach),
    "backup": lambda costs, reach: backup_coverage(costs, 2, reach),
    "p_median": lambda costs, reach: p_median(costs, 2),
    "p_center": lambda costs, reach: p_center(costs, 2),
    "location": lambda costs, reach: capacitated_facility_location(
        costs, 0.8 * costs.weight.sum(), 1.0
    ),
    "location, single source": lambda costs, reach: capacitated_facility_location(
        costs, 0.8 * costs.weight.sum(), 1.0, single_source=True
    ),
    "capacitated p_median": lambda costs, reach: capacitated_p_median(
        costs, 2, 0.8 * costs.weight.sum()
    ),
    "capacitated p_median, split": lambda costs, reach: capacitated_p_median(
        costs, 2, 0.8 * costs.weight.sum(), single_source=False
    ),
}


def ways(forced: list[str]) -> list[Costs]:
    graph = nx.Graph()
    graph.add_weighted_edges_from(ROADS)
    length = dict(nx.all_pairs_dijkstra_path_length(graph))
    dense = np.array([[length[i][j] for j in CANDIDATES] for i in WEIGHT])
    rows = [(i, j, length[i][j]) for i in WEIGHT for j in CANDIDATES]
    table = pd.DataFrame(rows, columns=["demand_id", "candidate_id", "cost"])
    at = [CANDIDATES.index(name) for name in forced]
    weight = list(WEIGHT.values())
    return [
        from_matrix(dense, weight, at, demand_ids=list(WEIGHT), candidate_ids=CANDIDATES),
        from_table(table, WEIGHT, candidates=CANDIDATES, forced=forced),
        from_graph(graph, WEIGHT, candidates=CANDIDATES, forced=forced),
    ]


def proved(answer: Siting) -> float:
    assert answer.status is Status.OPTIMAL
    assert answer.checks is not None
    assert answer.checks.passes
    return answer.objective


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("forced", [[], ["e"], ["d", "e"]])
def test_matrix_table_and_graph_agree(model, forced):
    answers = [MODELS[model](costs, 7.0) for costs in ways(forced)]
    first = proved(answers[0])
    for answer in answers:
        assert proved(answer) == pytest.approx(first, rel=1e-12)
        assert set(forced) <= set(answer.site_ids) <= set(CANDIDATES)


@pytest.mark.parametrize("model", MODELS)
def test_existing_sites_of_a_scenario_stay(model):
    scenario = region()
    stays = set(scenario.facilities.loc[scenario.facilities["site"] == "existing", "facility_id"])
    kept = MODELS[model](from_scenario(scenario), 60.0)
    free = MODELS[model](from_scenario(scenario, keep_existing=False), 60.0)
    proved(kept)
    proved(free)
    assert stays
    assert stays <= set(kept.site_ids)
    better = kept.objective - free.objective
    assert (better <= 1e-9) if model in ("mclp", "backup") else (better >= -1e-9)
