"""JAX on the CPU: the ONNX graph, op by op, as one jitted function.

The ops are those of the networks in bench/networks.py after ONNX Runtime folded their shapes.
Filters are given as XLA's convolution wants them, [kh][kw][in][out].
"""
import os


def files(task):
    return [task.file('folded.onnx')]


def limit_threads(threads):
    """XLA takes as many threads as the process may use cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def conv(lax, x, w, bias, a):
    pads = a.get('pads', [0, 0, 0, 0])
    y = lax.conv_general_dilated(x, w, a.get('strides', [1, 1]),
                                 [(pads[0], pads[2]), (pads[1], pads[3])],
                                 dimension_numbers=('NCHW', 'HWIO', 'NCHW'),
                                 feature_group_count=a.get('group', 1))
    return y if bias is None else y + bias[:, None, None]


def max_pool(jnp, lax, x, a):
    pads = a.get('pads', [0, 0, 0, 0])
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, *a['kernel_shape']),
                             (1, 1, *a.get('strides', [1, 1])),
                             ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))


def rules(jax):
    """ONNX op -> function of its attributes and operands."""
    jnp, lax, nn = jax.numpy, jax.lax, jax.nn

    def axes_of(a, given):
        chosen = a['axes'] if given is None else given.tolist()
        return tuple(chosen)

    def gemm(a, x, w, bias=0.0):
        assert a.get('alpha', 1.0) == 1.0 and a.get('beta', 1.0) == 1.0
        return (x.T if a.get('transA') else x) @ (w.T if a.get('transB') else w) + bias

    def resize(a, x, roi=None, scales=None, sizes=None):
        assert a['mode'] == b'linear' and a['coordinate_transformation_mode'] == b'half_pixel'
        shape = sizes.tolist() if sizes is not None else \
            [round(n * s) for n, s in zip(x.shape, scales.tolist())]
        return jax.image.resize(x, shape, 'linear', antialias=False)

    def reduced(function):
        return lambda a, x, axes=None: function(x, axis=axes_of(a, axes),
                                                keepdims=bool(a.get('keepdims', 1)))
    return {
        'Add': lambda a, x, y: x + y, 'Mul': lambda a, x, y: x * y, 'Div': lambda a, x, y: x / y,
        'Greater': lambda a, x, y: x > y, 'Where': lambda a, c, x, y: jnp.where(c, x, y),
        'Relu': lambda a, x: nn.relu(x), 'Sigmoid': lambda a, x: nn.sigmoid(x),
        'Tanh': lambda a, x: jnp.tanh(x), 'Identity': lambda a, x: x,
        'Clip': lambda a, x, low=None, high=None: jnp.clip(x, low, high),
        'MatMul': lambda a, x, y: x @ y, 'Gemm': gemm, 'Resize': resize,
        'Conv': lambda a, x, w, b=None: conv(lax, x, w, b, a),
        'MaxPool': lambda a, x: max_pool(jnp, lax, x, a),
        'Softmax': lambda a, x: nn.softmax(x, axis=a.get('axis', -1)),
        'Concat': lambda a, *xs: jnp.concatenate(xs, a['axis']),
        'Transpose': lambda a, x: jnp.transpose(x, a['perm']),
        'Reshape': lambda a, x, shape: jnp.reshape(
            x, [x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())]),
        'Flatten': lambda a, x: jnp.reshape(x, (x.shape[0], -1)),
        'Expand': lambda a, x, shape: jnp.broadcast_to(
            x, jnp.broadcast_shapes(x.shape, tuple(shape.tolist()))),
        'Unsqueeze': lambda a, x, axes=None: jnp.expand_dims(x, axes_of(a, axes)),
        'ReduceSum': reduced(jnp.sum), 'ReduceMean': reduced(jnp.mean),
        'ReduceL2': reduced(lambda x, **o: jnp.sqrt(jnp.sum(x * x, **o))),
        'GlobalAveragePool': lambda a, x: jnp.mean(x, axis=(2, 3), keepdims=True),
    }


def read(path):
    """-> (graph, constants by name, names of those that are weights)."""
    import numpy as np
    import onnx
    graph = onnx.load(path).graph
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == 'Conv':      # no filter is shared
            name = node.input[1]
            constants[name] = np.ascontiguousarray(constants[name].transpose(2, 3, 1, 0))
    weights = [n for n, c in constants.items() if c.dtype == np.float32]
    return graph, constants, weights


def start(task):
    limit_threads(task.threads)
    os.environ.update(JAX_PLATFORMS='cpu')
    import jax
    import onnx
    graph, constants, weights = read(task.file('folded.onnx'))
    table = rules(jax)

    def network(params, *inputs):
        values = {**constants, **params, **dict(zip(task.inputs, inputs)), '': None}
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type not in table:
                raise RuntimeError('no rule for ONNX %s' % node.op_type)
            values[node.output[0]] = table[node.op_type](attributes,
                                                         *[values[n] for n in node.input])
        return [values[name] for name in task.outputs]

    params = {n: jax.device_put(constants[n]) for n in weights}
    inputs = [jax.device_put(a) for a in task.arrays()]
    compiled = jax.jit(network).lower(params, *inputs).compile()
    return lambda: jax.block_until_ready(compiled(params, *inputs))
