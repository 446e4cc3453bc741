"""The certificate passes what is proved and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from healthalloc import Certificate, LinearProgram, Status, certify
from healthalloc.solvers import Result, SolverOptions, solve_highs
from tests.solvers.programs import INF, knapsack, program, two_columns

NAN = float("nan")


def answer(
    x: list[float] | np.ndarray,
    row_dual: list[float] | np.ndarray | None = None,
    bound: float | None = None,
) -> Result:
    return Result(
        status=Status.OPTIMAL,
        solver="by hand",
        seconds=0.0,
        x=np.array(x, dtype=float),
        row_dual=None if row_dual is None else np.array(row_dual, dtype=float),
        bound=bound,
    )


def by_highs(lp: LinearProgram) -> Result:
    result = solve_highs(lp, SolverOptions(gap=0.0))
    assert result.status is Status.OPTIMAL
    return result


# --- the program solved by hand


@pytest.mark.parametrize("y", [[2.5, -0.5], [3.0, 0.0], [2.75, -0.25]])
def test_every_optimal_dual_of_the_program_by_hand_passes(y):
    # three limits meet in the point (3, 1): with y2 = 0 it is the upper bound of a that is priced
    certificate = certify(two_columns(), answer([3, 1], y))
    assert certificate == Certificate(
        primal=0.0, integrality=0.0, dual=0.0, complementarity=0.0, gap=0.0, gap_of_terms=0.0,
        objective=19.0, bound=19.0, bound_source="dual",
    )  # fmt: skip
    assert certificate.passes()
    assert certificate.passes(0.0)


@pytest.mark.parametrize(
    ("x", "y", "broken"),
    [
        ([3.0, 0.5], [2.5, -0.5], "primal"),  # a + b >= 4
        ([3.5, 1.5], [2.5, -0.5], "primal"),  # a <= 3
        ([4.0, -1.0], [2.5, -0.5], "primal"),  # b >= 0
        ([2.0, 2.0], [2.5, -0.5], "gap"),  # feasible, but dearer
        ([2.0, 2.0], [2.5, -0.5], "complementarity"),  # a - b <= 2 is priced and not active
        ([3.0, 1.0], [2.0, -0.5], "gap"),
        ([3.0, 1.0], [2.0, 0.0], "gap"),  # a dual solution, but not the best
        ([3.0, 1.0], [2.0, 0.0], "complementarity"),  # b = 1 has a reduced cost of 1
        ([3.0, 1.0], [4.0, 0.0], "dual"),  # b would rather be infinite
        ([3.0, 1.0], [-2.5, -0.5], "dual"),  # a + b has no upper limit to earn
        ([3.0, 1.0], [2.5, 0.5], "dual"),  # a - b has no lower limit to earn
        ([3.0, 1.0], [0.0, 0.0], "gap"),
    ],
)
def test_a_wrong_answer_to_the_program_by_hand_fails(x, y, broken):
    certificate = certify(two_columns(), answer(x, y))
    assert not certificate.passes()
    assert getattr(certificate, broken) > 1e-3


def test_residuals_of_the_program_by_hand():
    # (3, 0.5) breaks a + b >= 4 by 0.5, where |a| + |b| + 1 = 4.5
    certificate = certify(two_columns(), answer([3.0, 0.5], [2.5, -0.5]))
    assert certificate.primal == pytest.approx(0.5 / 4.5, rel=1e-15)
    assert certificate.objective == pytest.approx(17.5, rel=1e-15)
    # with y = (2, 0): reduced costs 0 and 1, bound 2 * 4 + 10 = 18; b = 1 costs 1 of 19
    certificate = certify(two_columns(), answer([3.0, 1.0], [2.0, 0.0]))
    assert certificate.bound == 18.0
    assert certificate.gap == pytest.approx(1 / 19, rel=1e-15)
    assert certificate.complementarity == pytest.approx(1 / 19, rel=1e-15)
    # with y = (4, 0): reduced costs -2 (earns a <= 3) and -1, which no upper bound of b earns;
    # its size is 1 + 3 + 4
    certificate = certify(two_columns(), answer([3.0, 1.0], [4.0, 0.0]))
    assert certificate.dual == pytest.approx(1 / 8, rel=1e-15)


# --- answers of a solver, then spoilt


def random_program(seed: int, integer: bool = False) -> LinearProgram:
    """Feasible (at ``inside``) and bounded; some rows free, ranged, or equations."""
    random = np.random.default_rng(seed)
    n, m = 6, 8
    matrix = random.integers(-3, 4, size=(m, n)).astype(float)
    inside = random.integers(0, 4, size=n).astype(float)
    activity = matrix @ inside
    low = np.where(random.random(m) < 0.6, activity - random.integers(0, 3, m), -INF)
    high = np.where(random.random(m) < 0.6, activity + random.integers(0, 3, m), INF)
    return program(
        random.normal(size=n).tolist(),
        list(zip(low, matrix, high)),
        upper=np.full(n, 6.0),
        integer=[integer] * n,
        offset=100.0,
    )


@pytest.mark.parametrize("seed", range(8))
def test_an_optimum_passes_and_a_spoilt_one_fails(seed):
    lp = random_program(seed)
    result = by_highs(lp)
    good = certify(lp, result)
    assert good.passes()
    assert max(good.primal, good.dual, good.complementarity, good.gap) <= 1e-9
    for k in range(lp.n_columns):
        for step in (-0.01, 0.01):
            x = result.x.copy()
            x[k] += step
            # costs have no zeros, so a moved point is dearer, cheaper or infeasible, never as good
            assert not certify(lp, replace(result, x=x)).passes()
    for k in np.flatnonzero(np.abs(result.row_dual) > 1e-6):
        for spoilt in (-result.row_dual[k], result.row_dual[k] + 0.01, 0.0):
            y = result.row_dual.copy()
            y[k] = spoilt
            assert not certify(lp, replace(result, row_dual=y)).passes()


@pytest.mark.parametrize("seed", range(4))
def test_a_price_on_a_row_with_slack_fails(seed):
    lp = random_program(seed)
    result = by_highs(lp)
    activity = lp.matrix @ result.x
    slack = np.minimum(activity - lp.row_lower, lp.row_upper - activity) > 1e-6
    assert slack.any()
    for k in np.flatnonzero(slack):
        for price in (-0.1, 0.1):
            y = result.row_dual.copy()
            y[k] = price
            assert not certify(lp, replace(result, row_dual=y)).passes()


@pytest.mark.parametrize("where", ["x", "row_dual"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_that_is_no_number_fails(where, value):
    result = answer([3.0, 1.0], [2.5, -0.5])
    spoilt = getattr(result, where).copy()
    spoilt[0] = value
    assert not certify(two_columns(), replace(result, **{where: spoilt})).passes()


def test_no_point_is_no_answer():
    empty = Result(status=Status.INFEASIBLE, solver="by hand", seconds=0.0)
    with pytest.raises(ValueError, match="no point"):
        certify(two_columns(), empty)


# --- odd shapes


def test_degenerate_program():
    # min -a - b with a <= 1, b <= 1, a + b <= 2 (twice) and a - b = 0: five limits meet in (1, 1)
    rows = [(-INF, [1, 1], 2), (-INF, [1, 1], 2), (0, [1, -1], 0)]
    lp = program([-1, -1], rows, upper=[1, 1])
    assert certify(lp, by_highs(lp)).passes()
    for y in ([-1, 0, 0], [0, -1, 0], [-0.5, -0.5, 0], [0, 0, 0], [0, 0, 0.7]):
        certificate = certify(lp, answer([1, 1], y))
        assert certificate.passes(0.0), y
        assert certificate.bound == pytest.approx(-2.0, rel=1e-15)
    assert not certify(lp, answer([1, 1], [-1, -1, 0])).passes()  # earns 4, pays 2: bound -2 lost


def test_a_free_row_holds_nothing_and_earns_nothing():
    lp = program([1.0], [(-INF, [1.0], INF), (2.0, [1.0], INF)])
    assert certify(lp, answer([2.0], [0.0, 1.0])).passes(0.0)
    for y in ([0.5, 0.5], [-0.5, 1.5]):
        certificate = certify(lp, answer([2.0], y))
        assert certificate.dual > 0.1
        assert not certificate.passes()
    assert certify(lp, by_highs(lp)).passes()


def test_a_free_column_must_have_no_reduced_cost():
    # min a with a free and a - b = 1, b in [2, 5]: a = 3, y = 1
    lp = program([1.0, 0.0], [(1.0, [1.0, -1.0], 1.0)], lower=[-INF, 2.0], upper=[INF, 5.0])
    good = certify(lp, answer([3.0, 2.0], [1.0]))
    assert good.passes(0.0)
    assert good.bound == 3.0
    assert certify(lp, answer([3.0, 2.0], [0.5])).dual > 0.1
    assert certify(lp, by_highs(lp)).passes()


def test_upper_bounds_earn_negative_reduced_costs():
    # min -a + b with a <= 7, b >= -4 and no rows
    lp = program([-1.0, 1.0], lower=[0.0, -4.0], upper=[7.0, INF])
    certificate = certify(lp, answer([7.0, -4.0], []))
    assert certificate.passes(0.0)
    assert certificate.objective == certificate.bound == -11.0
    assert not certify(lp, answer([6.0, -4.0], [])).passes()
    assert certify(lp, by_highs(lp)).passes()


def test_no_columns_and_no_rows():
    lp = program([], offset=5.0)
    certificate = certify(lp, answer([], []))
    assert certificate.passes(0.0)
    assert certificate.objective == certificate.bound == 5.0


def test_an_empty_row_is_held_to_its_limits():
    fine = program([1.0], [(-1.0, [0.0], 1.0)])
    assert certify(fine, answer([0.0], [0.0])).passes(0.0)
    broken = program([1.0], [(1.0, [0.0], INF)])
    certificate = certify(broken, answer([0.0], [0.0]))
    assert certificate.primal == 1.0
    assert not certificate.passes()


def test_residuals_are_relative_to_what_is_added_up():
    # 1e6 + 1e6 = 2e6 misses its limit by 1, a half millionth; 1 + 1 = 2 by the same share more
    big = program([0.0, 0.0], [(2e6 + 1.0, [1.0, 1.0], INF)])
    assert certify(big, answer([1e6, 1e6], [0.0])).passes()
    small = program([0.0, 0.0], [(3.0, [1.0, 1.0], INF)])
    assert not certify(small, answer([1.0, 1.0], [0.0])).passes()


def test_gap_of_an_objective_that_is_a_small_difference():
    """A cost of 1, left of 1e6 less 999,999: an error of 1e-10 in the terms is no gap."""
    lp = program([-999_999.0], [(-INF, [1.0], 1.0)], offset=1e6)
    x = 1.0 - 1e-11
    assert certify(lp, answer([x], [-999_999.0])).passes()


# --- whole columns


def test_mixed_integer_optimum_passes():
    lp = knapsack()
    result = by_highs(lp)
    certificate = certify(lp, result)
    assert certificate.objective == pytest.approx(-9.0, abs=1e-9)
    assert certificate.bound_source == "solver"
    assert np.isnan(certificate.dual)
    assert np.isnan(certificate.complementarity)
    assert certificate.passes(0.0)


def test_a_fraction_in_a_whole_column_fails():
    lp = knapsack()
    relaxed = certify(lp, answer([1, 2 / 3, 1], bound=-8 - 8 / 3))
    assert relaxed.integrality == pytest.approx(1 / 3, rel=1e-12)
    assert relaxed.gap <= 1e-12
    assert not relaxed.passes()
    assert certify(lp.relaxed(), answer([1, 2 / 3, 1], bound=-8 - 8 / 3)).integrality == 0.0
    assert certify(lp, answer([1 - 1e-9, 1, 0], bound=-9.0)).passes()
    assert not certify(lp, answer([1 - 1e-4, 1, 0], bound=-9.0)).passes(1e-2)


def test_gap_of_a_mixed_integer_answer():
    # a and c cost -8, the bound says -9: a gap of 1/8
    certificate = certify(knapsack(), answer([1, 0, 1], bound=-9.0))
    assert certificate.gap == pytest.approx(1 / 8, rel=1e-15)
    assert not certificate.passes()
    assert not certificate.passes(0.12)
    assert certificate.passes(0.13)


def test_a_bound_above_the_objective_fails():
    # whoever claims that nothing is cheaper than -8.5 has not seen the answer that costs -9
    certificate = certify(knapsack(), answer([1, 1, 0], bound=-8.5))
    assert not certificate.passes()
    assert not certificate.passes(1e-4)


def test_a_bound_above_the_objective_by_rounding_passes():
    assert certify(knapsack(), answer([1, 1, 0], bound=-9.0 + 1e-9)).passes()


def test_without_a_bound_nothing_is_proved():
    certificate = certify(knapsack(), answer([1, 1, 0]))
    assert certificate.bound == -INF
    assert certificate.bound_source == "none"
    assert not certificate.passes(1e6)


def test_bound_of_the_relaxation_stands_in_for_one_untold():
    certificate = certify(knapsack(), answer([1, 1, 0]), -8 - 8 / 3)
    assert certificate.bound_source == "relaxation"
    assert certificate.gap == pytest.approx((8 / 3 - 1) / 9, rel=1e-12)
    told = certify(knapsack(), answer([1, 1, 0], bound=-9.0), -8 - 8 / 3)
    assert told.bound_source == "solver"
    assert told.gap == 0.0
