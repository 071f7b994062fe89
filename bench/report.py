"""Statistics of a measurement and the Markdown that docs/performance.md shows of it.

A measurement is a plain dict, as bench/compare.py writes it to results.json: each contender's
seconds are a list with one entry a round, so entry i of all lists was measured in the same round.
"""
import statistics


def quartiles(values):
    """(lower quartile, median, upper quartile)."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method='inclusive'))


def speeds(contender, other):
    """How many times as fast as the other, round by round: drift of the machine cancels."""
    return [b / a for a, b in zip(contender['seconds'], other['seconds'])]


def best_peer(contenders, base):
    """The fastest that is not ours, by its median speed beside `base`."""
    peers = [c for c in contenders if not c['ours']]
    return max(peers, key=lambda c: statistics.median(speeds(c, base)))


def head(base):
    return (('', 'l'), ('median ms', 'r'), ('best ms', 'r'), ('speed / %s (quartiles)' % base, 'l'),
            ('speed / best peer', 'r'), ('peak MiB', 'r'), ('launch to ready ms', 'r'),
            ('launch to first result ms', 'r'), ('model files MB', 'r'))


def milliseconds(seconds):
    return '%.*f' % (1 if seconds < 0.1 else 0, 1e3 * seconds)


def row(c, base, best):
    low, middle, high = quartiles(speeds(c, base))
    return (c['title'], milliseconds(statistics.median(c['seconds'])),
            milliseconds(min(c['seconds'])), '%.2f (%.2f–%.2f)' % (middle, low, high),
            '%.2f' % statistics.median(speeds(c, best)), '%.0f' % c['peak_mebibytes'],
            milliseconds(c['ready']), milliseconds(c['first']), '%.0f' % (c['model_bytes'] / 1e6))


def markdown_table(head, rows):
    lines = ['| %s |' % ' | '.join(title for title, _ in head),
             '| %s |' % ' | '.join({'l': '---', 'r': '---:'}[side] for _, side in head)]
    return '\n'.join(lines + ['| %s |' % ' | '.join(cells) for cells in rows])


def plural(count, noun):
    return '%d %s%s' % (count, noun, 's'[:count != 1])


def machine_line(m):
    """How steady the machine was: the probe is a fixed piece of work, run once a round."""
    fastest = min(m['probe'])
    middle, worst = (100 * fastest / t for t in (statistics.median(m['probe']), max(m['probe'])))
    return ('%s; the machine ran a fixed piece of work at %.0f%% (median) and %.0f%% (worst) of '
            'the speed of the best round, other processes kept %.1f cores busy, the host took '
            '%.1f%%' % (plural(len(m['probe']), 'round'), middle, worst, m['others'],
                        100 * m['stolen']))


def table(m):
    """One table of a measurement, what stands above it and what was left out."""
    contenders = m['contenders']
    base = next(c for c in contenders if c['name'] == m['base'])
    best = best_peer(contenders, base)
    ours = [c for c in contenders if c['ours']]
    peers = sorted((c for c in contenders if not c['ours']),
                   key=lambda c: -statistics.median(speeds(c, base)))
    lines = ['**%s**: %s.' % (plural(m['threads'], 'thread'), machine_line(m)), '',
             markdown_table(head(base['title']), [row(c, base, best) for c in ours + peers]), '']
    lines.append('Best peer: %s.%s' % (best['title'], second_thread(ours)))
    if m['left_out']:
        lines += ['Not in the table:', '']
        lines += ['- %s: %s' % (title, reason) for title, reason in m['left_out']]
    return '\n'.join(lines)


def second_thread(ours):
    """lgpnc's speed on all threads beside that on one, if both were measured."""
    if len(ours) < 2:
        return ''
    low, middle, high = quartiles(speeds(ours[0], ours[1]))
    return ' lgpnc, all threads beside one: %.2f times as fast (quartiles %.2f–%.2f).' % (
        middle, low, high)


def section(result):
    """All tables of a network."""
    b = result['build']
    lines = ['### %s' % result['title'], '',
             '`%s`, commit %s; %s; %s.' % (result['model'], result['commit'], result['machine'],
                                          result['software']),
             '', 'lgpnc%s for %s: built in %.1f s (%.1f s of CPU, %.0f MiB at most), workspace '
             '%.1f MB, packed weights %.1f MB.' % (
                 ' ' + b['options'] if b['options'] else '', b['target'], b['seconds'],
                 b['cpu_seconds'], b['peak_mebibytes'], b['workspace_bytes'] / 1e6,
                 b['packed_bytes'] / 1e6), '']
    for m in result['measurements']:
        lines += [table(m), '']
    return '\n'.join(lines)


def replace_block(page, name, text):
    """The page with `text` between <!-- name: begin --> and <!-- name: end -->, or None."""
    begin, end = '<!-- %s: begin -->\n' % name, '<!-- %s: end -->' % name
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        return None
    return before + begin + text.rstrip('\n') + '\n' + end + after
