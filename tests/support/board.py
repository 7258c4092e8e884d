#!/usr/bin/python3
"""Is it a board that Grafana can import?

usage: board.py FILE

Every panel has an id of its own, a title, a place that no other has, and asks
the data source that is chosen at import. Exit status: 0, or 1 and why.
"""

import json
import sys


def places(panel):
    """All cells of the grid that a panel covers."""
    grid = panel["gridPos"]
    if grid["x"] + grid["w"] > 24:
        raise ValueError("%s: wider than the board" % panel["title"])
    return {
        (x, y)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    }


def check(board):
    """Raises what is wrong."""
    taken, ids = set(), set()
    variables = {each["name"] for each in board["templating"]["list"]}
    if board.get("id") is not None:
        raise ValueError("a board to be imported has no id")
    for panel in board["panels"]:
        here = places(panel)
        if here & taken:
            raise ValueError("%s: overlaps another" % panel["title"])
        taken |= here
        if panel["id"] in ids:
            raise ValueError("%s: its id is another's" % panel["title"])
        ids.add(panel["id"])
        if panel["type"] == "row":
            continue
        if panel["datasource"]["uid"] not in ["${%s}" % v for v in variables]:
            raise ValueError("%s: another data source" % panel["title"])
        if not panel["targets"] or not panel["description"]:
            raise ValueError("%s: says or asks nothing" % panel["title"])
        names = [target["refId"] for target in panel["targets"]]
        if len(names) != len(set(names)):
            raise ValueError("%s: two questions of one name" % panel["title"])
        for target in panel["targets"]:
            expr = target["expr"]
            if expr.count("(") != expr.count(")") or "postern_" not in expr:
                raise ValueError("%s: %s" % (panel["title"], expr))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        try:
            check(json.load(file))
        except (ValueError, KeyError) as wrong:
            print(repr(wrong))
            sys.exit(1)
