"""The tables of docs/benchmark.md from the scores of `lgpnc eval --json`, one file a training.

Before anything is counted, what makes the benchmark honest is checked on the files themselves:
every score is of exactly the models of its fold, and no label stands in two folds.
"""
import csv
import json
import pathlib
import statistics
import sys

import report

COLUMNS = ['F1 losses', 'F1 continuous', 'F1 discrete', 'F1 all 55', 'F1 of what varies',
           'F1 weighted', 'accuracy', 'L1', 'AUC real/fake']


def read_labels(path):
    with open(path, encoding='utf-8') as file:
        return {row['name']: row for row in csv.DictReader(file, delimiter='\t')}


def read_results(folder):
    """{(variant, fold, seed): what lgpnc eval says}."""
    results = {}
    for path in sorted(pathlib.Path(folder).glob('*.json')):
        variant, fold, seed = path.stem.rsplit('-', 2)
        results[variant, int(fold), int(seed)] = json.loads(path.read_text(encoding='utf-8'))
    return results


def check(labels, results):
    """Ends the program if a test model was in training, or has a twin there."""
    seen = {}
    for name, row in labels.items():
        label = tuple(v for k, v in row.items() if k not in ('name', 'family', 'cv_set'))
        other = seen.setdefault(label, row)
        if other['cv_set'] != row['cv_set']:
            sys.exit('zoo_report: %s and %s are twins in two folds' % (other['name'], name))
    for (variant, fold, seed), result in results.items():
        tested = {m['name'] for m in result['models'] if m['images']}
        wanted = {name for name, row in labels.items() if int(row['cv_set']) == fold}
        if result['fold'] != fold or result['split'] != 'test' or tested != wanted:
            sys.exit('zoo_report: %s of fold %d, seed %d: not scored on the models of the fold'
                     % (variant, fold, seed))


def group_scores(result, who, score):
    """Of the three groups, then of all 55 nodes."""
    groups = result['parsing']['groups']
    values = [(g[who] if who else g)[score] for g in groups]
    nodes = [g['nodes'] for g in groups]
    return values + [sum(v * n for v, n in zip(values, nodes)) / sum(nodes)]


def varying_score(result, who):
    """Macro F1 over the nodes that some models of the fold have and others lack. Of a node that all
    or none have one image said otherwise takes the score from 1 to 0.5."""
    images = result['images']['generated']
    values = [(node[who] if who else node)['f1_macro'] for node in result['parsing']['nodes']
              if 0 < node['support'] < images]
    return [statistics.mean(values)]


def columns(result, who=''):
    """One row of the table as numbers, None for what the model does not have."""
    continuous = result['parsing']['continuous']
    last = [continuous['median_l1'], 0.5] if who else [continuous['l1'],
                                                       result['detection'].get('auc')]
    return (group_scores(result, who, 'f1_macro') + varying_score(result, who)
            + group_scores(result, who, 'f1_weighted')[3:]
            + group_scores(result, who, 'accuracy')[3:] + last)


def cell(values, places=3):
    """Mean and standard deviation over folds and seeds."""
    values = [v for v in values if v is not None]
    if not values:
        return '–'
    spread = ' ± %.*f' % (places, statistics.stdev(values)) if len(values) > 1 else ''
    return '%.*f%s' % (places, statistics.mean(values), spread)


def table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '| --- |' + ' ---: |' * (len(head) - 1)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def main_table(results, titles):
    head = [''] + COLUMNS
    rows = []
    for variant, title in titles:
        of = [columns(r) for (v, _, _), r in results.items() if v == variant]
        if of:
            rows.append([title] + [cell(c) for c in zip(*of)])
    any_variant = next(iter(results))[0]
    of = [columns(r, 'majority') for (v, _, _), r in results.items() if v == any_variant]
    rows.append(['always the training majority'] + [cell(c) for c in zip(*of)])
    return table(head, rows)


def paired_table(results, titles, against='lgpn'):
    """LGPN less the others, of the same fold and seed: what folds differ by cancels."""
    head = ['LGPN minus'] + COLUMNS
    rows = []
    for variant, title in titles + [('', 'always the training majority')]:
        pairs = []
        for (v, fold, seed), result in results.items():
            other = results.get((variant, fold, seed)) if variant else result
            if v == against and variant != against and other:
                mine, its = columns(result), columns(other, '' if variant else 'majority')
                pairs.append([None if a is None or b is None else a - b
                              for a, b in zip(mine, its)])
        if pairs:
            rows.append([title] + [cell(c) for c in zip(*pairs)])
    return table(head, rows)


def confusion(results, variant='lgpn'):
    """Every node that some test model has or lacks: counts of images over folds and seeds. True
    positives follow from accuracy and the two counts that the scores have."""
    counts, names = {}, {}
    for (v, _, _), result in results.items():
        if v != variant:
            continue
        images = result['images']['generated']
        for node in result['parsing']['nodes']:
            on, said = node['support'], node['predicted']
            hit = round((node['accuracy'] * images - images + on + said) / 2)
            total = counts.setdefault(node['node'], [0, 0, 0, 0])
            for i, n in enumerate((hit, said - hit, on - hit, images - on - said + hit)):
                total[i] += n
            names[node['node']] = node['title'] if 'title' in node else node['name']
    rows = []
    for number, (hit, false, missed, right) in sorted(counts.items()):
        if hit + missed == 0 and false == 0:
            continue
        both = [2 * n / (2 * n + false + missed) for n in (hit, right) if n or false + missed]
        rows.append([names[number], str(hit), str(missed), str(false), str(right),
                     '%.3f' % (sum(both) / len(both))])
    return table(['node', 'yes, said yes', 'yes, said no', 'no, said yes', 'no, said no',
                  'F1 macro'], rows)


def hyperparameters(results, variant='lgpn'):
    """The 6 choices and 9 values as wholes."""
    of = [r for (v, _, _), r in results.items() if v == variant]
    rows = []
    for i, choice in enumerate(of[0]['parsing']['choices']):
        rows.append([choice['name']] + [cell([r['parsing']['choices'][i][k] for r in of])
                                        for k in ('accuracy', 'majority')] + ['', ''])
    for i, value in enumerate(of[0]['parsing']['continuous']['values']):
        values = [r['parsing']['continuous']['values'][i] for r in of]
        rows.append([value['name'], cell([v['interval_accuracy'] for v in values]), '']
                    + [cell([v[k] for v in values], 4) for k in ('l1', 'median_l1')])
    return table(['hyperparameter', 'accuracy', 'of the majority', 'L1', 'of the median'], rows)


def colour(x):
    """White to dark blue."""
    return '#%02x%02x%02x' % tuple(round(a + (b - a) * x) for a, b in zip((250, 250, 250),
                                                                          (8, 48, 107)))


def heat_map(result):
    """SVG: cosines of the features of a fold's models, or None. (Those of the generated graphs are
    1: docs/benchmark.md.)"""
    features = [r for r in result['coordinated_attacks']['representations']
                if r['name'] == 'feature' and 'similarity' in r]
    if not features:
        return None
    names = [m['name'] for m in result['models'] if m['images']]
    matrix = features[0]['similarity']
    flat = [v for row in matrix for v in row]
    low, high, side, left = min(flat), max(flat), 26, 120
    size = left + side * len(names) + 8
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="11">' % (size, size),
           '<rect width="100%" height="100%" fill="#fff"/>']
    for i, name in enumerate(names):
        middle = left + side * i + side / 2
        out.append('<text x="%d" y="%.0f" text-anchor="end">%s</text>' % (left - 6, middle + 4, name))
        out.append('<text transform="translate(%.0f %d) rotate(-90)">%s</text>'
                   % (middle + 4, left - 6, name))
        for k in range(len(names)):
            v = matrix[i][k]
            out.append('<rect x="%d" y="%d" width="%d" height="%d" fill="%s"><title>%s, %s: %.3f'
                       '</title></rect>' % (left + side * k, left + side * i, side, side, colour(
                           (v - low) / (high - low or 1)), name, names[k], v))
    return '\n'.join(out + ['</svg>', ''])


def main(argv):
    update = [a[9:] for a in argv if a.startswith('--update=')]
    zoo, folder, out, *titles = [a for a in argv if not a.startswith('--')]
    titles = [tuple(t.split('|')[:2]) for t in titles]
    labels, results = read_labels(pathlib.Path(zoo) / 'labels.tsv'), read_results(folder)
    if not results:
        sys.exit('zoo_report: no results in %s' % folder)
    check(labels, results)
    blocks = {'results': main_table(results, titles), 'differences': paired_table(results, titles),
              'hyperparameters': hyperparameters(results), 'confusion': confusion(results)}
    text = '\n\n'.join('## %s\n\n%s' % item for item in blocks.items())
    pathlib.Path(out, 'report.md').write_text(text + '\n', encoding='utf-8')
    print('%s\n\n%s/report.md' % (blocks['results'], out))
    first = min((key for key in results if key[0] == 'lgpn'), default=None)
    svg = heat_map(results[first]) if first else None
    if svg:
        pathlib.Path(out, 'similarity.svg').write_text(svg, encoding='utf-8')
    for path in map(pathlib.Path, update):
        page = path.read_text(encoding='utf-8')
        for name, block in blocks.items():
            page = report.replace_block(page, name, block) or page
        path.write_text(page, encoding='utf-8')
        if svg:
            path.with_name('benchmark-similarity.svg').write_text(svg, encoding='utf-8')


if __name__ == '__main__':
    main(sys.argv[1:])
