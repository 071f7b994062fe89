"""The networks of the comparison: a table, and the sizes that a model's name for lgpnc says."""

# name -> the model as lgpnc names it. Another one is given by that name itself.
NETWORKS = {
    'lgpn-256': 'lgpn:image=256',
    'lgpn-64': 'lgpn:image=64',
    'resnet50': 'resnet:depth=50,image=224',
    'resnet50-batch8': 'resnet:depth=50,image=224,batch=8',
}
TITLES = {
    'lgpn-256': 'LGPN, 256 pixels, batch 1',
    'lgpn-64': 'LGPN, 64 pixels, batch 1',
    'resnet50': 'ResNet-50, 224 pixels, batch 1',
    'resnet50-batch8': 'ResNet-50, 224 pixels, batch 8',
}

# The options of each model and their defaults, as `lgpnc models` lists them.
OPTIONS = {
    'lgpn': dict(image=256, width=64, feat=512, dim=128, blocks='3-4-6-3', batch=1),
    'resnet': dict(depth=50, image=224, classes=1000, batch=1),
}


def choose(text):
    """'all', or names and models with ; between them -> [(name, model)]. ValueError with a text."""
    if text == 'all':
        return list(NETWORKS.items())
    return [(name, NETWORKS.get(name) or parse(name) and name) for name in text.split(';')]


def parse(model):
    """'lgpn:image=64' -> ('lgpn', options with the defaults of the others). ValueError."""
    kind, _, rest = model.partition(':')
    if kind not in OPTIONS:
        raise ValueError('%s: one of %s is wanted, or a model such as lgpn:image=128' %
                         (model, ', '.join(NETWORKS)))
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
