"""The pipelines a portfolio may be drawn from: about 130 for each task, diverse on purpose.

They are written as in evoml/components/data/pipelines.toml, for any table. The order is the one they are evaluated in: the
portfolio made by hand first, then boosting, forests and all others side by side, each in a fixed random order, so that what is
there at any time is diverse; last what costs most for what it tends to give.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

BY_HAND = {
    "classification": (
        "LogisticRegression(StandardScaler(features))",
        "BoostingClassifier(features)",
        "ForestClassifier(features, splitter='random')",
        "ForestClassifier(features)",
        "SVC(StandardScaler(features), C=10.0)",
        "BoostingClassifier(features, max_iter=300, learning_rate=0.05, max_leaf_nodes=8, max_features=0.5, subsample=0.8)",
        "LogisticRegression(union(StandardScaler(features), stack(ForestClassifier(features))))",
        "LogisticRegression(Nystroem(StandardScaler(features)))",
        "LogisticRegression(QuantileTransformerNormal(features))",
        "KNeighborsClassifier(StandardScaler(features), weights='distance')",
        "MLPClassifier(StandardScaler(features))",
        "ForestClassifier(union(passthrough(features), stack(LogisticRegression(StandardScaler(features)))),"
        " splitter='random')",
    ),
    "regression": (
        "Ridge(StandardScaler(features))",
        "BoostingRegressor(features)",
        "ForestRegressor(features, splitter='random')",
        "BoostingRegressor(features, max_iter=300, learning_rate=0.05, max_leaf_nodes=8, max_features=0.5, subsample=0.8)",
        "ForestRegressor(features)",
        "Ridge(union(StandardScaler(features), stack(ForestRegressor(features, splitter='random'))))",
        "SVR(StandardScaler(features), C=100.0)",
        "Ridge(SplineTransformer(StandardScaler(features)))",
        "ElasticNet(StandardScaler(features))",
        "KNeighborsRegressor(StandardScaler(features), weights='distance')",
        "Ridge(PolynomialFeatures(StandardScaler(features)), alpha=10.0)",
        "ForestRegressor(union(passthrough(features), stack(Ridge(StandardScaler(features)))), splitter='random')",
    ),
}

# learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization, max_features, subsample
_BOOSTING = (
    (0.3, 30, "auto", 20, 1.0, 1.0, 1.0),
    (0.1, 50, 8, 20, 1.0, 1.0, 1.0),
    (0.1, 100, 4, 20, 1.0, 0.5, 0.8),
    (0.1, 100, 8, 20, 1.0, 0.5, 0.8),
    (0.1, 100, 16, 10, 1.0, 0.5, 0.8),
    (0.1, 100, "auto", 20, 1.0, 0.5, 0.8),
    (0.1, 100, "auto", 5, 1.0, 0.3, 0.8),
    (0.1, 100, 63, 20, 10.0, 0.5, 0.8),
    (0.1, 200, 4, 5, 1.0, 1.0, 1.0),
    (0.1, 200, 8, 5, 0.1, 0.3, 0.7),
    (0.1, 200, 16, 20, 10.0, 0.3, 0.6),
    (0.1, 200, "auto", 1, 10.0, 0.5, 0.8),
    (0.1, 400, 4, 20, 1.0, 0.3, 0.6),
    (0.1, 400, 16, 20, 1.0, 0.5, 0.8),
    (0.05, 100, 16, 10, 1.0, 0.5, 0.8),
    (0.05, 200, 4, 20, 10.0, 0.5, 0.8),
    (0.05, 200, 16, 5, 1.0, 0.3, 0.8),
    (0.05, 200, "auto", 5, 1.0, 0.5, 0.8),
    (0.05, 200, "auto", 20, 0.01, 0.5, 0.6),
    (0.05, 400, 4, 5, 1.0, 0.3, 0.7),
    (0.05, 400, 8, 20, 1.0, 0.3, 0.6),
    (0.05, 400, 16, 5, 1.0, 0.3, 0.7),
    (0.05, 400, 63, 5, 30.0, 0.3, 0.7),
    (0.05, 400, 127, 1, 100.0, 0.2, 0.6),
    (0.02, 200, 8, 10, 1.0, 0.5, 0.6),
    (0.02, 400, 8, 5, 1.0, 0.5, 0.8),
    (0.02, 400, 16, 10, 1.0, 0.3, 0.8),
    (0.02, 400, "auto", 5, 1.0, 0.3, 0.8),
    (0.02, 400, 63, 10, 1.0, 0.5, 0.8),
    (0.2, 100, 4, 20, 1.0, 1.0, 1.0),
    (0.2, 100, 16, 20, 30.0, 0.3, 0.6),
    (0.2, 50, 63, 10, 10.0, 0.5, 0.8),
)

# n_estimators, splitter, max_features, min_samples_leaf, bootstrap
_FORESTS = (
    (50, "best", "sqrt", 1, "None"),
    (200, "best", "sqrt", 1, "None"),
    (400, "best", "sqrt", 1, "None"),
    (100, "best", "log2", 1, "None"),
    (100, "best", 0.3, 1, "None"),
    (100, "best", 0.5, 1, "None"),
    (200, "best", 0.3, 3, "None"),
    (200, "best", 0.5, 3, "None"),
    (100, "best", 1.0, 5, "None"),
    (200, "best", "sqrt", 5, "None"),
    (100, "best", "sqrt", 3, False),
    (50, "random", "sqrt", 1, "None"),
    (100, "random", 0.5, 1, "None"),
    (100, "random", 1.0, 1, "None"),
    (200, "random", 1.0, 1, "None"),
    (200, "random", 0.5, 3, "None"),
    (400, "random", 0.5, 1, "None"),
    (200, "random", "sqrt", 1, "None"),
    (200, "random", "sqrt", 3, True),
    (200, "random", 1.0, 5, True),
)

_CLASSIFIERS = (
    "LogisticRegression(StandardScaler(features), C=0.01)",
    "LogisticRegression(StandardScaler(features), C=0.1)",
    "LogisticRegression(StandardScaler(features), C=10.0)",
    "LogisticRegression(StandardScaler(features), C=100.0)",
    "LogisticRegression(StandardScaler(features), C=0.1, class_weight='balanced')",
    "LogisticRegression(PowerTransformer(features))",
    "LogisticRegression(QuantileTransformerNormal(features), C=0.1)",
    "LogisticRegression(KBinsDiscretizer(features, n_bins=8))",
    "LogisticRegression(KBinsDiscretizer(features, n_bins=4), C=0.1)",
    "LogisticRegression(SplineTransformer(StandardScaler(features)))",
    "LogisticRegression(SplineTransformer(StandardScaler(features)), C=0.1)",
    "LogisticRegression(SplineTransformer(features, n_knots=8, degree=2), C=0.1)",
    "LogisticRegression(PolynomialFeatures(StandardScaler(features)), C=0.1)",
    "LogisticRegression(PolynomialFeatures(StandardScaler(features)), C=0.01)",
    "LogisticRegression(StandardScaler(PolynomialFeatures(StandardScaler(features), interaction_only=True)), C=0.01)",
    "LogisticRegression(StandardScaler(PolynomialFeatures(SelectPercentileFClassif(StandardScaler(features)))), C=0.01)",
    "LogisticRegression(Nystroem(StandardScaler(features), n_components=200), C=10.0)",
    "LogisticRegression(Nystroem(StandardScaler(features), n_components=200, gamma=0.01), C=100.0)",
    "LogisticRegression(Nystroem(QuantileTransformerNormal(features), n_components=200), C=10.0)",
    "LogisticRegression(Nystroem(StandardScaler(features), n_components=200, kernel='laplacian'), C=10.0)",
    "LogisticRegression(PCA(StandardScaler(features)))",
    "LogisticRegression(PCA(StandardScaler(features), n_components=0.8, whiten=True))",
    "LogisticRegression(SelectFweClassif(StandardScaler(features)))",
    "LogisticRegression(SelectFromExtraTreesClassifier(StandardScaler(features)))",
    "LogisticRegression(Normalizer(features), C=1000.0)",
    "LogisticRegression(StandardScaler(Normalizer(features)), C=100.0)",
    "LogisticRegression(StandardScaler(Normalizer(features, norm='l1')), C=10.0)",
    "LogisticRegression(PolynomialFeatures(Normalizer(features)), C=1000.0)",
    "LogisticRegression(RandomTreesEmbedding(features, n_estimators=30, max_depth=4), C=0.1)",
    "LogisticRegression(StandardScaler(TargetEncoder(features)))",
    "LogisticRegression(StandardScaler(OneHotEncoder(features, max_categories=50)), C=0.1)",
    "LogisticRegression(union(StandardScaler(features), KBinsDiscretizer(features)), C=0.1)",
    "RidgeClassifier(StandardScaler(features))",
    "LinearSVC(StandardScaler(features), C=0.1, penalty='l1')",
    "LinearDiscriminantAnalysis(StandardScaler(features))",
    "LinearDiscriminantAnalysis(StandardScaler(features), shrinkage=0.1)",
    "LinearDiscriminantAnalysis(PolynomialFeatures(StandardScaler(features)), shrinkage=0.1)",
    "RegularisedDiscriminantAnalysis(StandardScaler(features))",
    "RegularisedDiscriminantAnalysis(PowerTransformer(features), pooling=0.5)",
    "RegularisedDiscriminantAnalysis(PCA(StandardScaler(features)), pooling=0.1, shrinkage=0.01)",
    "SVC(StandardScaler(features))",
    "SVC(StandardScaler(features), C=100.0)",
    "SVC(StandardScaler(features), C=1.0, class_weight='balanced')",
    "SVC(QuantileTransformerNormal(features), C=3.0)",
    "SVC(MinMaxScaler(features), C=30.0)",
    "SVC(StandardScaler(Normalizer(features)), C=30.0)",
    "SVC(StandardScaler(features), kernel='poly', degree=2, coef0=1.0)",
    "KNeighborsClassifier(StandardScaler(features), n_neighbors=15, weights='distance')",
    "KNeighborsClassifier(StandardScaler(features), n_neighbors=50, weights='distance')",
    "KNeighborsClassifier(MinMaxScaler(features), n_neighbors=10, p=1, weights='distance')",
    "KNeighborsClassifier(QuantileTransformer(features), n_neighbors=15, p=1, weights='distance')",
    "KNeighborsClassifier(DiscriminantProjection(StandardScaler(features)), n_neighbors=15, weights='distance')",
    "KNeighborsClassifier(Normalizer(features), n_neighbors=10, weights='distance')",
    "KNeighborsClassifier(StandardScaler(SelectFromExtraTreesClassifier(features)), n_neighbors=15, weights='distance')",
    "MLPClassifier(StandardScaler(features), hidden_layer_sizes=100, alpha=0.1)",
    "MLPClassifier(StandardScaler(features), hidden_layer_sizes=20, alpha=0.01)",
    "MLPClassifier(StandardScaler(features), hidden_layer_sizes=100, activation='tanh', max_iter=50)",
    "MLPClassifier(QuantileTransformerNormal(features), hidden_layer_sizes=50, alpha=1.0)",
    "MLPClassifier(StandardScaler(features), hidden_layer_sizes=30, alpha=1.0, max_iter=40)",
    "GaussianNB(StandardScaler(features))",
    "GaussianNB(PowerTransformer(features), var_smoothing=0.01)",
    "BernoulliNB(KBinsDiscretizer(features))",
    "MultinomialNB(KBinsDiscretizer(features, n_bins=8))",
    "AdaBoostClassifier(features)",
    "DecisionTreeClassifier(features, max_depth=5, min_samples_leaf=10)",
    "ForestClassifier(OneHotEncoder(features))",
    "ForestClassifier(TargetEncoder(features), splitter='random', n_estimators=200)",
    "ForestClassifier(union(passthrough(features), PCA(StandardScaler(features))), n_estimators=200)",
    "ForestClassifier(PCA(StandardScaler(features)), n_estimators=200, splitter='random')",
    "ForestClassifier(SelectFromExtraTreesClassifier(features), n_estimators=200)",
    "ForestClassifier(Normalizer(features), n_estimators=200, splitter='random')",
    "ForestClassifier(features, n_estimators=200, class_weight='balanced')",
    "BoostingClassifier(TargetEncoder(features), learning_rate=0.05, max_iter=200, max_features=0.5, subsample=0.8)",
    "BoostingClassifier(OneHotEncoder(features), learning_rate=0.05, max_iter=200, max_features=0.5, subsample=0.8)",
    "BoostingClassifier(features, max_iter=200, learning_rate=0.05, max_leaf_nodes=8, max_features=0.5,"
    " class_weight='balanced')",
    "BoostingClassifier(union(passthrough(features), PCA(StandardScaler(features))), max_features=0.3, subsample=0.8)",
    "BoostingClassifier(union(passthrough(features), stack(LogisticRegression(StandardScaler(features)))), max_features=0.5,"
    " subsample=0.8, max_leaf_nodes=8)",
    "BoostingClassifier(union(passthrough(features), stack(KNeighborsClassifier(StandardScaler(features), n_neighbors=15))),"
    " max_features=0.5, subsample=0.8, max_leaf_nodes=8)",
    "LogisticRegression(union(StandardScaler(features), stack(BoostingClassifier(features, max_leaf_nodes=8, max_features=0.5,"
    " subsample=0.8))))",
    "LogisticRegression(union(union(stack(BoostingClassifier(features, max_features=0.5, subsample=0.8)), stack("
    "ForestClassifier(features, splitter='random'))), stack(LogisticRegression(StandardScaler(features)))))",
)

_REGRESSORS = (
    "Ridge(StandardScaler(features), alpha=0.01)",
    "Ridge(StandardScaler(features), alpha=30.0)",
    "Ridge(StandardScaler(features), alpha=300.0)",
    "Ridge(PowerTransformer(features))",
    "Ridge(QuantileTransformerNormal(features))",
    "Ridge(KBinsDiscretizer(features, n_bins=8))",
    "Ridge(StandardScaler(TargetEncoderRegression(features)))",
    "Ridge(StandardScaler(OneHotEncoder(features, max_categories=50)), alpha=10.0)",
    "Ridge(SplineTransformer(StandardScaler(TargetEncoderRegression(features))), alpha=0.1)",
    "Ridge(SplineTransformer(features, n_knots=8, degree=2), alpha=0.1)",
    "Ridge(SplineTransformer(QuantileTransformerNormal(features)), alpha=1.0)",
    "Ridge(PolynomialFeatures(StandardScaler(features)), alpha=1.0)",
    "Ridge(PolynomialFeatures(StandardScaler(features)), alpha=100.0)",
    "Ridge(StandardScaler(PolynomialFeatures(StandardScaler(TargetEncoderRegression(features)))), alpha=30.0)",
    "Ridge(StandardScaler(PolynomialFeatures(PowerTransformer(features))), alpha=100.0)",
    "Ridge(StandardScaler(PolynomialFeatures(SelectPercentileFRegression(StandardScaler(features)))), alpha=30.0)",
    "Ridge(PolynomialFeatures(SelectPercentileFRegression(SplineTransformer(StandardScaler(features)), percentile=30)),"
    " alpha=10.0)",
    "Ridge(Nystroem(StandardScaler(features), n_components=200), alpha=0.1)",
    "Ridge(Nystroem(StandardScaler(features), n_components=200, gamma=0.01), alpha=0.01)",
    "Ridge(Nystroem(QuantileTransformerNormal(features), n_components=200), alpha=0.1)",
    "Ridge(Nystroem(StandardScaler(features), n_components=200, kernel='laplacian'), alpha=0.1)",
    "Ridge(union(StandardScaler(features), Nystroem(StandardScaler(features), n_components=200)), alpha=0.3)",
    "Ridge(PCA(StandardScaler(features)))",
    "Ridge(SelectFromExtraTreesRegressor(StandardScaler(features)))",
    "Ridge(Normalizer(features), alpha=0.01)",
    "Ridge(union(StandardScaler(features), Normalizer(features)), alpha=0.1)",
    "Ridge(RandomTreesEmbedding(features, n_estimators=30, max_depth=4), alpha=10.0)",
    "ElasticNet(StandardScaler(features), alpha=0.01)",
    "ElasticNet(StandardScaler(features), alpha=1.0, l1_ratio=0.9)",
    "Lasso(StandardScaler(features), alpha=1.0)",
    "Lasso(StandardScaler(PolynomialFeatures(StandardScaler(features))), alpha=0.1)",
    "LassoLars(StandardScaler(features), alpha=0.01)",
    "BayesianRidge(StandardScaler(features))",
    "BayesianRidge(SplineTransformer(StandardScaler(features)))",
    "HuberRegressor(StandardScaler(features))",
    "PLSRegression(StandardScaler(features))",
    "PoissonRegressor(StandardScaler(features), alpha=0.001)",
    "GammaRegressor(StandardScaler(features), alpha=0.001)",
    "TweedieRegressor(StandardScaler(features), alpha=0.01)",
    "GammaRegressor(SplineTransformer(StandardScaler(features)), alpha=0.001)",
    "SVR(StandardScaler(features))",
    "SVR(StandardScaler(features), C=1000.0)",
    "SVR(QuantileTransformerNormal(features), C=100.0)",
    "SVR(StandardScaler(TargetEncoderRegression(features)), C=1000.0)",
    "SVR(MinMaxScaler(features), C=1000.0)",
    "KernelRidge(StandardScaler(features))",
    "KernelRidge(StandardScaler(features), kernel='laplacian', gamma=0.05)",
    "KernelRidge(QuantileTransformerNormal(features), alpha=1.0, gamma=0.03)",
    "KNeighborsRegressor(StandardScaler(features), n_neighbors=10, weights='distance')",
    "KNeighborsRegressor(StandardScaler(features), n_neighbors=30, weights='distance')",
    "KNeighborsRegressor(MinMaxScaler(features), n_neighbors=10, p=1, weights='distance')",
    "KNeighborsRegressor(QuantileTransformer(features), n_neighbors=10, p=1, weights='distance')",
    "KNeighborsRegressor(StandardScaler(SelectFromExtraTreesRegressor(features)), n_neighbors=10, weights='distance')",
    "KNeighborsRegressor(StandardScaler(TargetEncoderRegression(features)), n_neighbors=10, p=1, weights='distance')",
    "MLPRegressor(StandardScaler(features))",
    "MLPRegressor(StandardScaler(features), hidden_layer_sizes=100, alpha=0.1)",
    "MLPRegressor(QuantileTransformerNormal(features), hidden_layer_sizes=50, alpha=1.0)",
    "MLPRegressor(StandardScaler(features), hidden_layer_sizes=30, activation='tanh', max_iter=50)",
    "AdaBoostRegressor(features)",
    "DecisionTreeRegressor(features, max_depth=6, min_samples_leaf=10)",
    "ForestRegressor(OneHotEncoder(features))",
    "ForestRegressor(TargetEncoderRegression(features), splitter='random', n_estimators=200, max_features=1.0)",
    "ForestRegressor(union(passthrough(features), PCA(StandardScaler(features))), n_estimators=200, max_features=0.3)",
    "ForestRegressor(SelectFromExtraTreesRegressor(features), n_estimators=200)",
    "BoostingRegressor(TargetEncoderRegression(features), learning_rate=0.05, max_iter=200, max_features=0.5, subsample=0.8)",
    "BoostingRegressor(OneHotEncoder(features), learning_rate=0.05, max_iter=200, max_features=0.5, subsample=0.8)",
    "BoostingRegressor(features, max_iter=200, max_leaf_nodes=16, max_features=0.5, subsample=0.8, loss='absolute_error')",
    "BoostingRegressor(features, max_iter=200, learning_rate=0.05, max_leaf_nodes=8, loss='absolute_error')",
    "BoostingRegressor(union(passthrough(features), PCA(StandardScaler(features))), max_features=0.3, subsample=0.8)",
    "BoostingRegressor(union(passthrough(features), stack(Ridge(StandardScaler(features)))), max_features=0.5, subsample=0.8,"
    " max_leaf_nodes=8)",
    "BoostingRegressor(union(passthrough(features), stack(KNeighborsRegressor(StandardScaler(features), n_neighbors=10))),"
    " max_features=0.5, subsample=0.8, max_leaf_nodes=8)",
    "Ridge(union(StandardScaler(features), stack(BoostingRegressor(features, max_leaf_nodes=8, max_features=0.5,"
    " subsample=0.8))))",
    "Ridge(union(union(stack(BoostingRegressor(features, max_features=0.5, subsample=0.8)), stack(ForestRegressor(features,"
    " splitter='random', max_features=1.0))), stack(Ridge(StandardScaler(features)))))",
)

_LAST = (
    *("MLP", "AdaBoost", "laplacian", "=127", "n_estimators=400", "max_leaf_nodes=63", "OneHotEncoder"),
    *("BernoulliNB", "MultinomialNB", "SVR("),
)


def candidates(task: str) -> list[str]:
    """Texts for ``"classification"`` or ``"regression"``, without repetitions."""
    ending, others = ("Classifier", _CLASSIFIERS) if task == "classification" else ("Regressor", _REGRESSORS)
    rng = random.Random(0)
    families = [list(_boosting(ending)), list(_forests(ending)), list(others)]
    places = {}
    for family in families:
        rng.shuffle(family)
        # families side by side, each spread over the whole
        places |= {text: (place + 0.5) / len(family) for place, text in enumerate(family)}
    rest = sorted(places, key=lambda text: (any(word in text for word in _LAST), places[text]))
    return list(dict.fromkeys((*BY_HAND[task], *rest)))


def _boosting(ending: str) -> Iterator[str]:
    names = (
        "learning_rate",
        "max_iter",
        "max_leaf_nodes",
        "min_samples_leaf",
        "l2_regularization",
        "max_features",
        "subsample",
    )
    for values in _BOOSTING:
        yield _text(f"Boosting{ending}", dict(zip(names, values, strict=True)))


def _forests(ending: str) -> Iterator[str]:
    names = ("n_estimators", "splitter", "max_features", "min_samples_leaf", "bootstrap")
    for values in _FORESTS:
        yield _text(f"Forest{ending}", dict(zip(names, values, strict=True)))


def _text(part: str, values: dict[str, Any]) -> str:
    return f"{part}(features, {', '.join(f'{name}={value!r}' for name, value in values.items())})"
