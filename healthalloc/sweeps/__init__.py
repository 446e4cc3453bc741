"""Many scenarios: a table of cases, solved warm by any executor, kept as Parquet as they finish."""

from healthalloc.sweeps.ensembles import ensemble
from healthalloc.sweeps.run import Sweep, sweep

__all__ = ["Sweep", "ensemble", "sweep"]
