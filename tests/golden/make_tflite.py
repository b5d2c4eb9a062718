"""Makes tests/golden/tiny_float.tflite and tiny_uint8.tflite: a dense layer and a softmax.

    pip install -e '.[tflite]' && python tests/golden/make_tflite.py

The networks take images [1, 6, 6, 3] and give probabilities of a background and four classes. Their weights
are random, and `dense` gives them to the tests. TensorFlow is not needed.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIDE, CLASSES = 6, 5
WEIGHT_STEP, INPUT_STEP, LOGIT_STEP, ANSWER_STEP = 1 / 32, 1 / 128, 1 / 8, 1 / 256
"""Of the quantised network; zero is 128 everywhere but in the answers, where it is 0."""


def dense():
    """The weights, `[5, 108]`, whole multiples of their step, and the bias."""
    random = np.random.default_rng(0)
    weights = np.clip(np.rint(random.standard_normal((CLASSES, SIDE * SIDE * 3)) * 8), -40, 40)
    bias = random.standard_normal(CLASSES).astype(np.float32)
    return (weights * WEIGHT_STEP).astype(np.float32), bias


def model(quantised):
    """The bytes of a file."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    weights, bias = dense()
    kind = schema.TensorType.UINT8 if quantised else schema.TensorType.FLOAT32
    if quantised:
        weights = (np.rint(weights / WEIGHT_STEP) + 128).astype(np.uint8)
        bias = np.rint(bias / (WEIGHT_STEP * INPUT_STEP)).astype(np.int32)
    made = schema.ModelT()
    made.version, made.description = 3, "a network of a test"
    made.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = []

    def tensor(name, shape, step, zero=128, content=None, of=kind):
        one = schema.TensorT()
        one.name, one.shape, one.type, one.buffer = name, shape, of, 0
        if quantised:
            one.quantization = schema.QuantizationParametersT()
            one.quantization.scale, one.quantization.zeroPoint = [step], [zero]
        if content is not None:
            buffer = schema.BufferT()
            buffer.data = list(content.tobytes())
            one.buffer = len(made.buffers)
            made.buffers.append(buffer)
        graph.tensors.append(one)
        return len(graph.tensors) - 1

    image = tensor("image", [1, SIDE, SIDE, 3], INPUT_STEP)
    kernel = tensor("weights", list(weights.shape), WEIGHT_STEP, content=weights)
    of_bias = schema.TensorType.INT32 if quantised else kind
    shift = tensor("bias", [CLASSES], WEIGHT_STEP * INPUT_STEP, 0, bias, of_bias)
    logits = tensor("logits", [1, CLASSES], LOGIT_STEP)
    answer = tensor("answer", [1, CLASSES], ANSWER_STEP, 0)

    def operator(code, inputs, outputs, kind_of_options, options):
        one, known = schema.OperatorT(), schema.OperatorCodeT()
        known.builtinCode = known.deprecatedBuiltinCode = code
        one.opcodeIndex, one.inputs, one.outputs = len(made.operatorCodes), inputs, outputs
        one.builtinOptionsType, one.builtinOptions = kind_of_options, options
        made.operatorCodes.append(known)
        return one

    made.operatorCodes = []
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    operators, options = schema.BuiltinOperator, schema.BuiltinOptions
    graph.operators = [
        operator(
            operators.FULLY_CONNECTED,
            [image, kernel, shift],
            [logits],
            options.FullyConnectedOptions,
            schema.FullyConnectedOptionsT(),
        ),
        operator(operators.SOFTMAX, [logits], [answer], options.SoftmaxOptions, softmax),
    ]
    graph.inputs, graph.outputs = [image], [answer]
    made.subgraphs = [graph]
    builder = flatbuffers.Builder()
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main():
    """Writes both files."""
    for name, quantised in (("tiny_float", False), ("tiny_uint8", True)):
        (HERE / f"{name}.tflite").write_bytes(model(quantised))


if __name__ == "__main__":
    main()
