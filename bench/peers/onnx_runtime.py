"""ONNX Runtime as it comes: all graph optimisations, its CPU kernels."""


def files(task):
    return [task.file('network.onnx')]


def start(task):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(task.file('network.onnx'), options,
                                   providers=['CPUExecutionProvider'])
    inputs = task.named_arrays()
    return lambda: session.run(task.outputs, inputs)
