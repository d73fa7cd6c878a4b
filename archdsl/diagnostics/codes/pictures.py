"""A9..: pictures and comparisons."""

from archdsl.diagnostics.model import Kind

UNKNOWN_PICTURE = Kind(
    "A901",
    "`{name}` does not end in a format of pictures: {known}",
    """The ending of the file's name says what is written: .svg, which any browser shows and any
drawing program edits; .html, a page on which blocks open and close; .png and .pdf, which need
matplotlib; of a drawing also .dot, for Graphviz.""",
)
BAD_NETWORK = Kind(
    "A902",
    "`{text}` is not a network: {reason}",
    """A network is given everywhere by a path, or by the name of a built-in spec or variant, with
its knobs in parentheses after it if there are any to set: `resnet(depth = 101, width = 32)`.""",
)
NOTHING_PUBLISHED = Kind(
    "A903",
    "none of these networks has a published accuracy on {dataset}",
    """A comparison shows accuracies that the specs carry (`variant resnet50 { imagenet(top1 =
23.9%) }`) or that `--results FILE` adds. `archdsl specs NAME` lists what is known.""",
)
BAD_RESULTS = Kind(
    "A904",
    "`{name}` is not a table of results: {reason}",
    """Results are a CSV file whose first line names its columns, or a JSON list of objects:
`name`, `accuracy` (a share such as 0.931, or 93.1%), and if they were measured `low` and `high`,
the ends of the accuracy's interval. The folder of a study is such a table too, once it has trained
its best shapes anew.""",
)
NO_AXIS = Kind(
    "A905",
    "`{name}` cannot be an axis: {reason}",
    """Contours are drawn over two knobs that are numbers, each with a domain (`depth = 16 in
10..40 step 6`): the domain's values are where the costs are worked out.""",
)
TOO_LARGE_TO_DRAW = Kind(
    "A906",
    "this is more than a picture can show",
    """A drawing has at most 4,000 lines into the boxes of its blocks, 50,000 shapes in all, and is
nested no deeper than can be followed. What repeats is folded where it is a `repeat`, or several
uses of one `block`. `archdsl graph` and `archdsl explain` have no such limit.""",
    help="open fewer levels with --depth, or give what repeats a `block`",
)
TOO_LARGE_TO_PRINT = Kind(
    "A909",
    "this is more than a {name} can show",
    """A .png or .pdf file has at most 2,000 shapes: MaxViT has 1,600 with all its blocks open. An
.svg or .html file has at most 50,000.""",
    help="write an .svg or .html file; of a network, open fewer levels with --depth, or give what "
    "repeats a `block`",
)
NO_TRUNK = Kind(
    "A907",
    "`{name}` cannot be drawn as volumes: {reason}",
    """Volumes stand along one path, from the input of a network to its result. What leads past
it, such as the shortcuts of a U-Net, is a line, with the names of its layers if it has any. A
network of several inputs, or one whose branches meet others in between, has no such path.""",
    help="without --volumes each network can be drawn",
)
NO_ROOM = Kind(
    "A908",
    "{name} pixels are too few for this picture",
    """`--within` makes a picture smaller until it fits. Where its largest text would be less than a
pixel high, nothing could be seen on it.""",
    help="give it {needed} pixels or more, or open fewer levels with --depth",
)
