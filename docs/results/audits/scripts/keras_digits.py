"""A small CNN in Keras, trained on 4,000 digits and saved as a file."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras

from fooljax import data

layers = keras.layers

if __name__ == "__main__":
    digits = data.load("embedded")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(digits.train_images, digits.train_labels, epochs=3, batch_size=64, verbose=2)
    model.save("digits.keras")
