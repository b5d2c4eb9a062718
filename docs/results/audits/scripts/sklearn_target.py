from sklearn_digits import fitted

from fooljax.targets.foreign import from_sklearn

how = {"range": (0, 255)}
target = from_sklearn(fitted(), preprocessing=how, name="scikit-learn pipeline")
