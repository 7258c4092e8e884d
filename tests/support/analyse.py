#!/usr/bin/env python3
"""usage: analyse.py SOURCES COMPILE-LOG GCC-LOG

What gcc -fanalyzer said (GCC-LOG), and what clang-tidy and cppcheck say of all
that was compiled (COMPILE-LOG, from make V=1), less what SOURCES'
tests/analyse-allowed forgives. Exit: 1 if anything is left.
"""
import concurrent.futures
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

# FILE:LINE:[COLUMN:] SEVERITY: MESSAGE [CHECK], of all three.
FINDING = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (\w+): (.*) \[([^\]\s]+)\]$")
COMPILED = re.compile(r" -c -o \S+ (?:`[^`]*`)?(\S+\.c)\b")
# configure's own words, which nothing of ours reads.
NOT_OURS = re.compile(r"-D(PACKAGE|HAVE|STDC)_")


class Finding:
    def __init__(self, tool, match, sources):
        path, line, _, message, check = match.groups()
        self.tool = tool
        self.file = os.path.relpath(os.path.realpath(path), sources)
        self.line = int(line)
        self.message = message
        self.check = f"{tool}:{check.removeprefix('-W')}"

    def __str__(self):
        return f"{self.file}:{self.line}: {self.message} [{self.check}]"


class Allowed:
    """One line of analyse-allowed: CHECK FILE WORDS."""

    def __init__(self, number, line):
        self.number = number
        self.check, self.file, self.words = (line.split(None, 2) + [""])[:3]
        self.used = False

    def forgives(self, finding):
        return (finding.check == self.check and
                fnmatch.fnmatch(finding.file, self.file) and
                self.words in finding.message)


def read_findings(tool, text, sources):
    for line in text.splitlines():
        match = FINDING.match(line)
        if match and match.group(3) in ("warning", "error", "style",
                                        "performance", "portability"):
            yield Finding(tool, match, sources)


def read_commands(log, sources):
    """The compilations: of their flags only what says how to read a file."""
    commands = []
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            match = COMPILED.search(line)
            if not match:
                continue
            path = match.group(1)
            if not os.path.exists(path):
                path = os.path.join(sources, path)
            words = iter(shlex.split(line[:match.start()]))
            flags = []
            for word in words:
                if word == "-isystem":
                    flags += [word, next(words)]
                elif (re.match("-[ID]|-std=", word) and
                      not NOT_OURS.match(word)):
                    flags.append(word)
            # cppcheck knows no other way to say a quote than a backslash.
            commands.append({"directory": os.getcwd(),
                             "file": os.path.realpath(path),
                             "command": " ".join(["cc", *flags, "-c", path])
                                        .replace('"', '\\"')})
    return commands


def clang_tidy(commands):
    def read(command):
        return subprocess.run(
            ["clang-tidy", "--quiet", "-p", ".", command["file"]],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=False).stdout
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return "\n".join(pool.map(read, commands))


def cppcheck(_commands):
    return subprocess.run(
        ["cppcheck", "--quiet", f"-j{os.cpu_count()}",
         "--project=compile_commands.json", "--library=gtk",
         "--library=posix", "--library=gnu",
         "--enable=warning,style,performance,portability",
         "--suppress=missingIncludeSystem",
         "--template={file}:{line}:{column}: {severity}: {message} [{id}]"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False).stdout


def read_allowed(path):
    with open(path, encoding="utf-8") as lines:
        return [Allowed(number, line.strip())
                for number, line in enumerate(lines, 1)
                if line.strip() and not line.startswith("#")]


def judge(findings, allowed, tools):
    """What nobody forgave, and forgiveness nobody needed."""
    left = []
    for finding in findings:
        entries = [entry for entry in allowed if entry.forgives(finding)]
        for entry in entries:
            entry.used = True
        if not entries:
            left.append(str(finding))
    for entry in allowed:
        if not entry.used and entry.check.split(":")[0] in tools:
            left.append(f"tests/analyse-allowed:{entry.number}: "
                        f"nothing is reported as {entry.check} {entry.file}")
    return left


def main():
    sources, compile_log, gcc_log = sys.argv[1:]
    sources = os.path.realpath(sources)
    commands = read_commands(compile_log, sources)
    if not commands:
        sys.exit("analyse: nothing was compiled")
    with open("compile_commands.json", "w", encoding="utf-8") as out:
        json.dump(commands, out, indent=1)
    with open(gcc_log, encoding="utf-8") as log:
        findings = list(read_findings("gcc", log.read(), sources))
    tools = ["gcc"]
    missing = []
    for tool, run in (("clang-tidy", clang_tidy), ("cppcheck", cppcheck)):
        if shutil.which(tool) is None:
            missing.append(tool)
            continue
        tools.append(tool)
        with open(f"{tool}.log", "w", encoding="utf-8") as log:
            text = run(commands)
            log.write(text)
        findings += read_findings(tool, text, sources)
    allowed = read_allowed(os.path.join(sources, "tests/analyse-allowed"))
    # A header is read with each file that includes it.
    left = list(dict.fromkeys(judge(findings, allowed, tools)))
    print("\n".join(left + [
        f"{len(commands)} files read by {', '.join(tools)}: "
        f"{len(left)} findings, "
        f"{sum(entry.used for entry in allowed)} kinds explained"]))
    for tool in missing:
        print(f"SKIP: {tool} is not installed")
    in_ci = os.environ.get("POSTERN_CI") == "1"
    sys.exit(1 if left or (missing and in_ci) else 0)


if __name__ == "__main__":
    main()
