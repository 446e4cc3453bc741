"""The page: sections made from solutions, put into the templates, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from healthalloc import __version__
from healthalloc.auditing import EXISTING, audit
from healthalloc.errors import UnsupportedError
from healthalloc.explain.conflicts import Conflicts
from healthalloc.explain.repairs import Repairs
from healthalloc.labels import Language, Words, number
from healthalloc.plotting import people
from healthalloc.plotting.palette import AFTER, BEFORE
from healthalloc.progress import phase
from healthalloc.report import charts, headline, sheets
from healthalloc.report.map import flow_note, region_map
from healthalloc.report.mending import conflict_lists, repair_lists
from healthalloc.report.pair import asked_services, pair_content
from healthalloc.solution import Solution

if TYPE_CHECKING:
    from healthalloc.comparing import Comparison


@phase("report")
def solution_report(
    solution: Solution,
    *,
    language: Language = "en",
    strategies: Comparison | None = None,
    conflicts: Conflicts | None = None,
    mended: Repairs | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """The report on one solution.

    Parameters
    ----------
    solution
        Of any status; without an allocation the report shows today's stock, and the conflicts.
    language
    strategies
        Strategies to show side by side.
    conflicts, mended
        Of an infeasible plan.
    run
        Further facts of the run, as ``io.run_facts`` makes them.

    Returns
    -------
    str
        One HTML page, with all its styles and scripts.

    Raises
    ------
    UnsupportedError
        If Bokeh or Jinja is not installed.
    """
    words = Words(language)
    require_libraries()
    figures: dict[str, Any] = {}
    content: dict[str, Any] = {
        "name": sheets.clip(solution.scenario.settings.name, 200),
        "years": _years(solution),
        "status": words(f"status.{solution.status.value}"),
        "tone": "good" if solution.status.value == "optimal" else "bad",
        "solved": solution.status.has_solution,
        "assumptions": sheets.assumption_sheet(solution, words),
        "n_assumptions": len(solution.assumptions),
        "proof": _proof(solution, words, run or {}),
        "conflicts": conflict_lists(solution, conflicts, words),
        "repairs": repair_lists(solution, mended, words),
        "allocation": sheets.allocation_sheet(solution, words),
        "services": asked_services(solution),
        "flow_note": flow_note(solution, words),
    }
    changes = None
    if solution.status.has_solution:
        changes = people.since_today(solution)
        clauses = solution.clauses
        content |= {
            "tiles": headline.tiles(solution, words, changes),
            "dearest": headline.dearest(clauses, words),
            "price_basis": _basis(solution, words),
            "cost": sheets.cost_sheet(solution, words),
            "demand": sheets.demand_sheet(solution, words),
        }
        figures |= _solution_charts(solution, words)
    else:
        found = audit(solution.scenario).clauses
        clauses = found[found["allocation"] == EXISTING].reset_index(drop=True)
    content["failing"] = headline.failing(clauses, words)
    content["clauses"] = sheets.clause_sheet(clauses, words)
    if strategies is not None:
        content["strategies"] = sheets.strategy_sheet(strategies.table, words)
        figures["strategies"] = charts.strategy_chart(strategies.table, words)
    content["compared"] = changes is not None
    figures["map"] = region_map(solution, words, changes)
    return _rendered("report.html", words, content, figures)


@phase("report")
def pair_report(
    solutions: Sequence[Solution], names: Sequence[str], *, language: Language = "en"
) -> str:
    """The report on two solutions side by side: what differs, for whom.

    Parameters
    ----------
    solutions
        Two, with an allocation or without.
    names
        What to call them, different.
    language

    Raises
    ------
    UnsupportedError
        If Bokeh or Jinja is not installed.
    """
    words = Words(language)
    require_libraries()
    content, figures = pair_content(solutions, names, words)
    return _rendered("pair.html", words, content, figures)


def require_libraries() -> None:
    """Check that Bokeh and Jinja are there.

    Raises
    ------
    UnsupportedError
        If one is not installed.
    """
    try:
        import bokeh
        import jinja2  # noqa: F401
    except ImportError:
        raise UnsupportedError(
            "a report needs Bokeh and Jinja: install them with pip install 'healthalloc[report]'"
        ) from None
    del bokeh


def _basis(solution: Solution, words: Words) -> str:
    return "" if solution.prices is None else words.known("price_basis", solution.prices.basis)


def _years(solution: Solution) -> str:
    settings = solution.scenario.settings
    return f"{settings.base_year} → {settings.target_year}"


def _solution_charts(solution: Solution, words: Words) -> dict[str, Any]:
    scenario = solution.scenario
    wanted = set(scenario.demand["service_id"])
    asked = [s for s in scenario.services["service_id"] if s in wanted]
    before, after = words("plot.before"), words("plot.after")
    return {
        "beds": charts.held_chart(solution, "bed", words),
        "staff": charts.held_chart(solution, "staff", words),
        "cost": charts.cost_chart({"": solution}, words),
        "travel": charts.travel_chart(
            [(before, scenario, "dotted"), (after, solution, "solid")], asked, words
        ),
        "lorenz": charts.lorenz_chart(
            [(before, scenario, BEFORE), (after, solution, AFTER)], words
        ),
    }


def _proof(solution: Solution, words: Words, run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the answer rests on: label and value."""
    facts = [
        (words("report.status"), words(f"status.{solution.status.value}")),
        (words("report.solver"), solution.result.solver),
    ]
    proof = solution.certificate
    if proof is not None:
        gap = solution.scenario.settings.solve.gap
        passed = words("report.yes" if proof.passes(gap) else "report.no")
        facts += [
            (words("report.objective"), f"{proof.objective:,.2f}"),
            (words("report.bound"), f"{proof.bound:,.2f}"),
            (words("report.bound_source"), words(f"bound_source.{proof.bound_source}")),
            (words("report.gap"), f"{proof.gap:.2g}"),
            (words("report.residuals_pass"), passed),
        ]
        for name in ("primal", "integrality", "dual", "complementarity"):
            facts.append((words(f"report.{name}"), _residual(getattr(proof, name))))
    program = solution.run()["program"]
    size = words("report.program_size", rows=number(program["rows"]),
                 columns=number(program["columns"]))  # fmt: skip
    facts.append((words("report.program"), size))
    for key in ("input_sha256", "written_at"):
        if key in run:
            facts.append((words(f"report.{key}"), str(run[key])))
    facts.append(("healthalloc", __version__))
    return facts


def _residual(value: float) -> str:
    return "–" if value != value else f"{value:.2g}"


def _rendered(
    template: str, words: Words, content: Mapping[str, Any], figures: Mapping[str, Any]
) -> str:
    from bokeh.resources import INLINE
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("healthalloc.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    loader = environment.loader
    assert loader is not None
    read = {name: loader.get_source(environment, name)[0] for name in ("style.css", "report.js")}
    shown = {name: figure for name, figure in figures.items() if figure is not None}
    page: str = environment.get_template(template).render(
        t=words, language=words.language, figures=list(shown), version=__version__,
        bokeh_js=Markup(_script_safe(INLINE.js_raw[0])), data=Markup(_json(shown)),
        style=Markup(read["style.css"]), script=Markup(read["report.js"]), **content,
    )  # fmt: skip
    return page


def _json(figures: Mapping[str, Any]) -> str:
    """The figures as JSON that no HTML parser can leave."""
    from bokeh.embed import json_item

    text = json.dumps({name: json_item(figure) for name, figure in figures.items()})
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _script_safe(text: str) -> str:
    """A script that does not close its own element."""
    return text.replace("</script", "<\\/script")
