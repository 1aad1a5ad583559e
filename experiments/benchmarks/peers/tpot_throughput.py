"""TPOT's side of the throughput benchmark; run by TPOT's own Python with one JSON argument, prints one JSON line."""

import json
import os
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # processes, not threads, share the cores: as in evoml's workers

SELECTORS = ["SelectFwe", "SelectPercentile", "VarianceThreshold"]
SCALERS = ["MinMaxScaler", "RobustScaler", "StandardScaler", "MaxAbsScaler", "Normalizer"]


def search_space(parts: list[str], X, y, stacking: bool):
    """Return TPOT's own template over the given parts: "linear-light", or "linear" with its layer of stacked models."""
    from tpot.builtin_modules import EstimatorTransformer
    from tpot.config import get_search_space
    from tpot.search_spaces.pipelines import (
        ChoicePipeline,
        DynamicUnionPipeline,
        SequentialPipeline,
        UnionPipeline,
        WrapperPipeline,
    )

    facts = {"n_classes": len(set(y)), "n_samples": len(y), "n_features": X.shape[1], "random_state": 0}
    models = [name for name in parts if name.endswith(("Classifier", "NB", "Analysis", "Regression"))]
    transformers = [name for name in parts if name not in models + SELECTORS + SCALERS]

    def beside(layer):
        skipped = ChoicePipeline([DynamicUnionPipeline(layer), get_search_space("SkipTransformer", **facts)])
        return UnionPipeline([skipped, get_search_space("Passthrough", **facts)])

    model = get_search_space(models, **facts)
    stacked = WrapperPipeline(EstimatorTransformer, {"cross_val_predict_cv": 0}, model)
    return SequentialPipeline(
        [
            get_search_space([*SCALERS, "Passthrough"], **facts),
            get_search_space([*SELECTORS, "Passthrough"], **facts),
            beside(get_search_space(transformers, **facts)),
            *([beside(stacked)] if stacking else []),
            model,
        ]
    )


def main() -> None:
    wanted = json.loads(sys.argv[1])
    warnings.filterwarnings("ignore")
    import tpot
    from sklearn import datasets
    from sklearn.model_selection import StratifiedKFold

    X, y = getattr(datasets, f"load_{wanted['table']}")(return_X_y=True)
    minutes = wanted["seconds"] / 60
    model = tpot.TPOTEstimator(
        search_space=search_space(wanted["parts"], X, y, wanted["stacking"]),
        scorers=["accuracy"],
        scorers_weights=[1],
        classification=True,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        max_time_mins=minutes,
        max_eval_time_mins=minutes,
        n_jobs=wanted["jobs"],
        random_state=wanted["seed"],
        verbose=0,
    )
    began = time.perf_counter()
    try:
        model.fit(X, y)
    except Exception as error:  # TPOT may end without any model; what it evaluated counts all the same
        print(f"TPOT: {error}", file=sys.stderr)
    wall = time.perf_counter() - began
    tried = model._evolver_instance.population.evaluated_individuals
    name = next(column for column in tried.columns if "accuracy" in column)
    scores = [score for score in tried[name] if isinstance(score, (int, float)) and score == score]
    found = {"scored": len(scores), "tried": len(tried), "wall": wall, "best": max(scores, default=None)}
    print(json.dumps(found), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
