"""Writes sklearn_values.json beside this file: what scikit-learn makes of small cases (test/eval/*.test.ts compare with it).

    /usr/bin/python3 test/analysis/make_sklearn_values.py     # Debian: apt-get install python3-sklearn
    npx biome format --write test/analysis/sklearn_values.json
"""

import json
import pathlib

import numpy as np
import sklearn
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities, _kl_divergence
from sklearn.metrics import adjusted_rand_score, log_loss, normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier


def clusters(rng, rows, dimensions, classes, spread):
    centres = rng.normal(size=(classes, dimensions))
    labels = rng.integers(0, classes, rows)
    return (centres[labels] + spread * rng.normal(size=(rows, dimensions))).astype(np.float32).round(4), labels


def listed(array):
    values = np.asarray(array).ravel()
    return [float(f"{value:.8g}") for value in values] if values.dtype == np.float32 else values.tolist()


def logistic(rng):
    x, y = clusters(rng, 60, 5, 3, 1.0)
    test, test_y = clusters(rng, 20, 5, 3, 1.0)
    cases = []
    for l2 in (1e-3, 1e-1):
        model = LogisticRegression(C=1 / (len(x) * l2), solver="newton-cg", tol=1e-9, max_iter=100_000).fit(x.astype(np.float64), y)
        cases.append({
            "l2": l2,
            "weights": listed(model.coef_),
            "biases": listed(model.intercept_),
            "loss": log_loss(y, model.predict_proba(x)),
            "predicted": listed(model.predict(test)),
        })
    return {"x": listed(x), "labels": listed(y), "dimensions": 5, "classes": 3,
            "test": listed(test), "testLabels": listed(test_y), "cases": cases}


def knn(rng):
    x, y = clusters(rng, 40, 4, 3, 1.2)
    test, _ = clusters(rng, 25, 4, 3, 1.2)
    cases = []
    for k, temperature in ((1, 0.07), (5, 0.07), (20, 0.5), (40, 1.0)):
        weigh = lambda distance, t=temperature: np.exp((1 - distance) / t)
        model = KNeighborsClassifier(k, metric="cosine", algorithm="brute", weights=weigh).fit(x, y)
        cases.append({"k": k, "temperature": temperature, "predicted": listed(model.predict(test))})
    return {"x": listed(x), "labels": listed(y), "dimensions": 4, "test": listed(test), "cases": cases}


def kmeans(rng):
    x, y = clusters(rng, 80, 6, 4, 0.3)
    model = KMeans(4, n_init=50, random_state=0, tol=0).fit(x)
    return {"x": listed(x), "labels": listed(y), "dimensions": 6, "clusters": 4,
            "inertia": model.inertia_, "assignment": listed(model.labels_)}


def partitions(rng):
    cases = []
    for rows, classes, found in ((30, 3, 3), (50, 5, 4), (40, 2, 7), (12, 1, 1), (12, 3, 1), (12, 12, 12)):
        a = np.arange(rows) % classes
        b = np.where(rng.random(rows) < 0.6, a % found, rng.integers(0, found, rows))
        cases.append({"labels": listed(a), "clusters": listed(b),
                      "nmi": normalized_mutual_info_score(a, b), "ari": adjusted_rand_score(a, b)})
    return cases


def assignment(rng):
    cases = []
    for rows, columns in ((1, 1), (4, 4), (10, 10), (6, 9)):
        cost = rng.normal(size=(rows, columns)).round(3)
        row, column = linear_sum_assignment(cost)
        cases.append({"rows": rows, "columns": columns, "cost": listed(cost),
                      "assignment": listed(column), "total": float(cost[row, column].sum())})
    return cases


def tsne(rng):
    x, y = clusters(rng, 36, 8, 3, 0.3)
    perplexity = 6
    distances = squareform(pdist(x.astype(np.float64), "sqeuclidean")).astype(np.float32)
    p = _joint_probabilities(distances, perplexity, 0)
    start = rng.normal(size=(len(x), 2)).round(4)
    kl, gradient = _kl_divergence(start.ravel(), p, 1, len(x), 2)
    init = (1e-4 * rng.normal(size=(len(x), 2))).astype(np.float32)
    model = TSNE(perplexity=perplexity, method="exact", init=init, learning_rate=10, n_iter=500)
    found = model.fit_transform(x)
    return {"x": listed(x), "labels": listed(y), "dimensions": 8, "perplexity": perplexity,
            "joint": listed(p), "start": listed(start), "kl": kl, "gradient": listed(gradient),
            "init": listed(init), "rate": 10, "iterations": 500, "finalKl": float(model.kl_divergence_), "embedding": listed(found)}


rng = np.random.default_rng(0)
values = {"versions": {"sklearn": sklearn.__version__, "numpy": np.__version__}}
for make in (logistic, knn, kmeans, partitions, assignment, tsne):
    values[make.__name__] = make(rng)
pathlib.Path(__file__).with_name("sklearn_values.json").write_text(json.dumps(values) + "\n")
