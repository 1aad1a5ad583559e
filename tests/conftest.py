"""Settings that must be made before scikit-learn is imported."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # or scikit-learn leaves out its check of array API input
# Tests run side by side, one process a core. OpenMP's threads wait for each other in a busy loop: with more of them than
# cores, gradient boosting takes thirty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# The same examples in every run, so that a change is judged by itself. New ones: HYPOTHESIS_PROFILE=explore python -m pytest
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
