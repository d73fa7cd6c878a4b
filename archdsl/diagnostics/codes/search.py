"""A7..: searches."""

from archdsl.diagnostics.model import Kind

NO_SUCH_SETTING = Kind(
    "A701",
    "there is no {what} called `{name}`",
    """Each statement of a search takes one of a few kinds, which docs/search.md lists.""",
)
MISSING_STATEMENT = Kind(
    "A702",
    "this search does not say {what}",
    """A search names a spec (`spec`), what is varied (`vary`, or `hold ... by`), and its data
(`data`).""",
)
SAID_TWICE = Kind(
    "A703",
    "`{what}` is given twice",
    """Each statement is written once in a search.""",
)
NOT_NUMERIC = Kind(
    "A704",
    "`{name}` cannot be solved for: {reason}",
    """`hold ... by` takes knobs that are numbers with a domain, or lists of widths: they are
made larger or smaller until the cost is met.""",
)
UNREACHABLE = Kind(
    "A705",
    "no candidate {tried}has {budget} {cost}: the nearest has {nearest} ({off})",
    """With the other knobs as they are, no value of the knob that is solved for meets the
budget within its tolerance. Choose another budget, widen the tolerance (`within 5%`), give the
knob a finer or a wider domain, or solve for the widths of the stages apart. Where it says "that was
tried", there are more candidates than were looked at: several knobs, lists, latency, domains
without a grid or with more than 4,096 values.""",
)
BAD_OBJECTIVE = Kind(
    "A708",
    "a search cannot {verb} `{name}`",
    """A search maximizes or minimizes a metric of its task, such as accuracy, f1, iou or mae; or it
minimizes loss, error, macs, params, activations or latency. With several objectives, or a cost
among them, it is a Pareto search.""",
)
BAD_COMBINATION = Kind(
    "A709",
    "{what}",
    """Two statements of this search do not go together.""",
)
BAD_TUNE = Kind(
    "A710",
    "`{name}` cannot be tuned",
    """What can be tuned are settings of the recipe that are numbers: lr, batch, label_smoothing,
warmup, clip, and those of the optimizer, such as weight_decay and momentum.""",
)
NO_STUDY = Kind(
    "A711",
    "there is no study `{name}`",
    """A study is the folder that `archdsl search` makes beside itself, or the name under which
it stands in a storage that is given with --storage.""",
)
STUDY_CHANGED = Kind(
    "A712",
    "the study `{name}` was made from something else: {what}",
    """A study goes on only with the search, the spec and the data that it was started with:
results of different questions do not mix.""",
    help="start a new one with --study NAME, or put the old text back",
)
STUDY_BUSY = Kind(
    "A713",
    "the study `{name}` is being searched already, by process {pid}",
    """One process leads a study. To add another that works for it, use `archdsl worker`.""",
)
BAD_STORAGE = Kind(
    "A714",
    "the storage `{name}` cannot be used: {reason}",
    """A storage is the database in the study's folder (the default), or one for many machines such
as postgresql://user@host/name. Where a trial is named, what stands of it there is not what archdsl
writes: somebody else has written it, or the file is damaged.""",
)
WORKERS_FAIL = Kind(
    "A715",
    "the workers stop at once: {reason}",
    """Worker after worker ended before it had finished a trial. What was finished is kept.""",
    help="finished trials are kept: fix the cause, then go on with --resume",
)
TRIALS_FAIL = Kind(
    "A716",
    "{count} trials in a row failed: {reason}",
    """Something is wrong with all of them. What was finished is kept.""",
    help="finished trials are kept: fix the cause, then go on with --resume",
)
NOTHING_TO_SAY = Kind(
    "A717",
    "the study `{name}` has no finished trial yet",
    """A verdict, or a best network, needs results.""",
)
NO_PORT = Kind(
    "A718",
    "no report can be served at port {port}: {reason}",
    """`archdsl report --live` serves a report to this machine, at a port that no other program
has taken; ports below 1024 are the system's.""",
    help="choose another with --port N; --port 0 takes a free one",
)
EXISTS = Kind(
    "A720",
    "the study `{name}` is there already, with {trials}",
    """Nothing is overwritten. Only a study without a result, at which no process works, is begun
anew, so that you can correct a search and start it again.""",
    help="go on with --resume, or start another with --study NAME",
)
BAD_TABLE = Kind(
    "A732",
    "the table `{name}` cannot be used in place of training: {reason}",
    """`train with table` takes the results of training runs from a CSV file, or from columns in
an .npz file: a row for each, with `shape`, `budget`, `setting` and the scores by their names. It
has as many rows of each network as the search has seeds, to explore and to settle.""",
)
NOT_ALLOWED = Kind(
    "A731",
    "the search trains with `{name}`, which is run only where that is allowed",
    """A search that somebody else wrote must not run code by itself: the Python file that it
trains with is named once more on the command line, with --allow-python.""",
)
NO_CLUSTER = Kind(
    "A733",
    "there is no Ray cluster at `{name}`: {reason}",
    """`archdsl search --engine ray --address HOST:PORT` trains on a cluster that `ray start` has
made; `--address auto` takes the one of this machine. Without an address, Ray is started here. A
study is begun after the cluster has answered.""",
    help="`ray status` says whether one runs; `ray start --head` starts one",
)
