"""usage: test_postern_deliver.py PROGRAM

What postern-deliver owes the mail server: the exit status
for everything a daemon can say or fail to say, the line it prints, and every
byte of the mail. Speaks TAP.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True  # the source folder may be read-only
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
from lmtp_peer import DROP, STALL, LmtpPeer

PROGRAM = os.path.abspath(sys.argv[1])
MAIL = b"From: a@x\nSubject: hi\n\nhello\n"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Result:
    def __init__(self, process, output):
        self.status = process.returncode
        self.line = output.decode()
        self.code = self.line.split(" ")[0]


def deliver(path, *arguments, mail=MAIL, env=None, **options):
    """Run it against the socket and return status and output."""
    environment = {"PATH": os.environ["PATH"]}
    environment.update(env or {})
    process = subprocess.Popen(
        [PROGRAM, "-s", path, *arguments], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
        **options)
    output, _ = process.communicate(mail, timeout=60)
    return Result(process, output)


def run(script, *arguments, **options):
    """The same against a fresh peer; returns both."""
    with LmtpPeer(script) as peer:
        result = deliver(peer.path, *(arguments or ("-f", "a@x", "b@y")),
                         **options)
    return peer, result


def expect(result, status, code):
    assert result.status == status, (result.status, result.line)
    if status == 0:
        assert result.line == "", result.line
        return
    assert result.code == code, (code, result.line)
    assert result.line.endswith("\n") and result.line.count("\n") == 1
    assert all(" " <= c <= "~" for c in result.line[:-1]), result.line


@test
def a_mail_goes_through_byte_for_byte():
    every = bytes(range(256)) * 3 + b"\r\n.\r\n\n.\n\r.\r" + b"\0" * 10
    for mail in (MAIL, b"", b"\n", every, b"no newline at the end"):
        peer, result = run({}, mail=mail)
        expect(result, 0, "")
        assert peer.content == mail
        assert peer.ended


@test
def the_conversation_is_what_the_daemon_expects():
    peer, result = run({}, "-f", "a@x", "-i", "4Zx+1=", "b@y", "c@y")
    expect(result, 0, "")
    assert peer.commands == [
        "LHLO postern-deliver", "XFORWARD PROTO=pipe IDENT=4Zx+2B1+3D",
        "MAIL FROM:<a@x> BODY=BINARYMIME", "RCPT TO:<b@y>", "RCPT TO:<c@y>",
        "BDAT %d LAST" % len(MAIL), "QUIT"], peer.commands


@test
def large_mail_comes_in_chunks_and_only_the_last_says_so():
    size = 256 * 1024
    for length in (size - 1, size, size + 1, 5 * size + 17):
        mail = os.urandom(1024) * (length // 1024 + 1)
        mail = mail[:length]
        peer, result = run({}, mail=mail)
        expect(result, 0, "")
        assert peer.content == mail
        assert [last for _, last in peer.chunks].count(True) == 1


@test
def a_mail_that_trickles_in_is_one_mail():
    with LmtpPeer() as peer:
        process = subprocess.Popen(
            [PROGRAM, "-s", peer.path, "-f", "a@x", "b@y"],
            stdin=subprocess.PIPE)
        for byte in MAIL[:10]:
            process.stdin.write(bytes([byte]))
            process.stdin.flush()
            time.sleep(0.01)  # each is a read of its own
        process.stdin.write(MAIL[10:])
        process.stdin.close()
        assert process.wait(30) == 0
    assert peer.content == MAIL


@test
def refusals_map_to_exit_statuses():
    rows = [
        ("550 5.1.1 unknown", 67, "5.1.1"), ("553 5.1.3 bad", 67, "5.1.3"),
        ("552 5.3.4 large", 65, "5.3.4"), ("554 5.6.0 bad", 65, "5.6.0"),
        ("554 5.7.1 no", 77, "5.7.1"), ("550 5.2.1 off", 77, "5.2.1"),
        ("550 unknown", 67, "5.1.1"), ("552 large", 65, "5.3.4"),
        ("554 no", 77, "5.7.1"), ("450 4.2.0 later", 75, "4.2.0"),
        ("451 later", 75, "4.3.0"), ("421 4.3.2 bye", 75, "4.3.2"),
        ("503 5.5.1 sequence", 75, "4.3.0"), ("500 what", 75, "4.3.0"),
        ("501 5.5.4 what", 75, "4.3.0"), ("451 5.1.1 liar", 75, "4.3.0"),
        ("550 4.1.1 liar", 67, "5.1.1"), ("354 what", 75, "4.3.0"),
        ("550-5.1.1 one\r\n550 5.1.1 two", 67, "5.1.1"),
        ("550 5.1.1 \x1b[31m\xe9", 67, "5.1.1"),
        ("550 5.1.1", 67, "5.1.1"), ("550", 67, "5.1.1"),
    ]
    for stage in ("MAIL", "RCPT", "LAST"):
        for reply, status, code in rows:
            peer, result = run({stage: [reply]})
            try:
                expect(result, status, code)
            except AssertionError as why:
                raise AssertionError(stage, reply, why) from why
            assert peer.ended == (stage == "LAST")


@test
def a_daemon_that_is_not_ready_decides_nothing():
    for stage in ("greeting", "LHLO"):
        for reply in ("421 4.3.2 busy", "554 5.3.2 no", "500 5.5.1 what"):
            _, result = run({stage: [reply]})
            expect(result, 75, "4.3.0")


@test
def something_else_on_the_socket_decides_nothing():
    for greeting in (b"+OK POP3\r\n", b"\r\n", b"22", b"220", b"999 x\r\n",
                     b"\0" * 100, b"2" * 5000, b"220-x\r\n" * 500):
        _, result = run({"greeting": [(greeting, DROP)]})
        expect(result, 75, "4.3.0")
    _, result = run({"LHLO": ["250 peer"]})  # no CHUNKING
    expect(result, 75, "4.3.0")


@test
def a_lost_connection_decides_nothing():
    for stage in ("greeting", "LHLO", "XFORWARD", "MAIL", "RCPT", "BDAT",
                  "LAST"):
        _, result = run({stage: [DROP]}, mail=b"x" * 600000)
        expect(result, 75, "4.3.0")


@test
def half_a_reply_is_none():
    for half in (b"250", b"250 2.0.0 ok", b"250-2.0.0 ok\r\n"):
        _, result = run({"LAST": [(half, DROP)]})
        expect(result, 75, "4.3.0")


@test
def silence_ends_in_time():
    for stage in ("greeting", "MAIL", "LAST"):
        start = time.monotonic()
        _, result = run({stage: [STALL]}, "-f", "a@x", "-t", "1", "b@y")
        expect(result, 75, "4.3.0")
        assert time.monotonic() - start < 15


@test
def an_input_that_stalls_ends_in_time_and_is_not_a_mail():
    with LmtpPeer() as peer:
        process = subprocess.Popen(
            [PROGRAM, "-s", peer.path, "-f", "a@x", "-t", "1", "b@y"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"x" * 600000)
        process.stdin.flush()
        assert process.wait(60) == 75
        process.stdin.close()
        process.stderr.close()
    assert not peer.ended


@test
def a_read_error_is_not_the_end_of_the_mail():
    with LmtpPeer() as peer:
        directory = os.open("/", os.O_RDONLY)
        process = subprocess.run(
            [PROGRAM, "-s", peer.path, "-f", "a@x", "b@y"], stdin=directory,
            stderr=subprocess.PIPE, check=False, timeout=30)
        os.close(directory)
    assert process.returncode == 75
    assert not peer.commands


@test
def closed_descriptors_do_no_harm():
    with LmtpPeer() as peer:
        result = subprocess.run(
            ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', PROGRAM, "-s",
             peer.path, "-f", "a@x", "b@y"], check=False, timeout=30)
        assert result.returncode == 75
        assert not peer.commands
    with LmtpPeer() as peer:
        result = subprocess.run(
            ["sh", "-c", 'exec "$0" "$@" >&- 2>&-', PROGRAM, "-s",
             peer.path, "-f", "a@x", "b@y"], check=False, input=MAIL,
            timeout=30)
        assert result.returncode == 0
    assert peer.content == MAIL


@test
def no_daemon_is_temporary_and_the_input_is_read():
    for path in ("/nonexistent/socket", "/dev/null", "/" + "x" * 200):
        result = deliver(path, "-f", "a@x", "b@y", mail=b"x" * 3000000)
        expect(result, 75, "4.3.0")


@test
def a_refusal_still_reads_the_input():
    # communicate() would meet a broken pipe otherwise, which it hides: so a
    # writer of our own that does not.
    with LmtpPeer({"RCPT": ["550 5.1.1 no"]}) as peer:
        process = subprocess.Popen(
            [PROGRAM, "-s", peer.path, "-f", "a@x", "b@y"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(50):
            process.stdin.write(b"x" * 100000)
        process.stdin.close()
        assert process.wait(30) == 67


@test
def a_signal_decides_nothing():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                   signal.SIGALRM):
        with LmtpPeer({"LAST": [STALL]}) as peer:
            process = subprocess.Popen(
                [PROGRAM, "-s", peer.path, "-f", "a@x", "b@y"],
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            process.stdin.write(MAIL)
            process.stdin.close()
            peer.wait_ended()
            process.send_signal(number)
            assert process.wait(60) == 75


@test
def recipients_that_disagree_get_nothing():
    rows = [
        (["250 ok", "550 5.1.1 no"], 67, "5.1.1"),
        (["550 5.1.1 no", "250 ok"], 67, "5.1.1"),
        (["550 5.1.1 no", "451 4.3.0 later"], 75, "4.3.0"),
        (["452 4.5.3 many", "550 5.1.1 no"], 75, "4.5.3"),
        (["250 ok", "451 4.3.0 later"], 75, "4.3.0"),
        (["550 5.1.1 no", "554 5.7.1 no"], 67, "5.1.1"),
    ]
    for replies, status, code in rows:
        peer, result = run({"RCPT": replies}, "-f", "a@x", "b@y", "c@y")
        expect(result, status, code)
        assert not peer.chunks


@test
def a_split_behind_the_data_comes_again():
    rows = [
        (["250 2.0.0 ok", "250 2.0.0 ok"], 0, ""),
        (["250 2.0.0 ok", "552 5.3.4 large"], 75, "4.3.0"),
        (["552 5.3.4 large", "250 2.0.0 ok"], 75, "4.3.0"),
        (["451 4.3.0 later", "250 2.0.0 ok"], 75, "4.3.0"),
        (["552 5.3.4 large", "451 4.2.0 later"], 75, "4.2.0"),
        (["552 5.3.4 large", "552 5.3.4 large"], 65, "5.3.4"),
    ]
    for replies, status, code in rows:
        _, result = run({"LAST": replies}, "-f", "a@x", "b@y", "c@y")
        expect(result, status, code)


@test
def a_refusal_in_mid_mail_is_final():
    peer, result = run({"BDAT": ["552 5.3.4 large"]}, mail=b"x" * 3000000)
    expect(result, 65, "5.3.4")
    assert not peer.ended


@test
def aliases_say_the_envelope_by_the_environment():
    env = {"SENDER": "a@x", "RECIPIENT": "r@y", "ORIGINAL_RECIPIENT": "o@y"}
    peer, result = run({}, "-i", "", env=env)
    expect(result, 0, "")
    assert "MAIL FROM:<a@x> BODY=BINARYMIME" in peer.commands
    assert "RCPT TO:<o@y>" in peer.commands
    assert "RCPT TO:<r@y>" not in peer.commands
    # Arguments win.
    peer, _ = run({}, "-f", "f@x", "b@y", env=env)
    assert "MAIL FROM:<f@x> BODY=BINARYMIME" in peer.commands
    assert [c for c in peer.commands if "RCPT" in c] == ["RCPT TO:<b@y>"]
    # The address the alias led to, when the first one is not known.
    peer, result = run({"RCPT": ["550 5.1.1 no"]}, "-i", "", env=env)
    expect(result, 0, "")
    assert "RCPT TO:<r@y>" in peer.commands
    peer, result = run({"RCPT": ["451 4.3.0 no"]}, "-i", "", env=env)
    expect(result, 75, "4.3.0")
    assert "RCPT TO:<r@y>" not in peer.commands
    peer, result = run({"RCPT": ["550 5.1.1 no", "550 5.1.2 no"]}, "-i", "",
                       env=env)
    expect(result, 67, "5.1.1")


@test
def the_null_sender_has_several_names():
    for name in ("", "MAILER-DAEMON", "mailer-daemon", "<>"):
        peer, result = run({}, "-f", name, "b@y")
        expect(result, 0, "")
        assert "MAIL FROM:<> BODY=BINARYMIME" in peer.commands
    peer, _ = run({}, "b@y", env={"SENDER": ""})
    assert "MAIL FROM:<> BODY=BINARYMIME" in peer.commands


@test
def a_queue_can_be_named():
    peer, _ = run({}, "-f", "a@x", "--queue", "billing", "b@y")
    assert "RCPT TO:<b@y> XQUEUE=billing" in peer.commands
    peer, _ = run({}, "-f", "a@x", "-q", "billing")
    assert "RCPT TO:<billing> XQUEUE=billing" in peer.commands
    peer, _ = run({}, "-q", "billing",
                  env={"SENDER": "a@x", "RECIPIENT": "r@y"})
    assert "RCPT TO:<r@y> XQUEUE=billing" in peer.commands


@test
def recipients_may_begin_with_a_dash():
    peer, result = run({}, "-f", "a@x", "--", "-f", "--help")
    expect(result, 0, "")
    assert "RCPT TO:<-f>" in peer.commands
    assert "RCPT TO:<--help>" in peer.commands


@test
def other_than_ascii_is_announced():
    peer, _ = run({}, "-f", "\u00e9@x", "b@y")
    assert "MAIL FROM:<\u00e9@x> BODY=BINARYMIME SMTPUTF8" in peer.commands
    peer, _ = run({}, "-f", "a@x", "\u00fc@y")
    assert "MAIL FROM:<a@x> BODY=BINARYMIME SMTPUTF8" in peer.commands


@test
def what_the_daemon_does_not_offer_is_not_used():
    peer, result = run({"LHLO": ["250-peer\r\n250 CHUNKING"]}, "-f",
                       "\u00e9@x", "-i", "q", "b@y")
    expect(result, 0, "")
    assert peer.commands[1] == "MAIL FROM:<\u00e9@x>"


@test
def mistakes_in_the_arguments_bounce_no_mail():
    rows = [
        ("-f", "a@x"), ("b@y",), ("-x", "-f", "a@x", "b@y"), ("-f",),
        ("-f", "a@x", "-t", "0", "b@y"), ("-f", "a@x", "-t", "9999", "b@y"),
        ("-f", "a@x", "-t", "1x", "b@y"), ("-f", "a@x", ""),
        ("-f", "a@x", "-q", "a b", "b@y"), ("-f", "a@x", "-i", "x" * 101, "b"),
        ("--help", "b@y"), ("b@y", "--version"), ("--unknown",),
        ("-f", "a@x", *["b@y"] * 1001),
    ]
    for arguments in rows:
        peer, result = run({}, *arguments)
        expect(result, 75, "4.3.0")
        assert not peer.commands, arguments


@test
def commands_cannot_be_smuggled_in_addresses():
    for arguments, status, code in (
            (("-f", "a@x>\r\nRCPT TO:<evil@x", "b@y"), 77, "5.1.7"),
            (("-f", "a@x", "b@y>\r\nDATA"), 67, "5.1.3"),
            (("-f", "a@x", "b" * 2000 + "@y"), 67, "5.1.3")):
        peer, result = run({}, *arguments)
        expect(result, status, code)
        assert not peer.commands


@test
def help_and_version_are_given():
    for option, text in (("--help", "usage: postern-deliver"),
                         ("--version", "postern-deliver ")):
        process = subprocess.run([PROGRAM, option], stdout=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, check=False)
        assert process.returncode == 0
        assert process.stdout.decode().startswith(text)


@test
def few_descriptors_are_enough():
    def tighten():
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))
    _, result = run({}, "-f", "a@x", "b@y", preexec_fn=tighten)
    expect(result, 0, "")


def main():
    failed = 0
    print("1..%d" % len(TESTS))
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (number, name))
        except Exception:  # a test that failed; the others go on
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("not ok %d - %s" % (number, name))
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    tempfile.tempdir = "/tmp"
    sys.exit(main())
