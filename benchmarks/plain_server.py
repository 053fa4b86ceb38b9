"""A plain FastAPI handler on ONNX Runtime, as one would write it in ten minutes: what `make serve-bench` compares with.

With the argument keras it asks `model.predict` in place of ONNX Runtime.
"""

import io
import os

import numpy as np
from fastapi import FastAPI, Request
from PIL import Image

MODEL, KIND = os.environ["PLAIN_MODEL"], os.environ.get("PLAIN_KIND", "onnx")
app = FastAPI()

if KIND == "keras":
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    model = keras.saving.load_model(MODEL)

    def ask(image: np.ndarray) -> np.ndarray:
        """Return the probabilities of images ``(n, 28, 28)``."""
        return model.predict(image, verbose=0)

else:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    def ask(image: np.ndarray) -> np.ndarray:
        """Return the probabilities of images ``(n, 28, 28)``."""
        return session.run(None, {"pixels": image})[0]


@app.post("/predict")
async def predict(request: Request) -> dict[str, object]:
    """Answer one PNG of 28x28 pixels."""
    picture = np.asarray(Image.open(io.BytesIO(await request.body())).convert("L"))
    probabilities = ask(picture[None])[0]
    return {"label": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
