"""Settings that must be made before scikit-learn is imported."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # or scikit-learn leaves out its check of array API input
# Tests run side by side, one process a core. OpenMP's threads wait for each other in a busy loop: with more of them than
# cores, gradient boosting takes thirty times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
