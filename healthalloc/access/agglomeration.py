"""Health resource agglomeration: resources against land and people, as Chinese planners do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from healthalloc.access.inputs import Floats, value_problems, vector
from healthalloc.errors import Problem
from healthalloc.travel.common import refuse


class Agglomeration(NamedTuple):
    """Degrees of agglomeration by area, each of shape (n_areas,).

    Parameters
    ----------
    hrad
        Share of the resource over share of the land (卫生资源集聚度). 1: resources lie as land
        does; above 1 they crowd.
    pad
        Share of the people over share of the land (人口集聚度).
    hrad_to_pad
        Share of the resource over share of the people. 1: people have as much as in the whole
        region; below 1 they have less.
    """

    hrad: Floats
    pad: Floats
    hrad_to_pad: Floats


def agglomeration(resource: ArrayLike, area_km2: ArrayLike, residents: ArrayLike) -> Agglomeration:
    """Health resource agglomeration degree (HRAD), PAD, and their ratio.

    ``HRAD_i = (R_i / R) / (A_i / A)`` and ``PAD_i = (P_i / P) / (A_i / A)``, with R, A and P the
    sums over all areas. HRAD judges fairness by land, HRAD / PAD fairness by people: Lu et al.
    (2018, 卫生经济研究 6: 53-57), Han et al. (2025, doi:10.3760/cma.j.cn111325-20241222-01078),
    Li et al. (2025, doi:10.3389/fpubh.2025.1650147).

    Parameters
    ----------
    resource : shape (n_areas,)
        Units of the resource, e.g. beds.
    area_km2 : shape (n_areas,)
        Land of each area, above 0; km2 or any other unit.
    residents : shape (n_areas,)

    Returns
    -------
    Agglomeration
        ``hrad_to_pad`` is infinite in an area with resources and without residents. NaN: a
        share of nothing, such as a resource that no area has, or an area without both.

    Raises
    ------
    DataError
        With all problems found: shapes, NaN, negative or infinite numbers, land of 0, no area.

    Examples
    --------
    >>> agglomeration([30, 10], [10, 30], [500, 500]).hrad.round(3)
    array([3.   , 0.333])
    """
    problems: list[Problem] = []
    read: list[Floats] = []
    given = {"resource": resource, "area_km2": area_km2, "residents": residents}
    for name, values in given.items():
        array, wrong = vector(name, values)
        problems += wrong or value_problems(name, array)
        problems += [
            Problem(name, "is 0; every area has land", row + 1, value="0")
            for row in np.flatnonzero(array == 0).tolist()
            if name == "area_km2"
        ]
        read.append(array)
    sizes = [array.size for array in read]
    if len(set(sizes)) > 1:
        wrong_size = "resource, area_km2 and residents have {}, {} and {} entries".format(*sizes)
        problems.append(Problem("areas", wrong_size, mend="give one of each for every area"))
    elif not sizes[0]:
        problems.append(Problem("areas", "there is none"))
    refuse(problems)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_resource, of_land, of_people = (array / array.sum() for array in read)
        return Agglomeration(of_resource / of_land, of_people / of_land, of_resource / of_people)
