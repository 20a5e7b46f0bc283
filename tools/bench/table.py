"""Rounds that take turns, and the rows of the table."""
import statistics, time


def take_turns(sides, rounds):
    """{name: callable that gives a rate or seconds} -> {name: [figure a round]}; the first round warms up."""
    figures = {name: [] for name in sides}
    for r in range(rounds + 1):
        for name, measure in sides.items():
            figure = measure()
            if r > 0:
                figures[name].append(figure)
    return figures


def _busy():
    with open("/proc/stat") as f:
        ticks = [int(t) for t in f.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def busy_share(seconds=0.5):
    """What other programs take of all cores, while this one sleeps."""
    before = _busy()
    time.sleep(seconds)
    after = _busy()
    return (after[0] - before[0]) / max(1, after[1] - before[1])


QUIET = 0.05  # of all cores


def print_head():
    print("| work | ours | peer | ratio (median) | target | of the bound | difference |\n|" + " --- |" * 7, flush=True)


def print_row(work, unit, figures, *, faster_is_more, target=None, share="", difference=""):
    """`figures`: ours first; of the others the best is the peer. The ratio is above 1 where ours is faster.

    Turns do not make a busy machine fair: a peer whose threads spin at barriers slows far more than a share of the cores
    explains. So a row taken while others compute gets no verdict.

    Each figure is "best / median", and the ratio is that of the medians.
    """
    best = max if faster_is_more else min
    (_, ours), *others = figures.items()
    name, theirs = best(others, key=lambda kv: statistics.median(kv[1]))
    quotient = statistics.median(ours) / statistics.median(theirs)
    ratio = quotient if faster_is_more else 1 / quotient
    told = lambda v: f"{best(v):.4g} / {statistics.median(v):.4g} {unit}"
    goal = f"{target}: {'reached' if ratio >= target else 'MISSED'}" if target else ""
    busy = busy_share()
    if busy > QUIET:
        goal = f"VOID: others took {busy * 100:.0f} % of the cores"
    if difference.startswith("DIFFERS"):
        goal = "VOID: not the same work"
    print(f"| {work} | {told(ours)} | {name} {told(theirs)} | {ratio:.2f} | {goal} | {share} | {difference} |", flush=True)
