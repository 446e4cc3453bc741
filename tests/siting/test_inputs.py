"""What the models refuse, and the ways in."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from healthalloc import DataError, NoSolutionError
from healthalloc.siting import (
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

COST = np.array([[0.0, 5.0, 9.0], [4.0, 0.0, 3.0], [8.0, 2.0, 0.0], [7.0, 6.0, 1.0]])


def test_a_bad_matrix_is_refused_with_every_fault():
    cost = COST.copy()
    cost[1, 2], cost[3, 0] = np.nan, -1.0
    with pytest.raises(DataError) as error:
        from_matrix(cost, weight=[1, -2, np.nan, 4], forced=[7])
    places = {(p.table, p.row, p.column) for p in error.value.problems}
    assert places == {
        ("cost", 2, "3"), ("cost", 4, "1"), ("weight", 2, ""), ("weight", 3, ""),
        ("forced", None, ""),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "options", "message"),
    [
        (np.zeros(4), {}, "1 dimension"),
        ([[1.0, 2.0], [3.0]], {}, "rows differ in length"),
        ([["near", "far"]], {}, "no number"),
        (COST, {"weight": ["many"] * 4}, "weight"),
        (COST, {"weight": np.ones((4, 2))}, "has shape"),
        (COST, {"forced": [True, False, False]}, "np.flatnonzero"),
        (COST, {"forced": [1.5]}, "positions"),
        (np.zeros((0, 3)), {}, "no demand point"),
        (np.zeros((3, 0)), {}, "no candidate"),
        (COST, {"weight": [1, 2]}, "has shape"),
        (COST, {"weight": [1, 2, 3, np.inf]}, "infinite"),
        (COST, {"candidate_ids": ["a", "b"]}, "2 names for 3"),
        (COST, {"demand_ids": list("abca")}, "more than once"),
    ],
)
def test_a_wrong_shape_is_refused(cost, options, message):
    with pytest.raises(DataError, match=message):
        from_matrix(cost, **options)


@pytest.mark.parametrize(
    ("p", "forced", "message"),
    [(4, (), "more than the 3"), (0, (), "below 1"), (1, (0, 1), "2 forced"), (1.5, (), "whole")],
)
@pytest.mark.parametrize(
    "model",
    [
        p_median,
        p_center,
        lambda c, p: mclp(c, p, 1.0),
        lambda c, p: backup_coverage(c, p, 1.0),
        lambda c, p: capacitated_p_median(c, p, 9.0),
    ],
)
def test_a_number_of_sites_that_cannot_be_is_refused(model, p, forced, message):
    with pytest.raises(DataError, match=message):
        model(from_matrix(COST, forced=forced), p)


def test_a_radius_that_cannot_be_is_refused():
    for radius in (-1.0, np.nan):
        for model in (lscp, lambda c, r: mclp(c, 1, r), lambda c, r: backup_coverage(c, 1, r)):
            with pytest.raises(DataError, match="radius"):
                model(from_matrix(COST), radius)


def test_lscp_says_who_is_out_of_reach():
    answer = lscp(from_matrix(COST[:, :1], demand_ids=["a", "b", "c", "d"]), 5.0)
    assert answer.status is Status.INFEASIBLE
    assert "'c', 'd'" in answer.reason
    with pytest.raises(NoSolutionError, match="'c', 'd'"):
        answer.require_optimal()


def test_a_demand_point_without_a_candidate_is_named():
    cost = COST.copy()
    cost[2] = np.inf
    for answer in (
        p_median(from_matrix(cost), 2),
        p_center(from_matrix(cost), 2),
        capacitated_facility_location(from_matrix(cost), 9.0, 1.0),
        capacitated_facility_location(from_matrix(cost), 9.0, 1.0, single_source=True),
        capacitated_p_median(from_matrix(cost), 2, 9.0),
    ):
        assert answer.status is Status.INFEASIBLE
        assert answer.reason.startswith("no candidate can reach 2")
        assert len(answer.sites) == 0


def test_capacities_that_cannot_hold_demand_are_an_infeasible_status():
    costs = from_matrix(COST, weight=[4, 4, 4, 4])
    short = capacitated_facility_location(costs, [4, 4, 4], 1.0)
    assert short.status is Status.INFEASIBLE
    assert "16" in short.reason
    assert "12" in short.reason
    assert "2 sites" in capacitated_p_median(costs, 2, 7.0).reason
    large = capacitated_facility_location(
        from_matrix(COST, weight=[9, 1, 1, 1]), [8, 8, 8], 1.0, single_source=True
    )
    assert large.status is Status.INFEASIBLE
    assert "larger than every capacity within reach: 0" in large.reason
    bins = capacitated_facility_location(
        from_matrix(np.ones((3, 2)), weight=[2, 2, 2]), 3.0, 0.0, single_source=True
    )
    assert bins.status is Status.INFEASIBLE
    assert "no assignment" in bins.reason


def test_bad_capacities_are_refused_together():
    with pytest.raises(DataError) as error:
        capacitated_facility_location(
            from_matrix(COST), [1, -2, 3], [np.nan, 0, 0], demand=[1, 2, 3]
        )
    assert {p.table for p in error.value.problems} == {"capacity", "site_cost", "demand"}
    with pytest.raises(DataError, match="capacity"):
        capacitated_p_median(from_matrix(COST), 2, [[1.0], [2.0, 3.0]])


def test_a_sparse_matrix_with_a_bad_number_is_refused():
    for value, message in ((np.nan, "not a number"), (-1.0, "negative")):
        with pytest.raises(DataError, match=message):
            from_matrix(csr_array(np.array([[1.0, value], [2.0, 3.0]])))


def test_whole_demand_larger_than_every_capacity_is_named():
    costs = from_matrix(COST, weight=[9, 1, 1, 1], demand_ids=["town", "x", "y", "z"])
    for answer in (
        capacitated_facility_location(costs, 8.0, 1.0, single_source=True),
        capacitated_p_median(costs, 2, 8.0),
    ):
        assert answer.status is Status.INFEASIBLE
        assert "larger than every capacity within reach: 'town'" in answer.reason
    assert capacitated_p_median(costs, 2, 8.0, single_source=False).status is Status.OPTIMAL


def test_dense_sparse_table_and_graph_say_the_same():
    graph = nx.Graph()
    graph.add_weighted_edges_from(
        [("a", "b", 4.0), ("b", "c", 1.0), ("c", "d", 0.0), ("a", "d", 9.0)]
    )
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph))
    nodes = list(graph)
    dense = np.array([[lengths[i][j] for j in nodes] for i in nodes])
    weight = dict(zip(nodes, [3.0, 1.0, 5.0, 2.0]))
    rows = [(i, j, lengths[i][j]) for i in nodes for j in nodes]
    table = pd.DataFrame(rows, columns=["demand_id", "candidate_id", "cost"])
    row, column = np.divmod(np.arange(16), 4)
    stored = csr_array((dense.ravel(), column, np.arange(0, 17, 4)), shape=(4, 4))
    del row
    ways = [
        from_matrix(dense, list(weight.values()), demand_ids=nodes, candidate_ids=nodes),
        from_matrix(stored, list(weight.values()), demand_ids=nodes, candidate_ids=nodes),
        from_table(table, weight),
        from_graph(graph, weight),
    ]
    for costs in ways:
        assert np.array_equal(costs.cost.toarray(), dense)
        assert costs.cost.nnz == 16
        answer = p_median(costs, 1)
        assert answer.objective == min(dense.T @ list(weight.values()))
        assert answer.table()["cost"].dot(answer.table()["weight"]) == answer.objective


def test_a_graph_follows_its_directions_and_its_limit():
    graph = nx.MultiDiGraph()
    graph.add_edge("x", "y", km=5.0)
    graph.add_edge("x", "y", km=2.0)
    graph.add_edge("y", "z", km=2.0)
    costs = from_graph(graph, {"x": 1.0}, length="km", candidates=["y", "z"], forced=["z"])
    assert costs.cost.toarray().tolist() == [[2.0, 4.0]]
    assert costs.forced.tolist() == [1]
    near = from_graph(graph, length="km", candidates=["y", "z"], limit=3.0)
    assert near.cost.nnz == 4
    with pytest.raises(DataError, match="km is not 0 or more"):
        from_graph(nx.path_graph(3), length="km")
    with pytest.raises(DataError, match="not known"):
        from_graph(graph, length="km", candidates=["w"])


def test_a_table_is_refused_with_every_fault():
    table = pd.DataFrame(
        {"demand_id": ["a", "a", "b"], "candidate_id": ["s", "s", "t"], "cost": [1.0, 2.0, 3.0]}
    )
    with pytest.raises(DataError) as error:
        from_table(table, {"a": 1.0}, forced=["u"])
    text = str(error.value)
    assert "repeats a pair" in text
    assert "'b'" in text
    assert "'u'" in text
    with pytest.raises(DataError, match="missing"):
        from_table(table, {"a": 1.0}, cost="minutes")


def test_a_scenario_gives_its_own_travel():
    scenario = region()
    costs = from_scenario(scenario, unit="km", limit=25.0)
    assert list(costs.demand_ids) == ["town", "village", "hamlet"]
    assert costs.cost.toarray().round(6).tolist() == [
        [0.0, 10.0, 0.0, 0.0], [0.0, 20.0, 0.0, 20.0], [0.0, 0.0, 20.0, 0.0],
    ]  # fmt: skip
    assert costs.forced.tolist() == [0, 1]
    assert p_median(from_scenario(scenario), 3).site_ids == ["city", "private", "clinic"]
