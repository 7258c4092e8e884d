#!/usr/bin/env python3
"""usage: coverage.py SOURCES UNCOVERED LEAST

In a build directory with gcov's counts: prints how many lines of SOURCES/src
were reached, room by room, and writes functions never called and lines never
reached to the file UNCOVERED. Generated files are not in SOURCES and thus not
counted. A file that several programs compile is one file; a line is reached if
any of them reached it. Exit: 1 if less than LEAST percent were reached.
"""
import collections
import json
import os
import subprocess
import sys


class File:
    """What is known of one source file, all its compilations together."""

    def __init__(self):
        self.lines = collections.Counter()
        self.functions = {}

    def add(self, report):
        for line in report["lines"]:
            self.lines[line["line_number"]] += line["count"]
        for function in report["functions"]:
            name = function["name"]
            called = self.functions.get(name, (0, 0))[1]
            self.functions[name] = (function["start_line"],
                                    called + function["execution_count"])

    def missed(self):
        return sorted(n for n, count in self.lines.items() if count == 0)

    def never_called(self):
        return sorted((line, name)
                      for name, (line, count) in self.functions.items()
                      if count == 0)


def gcov_reports(notes):
    """gcov's view of each source that the object beside `notes` is made of."""
    output = subprocess.run(
        ["gcov", "--json-format", "--stdout", notes],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for document in output.splitlines():
        report = json.loads(document)
        for file in report["files"]:
            yield os.path.join(report["current_working_directory"],
                               file["file"]), file


def read_counts(sources):
    """path below SOURCES/src -> File."""
    files = collections.defaultdict(File)
    top = os.path.realpath(os.path.join(sources, "src"))
    for directory, _, names in os.walk("src"):
        for name in names:
            if not name.endswith(".gcno"):
                continue
            for path, report in gcov_reports(os.path.join(directory, name)):
                path = os.path.relpath(os.path.realpath(path), top)
                if not path.startswith(os.pardir):
                    files[path].add(report)
    return files


def ranges(numbers):
    """1 2 3 7 -> "1-3 7"."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def write_uncovered(files, path):
    with open(path, "w", encoding="utf-8") as out:
        for name in sorted(files):
            missed = files[name].missed()
            if not missed:
                continue
            out.write(f"src/{name}: lines {ranges(missed)}\n")
            for line, function in files[name].never_called():
                out.write(f"src/{name}:{line}: {function}() is never called\n")


def percent(reached, lines):
    return 100.0 * reached / lines if lines else 0.0


def print_table(files):
    """Returns the percentage of all."""
    rooms = collections.defaultdict(lambda: [0, 0])
    for name, file in files.items():
        for key in (name.split("/")[0], "all"):
            rooms[key][0] += len(file.lines) - len(file.missed())
            rooms[key][1] += len(file.lines)
    print("room          lines  reached")
    for room in sorted(rooms, key=lambda room: (room == "all", room)):
        reached, lines = rooms[room]
        print(f"{room:12} {lines:6} {percent(reached, lines):6.1f} %")
    return percent(*rooms["all"])


def main():
    sources, uncovered, least = sys.argv[1:]
    files = read_counts(sources)
    if not files:
        sys.exit("coverage: no counts below src; was this built to count?")
    write_uncovered(files, uncovered)
    share = print_table(files)
    if share < float(least):
        sys.exit(f"coverage: {share:.1f} % of the lines, "
                 f"less than {least} %; see {os.path.abspath(uncovered)}")


if __name__ == "__main__":
    main()
