"""The smallest changes that make a plan hold."""

from healthalloc.explain.repairs.answer import CRITERIA, Repair, Repairs
from healthalloc.explain.repairs.ranked import check_kept, repairs

__all__ = ["CRITERIA", "Repair", "Repairs", "check_kept", "repairs"]
