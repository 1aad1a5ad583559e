"""Draw the picture in README: evolve pipelines on a table and draw the best one.

python experiments/first_picture/run.py
"""

from pathlib import Path

from sklearn.datasets import load_breast_cancer

from evoml import EvoClassifier


def main() -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = EvoClassifier(max_evaluations=400, scoring="neg_log_loss", n_jobs=2, random_state=2).fit(X, y)
    here = Path(__file__).parent
    model.plot("pipeline").savefig(here / "pipeline.svg", bbox_inches="tight")
    print(model.best_score_, model.fitted_pipeline_)


if __name__ == "__main__":
    main()
