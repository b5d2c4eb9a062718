"""A pipeline of scikit-learn, fitted to 4,000 digits."""

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fooljax import data


def fitted():
    digits = data.load("embedded")
    rows = digits.train_images.reshape(len(digits.train_images), -1)  # levels from 0 to 255
    model = make_pipeline(StandardScaler(), PCA(40, random_state=0), LogisticRegression(max_iter=300))
    return model.fit(rows, digits.train_labels)
