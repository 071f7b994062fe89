"""OpenVINO, tuned for the latency of one request, in f32 as all others."""


def files(task):
    return [task.file('network.onnx')]


def start(task):
    import openvino as ov
    core = ov.Core()
    compiled = core.compile_model(task.file('network.onnx'), 'CPU', {
        'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': task.threads,
        'INFERENCE_PRECISION_HINT': 'f32'})
    inputs = task.named_arrays()
    request = compiled.create_infer_request()
    ports = [compiled.output(n) for n in task.outputs]

    def run():
        results = request.infer(inputs, share_inputs=True, share_outputs=True)
        return [results[p] for p in ports]
    return run
