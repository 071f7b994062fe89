"""What is measured: networks, and steps of their training; the sizes that a model's name says."""

# name -> the model as lgpnc names it. Another one is given by that name itself.
NETWORKS = {
    'lgpn-256': 'lgpn:image=256',
    'lgpn-64': 'lgpn:image=64',
    'resnet50': 'resnet:depth=50,image=224',
    'resnet50-batch8': 'resnet:depth=50,image=224,batch=8',
}
# A step of training (forward, backward, Adam) of a batch; another one is train:MODEL.
TRAINING = {
    'train-lgpn-256': 'lgpn:image=256,batch=2',
    'train-lgpn-64': 'lgpn:image=64,width=16,feat=128,dim=32,batch=32',
}
PREFIX = 'train:'
TITLES = {
    'lgpn-256': 'LGPN, 256 pixels, batch 1',
    'lgpn-64': 'LGPN, 64 pixels, batch 1',
    'resnet50': 'ResNet-50, 224 pixels, batch 1',
    'resnet50-batch8': 'ResNet-50, 224 pixels, batch 8',
    'train-lgpn-256': 'A step of training LGPN, 256 pixels, batch 2',
    'train-lgpn-64': 'A step of training a small LGPN, 64 pixels, batch 32',
}

# The options of each model and their defaults, as `lgpnc models` lists them.
OPTIONS = {
    'lgpn': dict(image=256, width=64, feat=512, dim=128, blocks='3-4-6-3', batch=1),
    'resnet': dict(depth=50, image=224, classes=1000, batch=1),
}


def choose(text):
    """'all', or names and models with ; between them -> [(name, model)]. ValueError with a text."""
    known = {**NETWORKS, **TRAINING}
    if text == 'all':
        return list(known.items())
    return [(name, known.get(name) or checked(name.removeprefix(PREFIX)))
            for name in text.split(';')]


def checked(model):
    parse(model)
    return model


def function(name):
    """The entry point that is measured, and whose inputs and outputs the contenders are given."""
    return 'train_step' if name in TRAINING or name.startswith(PREFIX) else 'infer'


def parse(model):
    """'lgpn:image=64' -> ('lgpn', options with the defaults of the others). ValueError."""
    kind, _, rest = model.partition(':')
    if kind not in OPTIONS:
        raise ValueError('%s: one of %s is wanted, or a model such as lgpn:image=128' %
                         (model, ', '.join([*NETWORKS, *TRAINING])))
    options = dict(OPTIONS[kind])
    for pair in rest.split(',') if rest else []:
        name, _, value = pair.partition('=')
        if name not in options:
            raise ValueError('%s has no option "%s"' % (kind, name))
        options[name] = value if name == 'blocks' else int(value)
    return kind, options


def folder_name(name):
    return ''.join(c if c.isalnum() or c == '-' else '_' for c in name)


def title(name):
    return TITLES.get(name, '`%s`' % name)
