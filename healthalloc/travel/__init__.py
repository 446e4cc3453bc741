"""Travel between populations and facilities, one file for each method."""

from healthalloc.travel.common import ROUNDING, Pairs, positions_of
from healthalloc.travel.great_circle import by_great_circle
from healthalloc.travel.matrix import by_matrix
from healthalloc.travel.road_graph import by_road

__all__ = ["ROUNDING", "Pairs", "by_great_circle", "by_matrix", "by_road", "positions_of"]
