"""Settings that must be made before scikit-learn is imported."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # or scikit-learn leaves out its check of array API input
