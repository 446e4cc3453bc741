"""The smallest changes that make a plan hold."""

from healthalloc.explain.repairs.ranked import CRITERIA, Repair, Repairs, repairs

__all__ = ["CRITERIA", "Repair", "Repairs", "repairs"]
