#include "malformed.h"

#include <string.h>

#include "mail/defect.h"

#define MAIL(text) .before = (text), .before_bytes = sizeof(text) - 1
#define F "From: a@example.org\n"
#define T "Content-Type: "
#define MIXED T "multipart/mixed; boundary=b\n\n"
#define E "Content-Transfer-Encoding: "
/* Longer than the limits of headers. */
enum { MANY = 100 * 1000, MEBI = 1024 * 1024 };

const Malformed malformed[] = {
    /* ---- the whole file ---- */
    {"M1", "nothing at all", MAIL(""), .defect = DEFECT_EMPTY},
    {"M2", "one line end", MAIL("\n"), .defect = DEFECT_NO_TEXT},
    {"M3", "a body without a header", MAIL("\nhello\nthere\n"),
     .says = "hello\nthere"},
    {"M3", "text from the first line on", MAIL("Dear all,\nhello there\n"),
     .says = "hello there", .defect = DEFECT_NO_HEADER},
    {"M4", "a header that ends the file", MAIL(F "Subject: only this"),
     .subject = "only this", .defect = DEFECT_NO_TEXT},
    {"M5", "lines of nothing but a colon", MAIL(":\n:\n: x\n")},
    {"M6", "a program",
     MAIL("\x7F"
          "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03"
          "\0>\0\x01\0\0\0\xB0")},
    {"M6", "noise", MAIL("\x93\x1F\0\xFF\xFE\n\x81\n\n\xA7\x01\x02\x1B[31m"),
     .piece = "\xD0\x00\x13", .count = 500},
    {"M7", "a line of an mbox file",
     MAIL("From a@example.org Mon Mar  2 10:00:00 2026\n" F
          "Subject: s\n\nhello\n"),
     .subject = "s", .says = "hello"},
    {"M7", "the same, quoted",
     MAIL(">From a@example.org Mon Mar  2 10:00:00 2026\n" F
          "Subject: s\n\nhello\n"),
     .subject = "s", .says = "hello"},
    {"M8", "lines that end with CR",
     MAIL("From: a@example.org\rSubject: s\r"
          "\rhello\rthere\r"),
     .subject = "s", .says = "hello\nthere", .defect = DEFECT_BARE_CR},
    {"M9", "line ends of all kinds",
     MAIL("From: a@example.org\r\nSubject: s\nX: y\r\n\r\nhello\nthere\r"
          "and here\r\n"),
     .subject = "s", .says = "hello\nthere\nand here"},
    {"M10", "lines that end with LF", MAIL(F "Subject: s\n\nhello again\n"),
     .subject = "s", .says = "hello"},
    {"M11", "NUL in Subject", MAIL(F "Subject: be\0fore\n\nhello\n"),
     .subject = "be\xEF\xBF\xBD"
                "fore",
     .says = "hello"},
    {"M12", "NUL in the body", MAIL(F "Subject: s\n\nbe\0fore\n"),
     .says = "be\xEF\xBF\xBD"
             "fore"},
    {"M13", "NUL in From", MAIL("From: a\0b <a@example.org>\n\nhello\n"),
     .says = "hello"},

    /* ---- addresses, Subject, folding ---- */
    {"M14", "no From", MAIL("Subject: s\n\nhello\n"), .subject = "s",
     .says = "hello", .defect = DEFECT_NO_FROM},
    {"M15", "everything twice",
     MAIL(F "From: b@example.org\nSubject: first\nSubject: second\n"
            "Message-ID: <1@example.org>\nMessage-ID: <2@example.org>\n"
            "Date: Mon, 2 Mar 2026 10:00:00 +0000\nDate: x\n\nhello\n"),
     .subject = "first", .says = "hello", .defect = DEFECT_DUPLICATE_FIELD},
    {"M16", "an empty From", MAIL("From: <>\nSubject: s\n\nhello\n"),
     .says = "hello", .defect = DEFECT_NO_FROM},
    {"M17", "a group as From",
     MAIL("From: undisclosed-recipients:;\nSubject: s\n\nhello\n"),
     .says = "hello", .defect = DEFECT_NO_FROM},
    {"M18", "From without @", MAIL("From: root\nSubject: s\n\nhello\n"),
     .says = "hello", .defect = DEFECT_NO_FROM},
    {"M19", "bytes in a domain", MAIL("From: a@ex\xE4mple.org\n\nhello\n"),
     .says = "hello"},
    {"M20", "bytes in Subject",
     MAIL(F "Subject: gr\xFC\xDF"
            "e aus k\xF6ln\n\nhello\n"),
     .says = "hello"},
    {"M20", "UTF-8 in Subject",
     MAIL(F "Subject: gr\xC3\xBC\xC3\x9F"
            "e\n\nx\n"),
     .subject = "gr\xC3\xBC\xC3\x9F"
                "e"},
    {"M21", "an encoded word that never ends",
     MAIL(F "Subject: =?utf-8?q?never\n\nhello\n"),
     .subject = "=?utf-8?q?never"},
    {"M21", "one of an unknown charset",
     MAIL(F "Subject: =?x-klingon?q?abc?=\n\nhello\n"), .subject = "abc"},
    {"M21", "two that share a character",
     MAIL(F
          "Subject: =?utf-8?b?w7w=?= =?utf-8?q?a=C3?= =?utf-8?q?=BC?=\n\nx\n"),
     .subject = "\xC3\xBC"
                "a\xC3\xBC"},
    {"M21", "one with line ends in it",
     MAIL(F "Subject: =?utf-8?q?a=0D=0ABcc:_v@x?=\n\nhello\n"),
     .subject = "a Bcc: v@x"},
    {"M21", "one of 10 kB", MAIL(F "Subject: =?utf-8?q?"), "=C3=BC", 1700,
     "?=\n\nhello\n", .says = "hello"},
    {"M22", "a Subject of 1 MB", MAIL(F "Subject: "), "word ", MEBI / 5,
     "\n\nhello\n", .says = "hello", .defect = DEFECT_HEADER_FIELD_LONG},
    {"M23", "no Subject", MAIL(F "\nhello\n"), .subject = "", .says = "hello"},
    {"M23", "a Subject of spaces", MAIL(F "Subject:   \t \n\nhello\n"),
     .subject = "", .says = "hello"},
    {"M24", "a space before the colon", MAIL(F "Subject : s\n\nhello\n"),
     .subject = "s"},
    {"M25", "a folded line of spaces",
     MAIL(F "Subject: one\n \t \n two\n\nhello\n"), .says = "hello"},
    {"M26", "a line of 1 MB without a colon", MAIL(F "Subject: s\n"), "x", MEBI,
     "\n\nhello\n", .subject = "s"},
    {"M27", "100,000 Received", MAIL(F),
     "Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0000\n", MANY,
     "Subject: s\n\nhello\n", .defect = DEFECT_HEADER_FIELDS},

    /* ---- ids, dates, structure ---- */
    {"M28", "an id without brackets",
     MAIL(F "Message-ID: 1@example.org\n\nhello\n"), .says = "hello"},
    {"M28", "two ids",
     MAIL(F "Message-ID: <1@x.example> <2@x.example>\n\nx\n")},
    {"M28", "an id of bytes and spaces",
     MAIL(F "Message-ID: < \xFF 1 @ x >\n\nhello\n"), .says = "hello"},
    {"M28", "an empty id", MAIL(F "Message-ID: <>\n\nhello\n"),
     .says = "hello"},
    {"M28", "an id of 1 MB", MAIL(F "Message-ID: <"), "i", MEBI,
     "@example.org>\n\nhello\n", .says = "hello"},
    {"M29", "10,000 References", MAIL(F "References:"),
     " <0123456789@example.org>\n", 10000, "\nhello\n", .says = "hello"},
    {"M29", "References with comments",
     MAIL(F "References: (see <9@x>) <1@x.example> junk <2@x.example> (\n"
            "\nhello\n"),
     .says = "hello"},
    {"M30", "an In-Reply-To in words",
     MAIL(F "In-Reply-To: Your message of Mon, 2 Mar <1@x.example>\n\nhello\n"),
     .says = "hello"},
    {"M31", "no date", MAIL(F "\nhello at no time\n"), .says = "hello"},
    {"M31", "a date of nonsense", MAIL(F "Date: yesterday\n\nhello\n"),
     .defect = DEFECT_BAD_DATE},
    {"M31", "31 February",
     MAIL(F "Date: Tue, 31 Feb 2026 10:00:00 +0000\n\nx\n")},
    {"M31", "the year 99999",
     MAIL(F "Date: Mon, 2 Mar 99999 10:00:00 +0000\n\nhello\n"),
     .defect = DEFECT_BAD_DATE},
    {"M31", "two digits, and a zone of nowhere",
     MAIL(F "Date: 2 Mar 26 10:00 -2400\n\nhello\n"), .says = "hello"},
    {"M32", "the type text", MAIL(F T "text\n\nhello\n"), .says = "hello"},
    {"M32", "an empty type", MAIL(F T "\n\nhello\n"), .says = "hello"},
    {"M32", "a multipart without boundary",
     MAIL(F T "multipart/mixed\n\nhello\n"), .says = "hello",
     .defect = DEFECT_NO_BOUNDARY},
    {"M32", "two types",
     MAIL(F T "text/plain\n" T "application/pdf\n\nhello\n"), .says = "hello"},
    {"M33", "a multipart that never ends",
     MAIL(F MIXED "--b\n\nhello\n--b\n\nthere\n"), .says = "there",
     .defect = DEFECT_UNCLOSED},
    {"M34", "a multipart that ends first", MAIL(F MIXED "--b--\n\nhello\n"),
     .says = "hello"},
    {"M35", "a boundary that begins another",
     MAIL(F MIXED "--b\n" T "multipart/mixed; boundary=bb\n\n"
                  "--bb\n\nhello\n--bb--\n--b\n\nthere\n--b--\n"),
     .says = "there"},
    {"M36", "the same boundary inside",
     MAIL(F MIXED "--b\n" MIXED "--b\n\nhello\n--b--\n--b--\n"),
     .says = "hello"},
    {"M37", "a boundary of 2 kB", MAIL(F T "multipart/mixed; boundary=\""),
     "0123456789", 200, "\"\n\nhello\n", .says = "hello"},
    {"M37", "a boundary with spaces",
     MAIL(F T
          "multipart/mixed; boundary=\"a b \"\n\n--a b\n\nhello\n--a b--\n"),
     .says = "hello"},
    {"M37", "an empty boundary",
     MAIL(F T "multipart/mixed; boundary=\"\"\n\n--\n\nhello\n----\n"),
     .says = "hello"},
    {"M38", "only what stands before the parts", MAIL(F MIXED "hello\n"),
     .says = "hello"},
    {"M38", "only what stands behind them", MAIL(F MIXED "--b--\nhello\n"),
     .says = "hello"},
    {"M39", "a multipart of no parts", MAIL(F MIXED "--b--\n"),
     .defect = DEFECT_NO_PARTS},
    {"M39", "a part without a header",
     MAIL(F MIXED "--b\nhello there\n--b--\n"), .says = "hello there"},
    {"M40", "100 messages in each other, cut short", MAIL(F),
     T "message/rfc822\n\n" F, 100, "Subject: inmost\n\nhel"},

    /* ---- what is the text? ---- */
    {"M41", "empty text beside full HTML",
     MAIL(F T "multipart/alternative; boundary=b\n\n--b\n\n \n--b\n" T
              "text/html\n\n<p>hello\n--b--\n"),
     .says = "hello"},
    {"M41", "HTML alone", MAIL(F T "text/html\n\n<b>hello"), .says = "hello"},
    {"M41", "no text, and a file",
     MAIL(F MIXED "--b\n\n\n--b\n" T "image/png; name=a.png\n" E
                  "base64\n\niVBORw0KGgo=\n--b--\n"),
     .defect = DEFECT_NO_TEXT},
    {"M42", "a signed mail",
     MAIL(F T "multipart/signed; boundary=b\n\n--b\n\nhello\n--b\n" T
              "application/pgp-signature\n\nx\n--b--\n"),
     .says = "hello"},
    {"M42", "a locked one",
     MAIL(F T "application/pkcs7-mime; name=smime.p7m\n" E
              "base64\n\nMIIBAgYJKoZIhvc=\n"),
     .defect = DEFECT_NO_TEXT},
    {"M42", "a winmail.dat of nothing",
     MAIL(F T "application/ms-tnef; name=winmail.dat\n\n\x78\x9F\x3E\x22"),
     .defect = DEFECT_NO_TEXT},
    {"M42", "an invitation",
     MAIL(F MIXED "--b\n\nhello\n--b\n" T
                  "text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n"),
     .says = "hello"},
    {"M42", "a piece of a message",
     MAIL(F T "message/partial; id=x; number=2; total=3\n\nhello\n")},
    {"M42", "a body elsewhere",
     MAIL(F T "message/external-body; access-type=local-file;"
              " name=\"/etc/passwd\"\n\n" T "text/plain\n\n")},

    /* ---- encodings and charsets ---- */
    {"M43", "base64 with junk", MAIL(F E "base64\n\n aGVs\n!bG8\t=\n"),
     .says = "hello"},
    {"M43", "base64 padded in the middle",
     MAIL(F E "base64\n\naGVsbG8=\nIHdvcmxk\n"), .says = "hello world"},
    {"M43", "base64 of an odd length", MAIL(F E "base64\n\naGVsbG8\n"),
     .says = "hello"},
    {"M44", "broken quoted-printable",
     MAIL(F E "quoted-printable\n\nhello=ZZ=\nthere=00=4"), .says = "hello=ZZ"},
    {"M44", "quoted-printable in a line of 1 MB",
     MAIL(F E "quoted-printable\n\nhello"), "=41", MEBI / 3, "=",
     .says = "helloAAA"},
    {"M45", "an unknown encoding", MAIL(F E "x-foo\n\nhello\n"),
     .says = "hello"},
    {"M45", "an encoded multipart",
     MAIL(F E "base64\n" MIXED "--b\n\nhello\n--b--\n"), .says = "hello"},
    {"M45", "a uuencoded file in the text",
     MAIL(F "\nhello\nbegin 644 a.txt\n#0V%T\n`\nend\nthere\n"),
     .says = "hello\nthere"},
    {"M45", "yEnc",
     MAIL(F "\nhello\n=ybegin line=128 size=3 name=a\n\x8D\x8B"
            "\n=yend size=3\n"),
     .says = "hello"},
    {"M46", "an unknown charset",
     MAIL(F T "text/plain; charset=x-klingon\n\nhello \xE9\n"),
     .says = "hello"},
    {"M46", "not the charset it says",
     MAIL(F T "text/plain; charset=utf-8\n\ncaf\xE9 hello\n"),
     .says = "caf\xC3\xA9 hello", .defect = DEFECT_CHARSET},
    {"M46", "3 MB of 0xFF as UTF-8", MAIL(F T "text/plain; charset=utf-8\n\n"),
     "\xFF", 3 * MEBI, "hello\n"},
    {"M46", "UTF-7", MAIL(F T "text/plain; charset=utf-7\n\n+AOk- hello\n"),
     .says = "\xC3\xA9 hello"},
    {"M46", "half a character of UTF-16",
     MAIL(F T "text/plain; charset=utf-16le\n\nh\0i\0x"), .says = "hi"},
    {"M46", "ISO-2022-JP that does not come back",
     MAIL(F T "text/plain; charset=iso-2022-jp\n\n\033$B$3$s"),
     .says = "\xE3\x81\x93\xE3\x82\x93"},
    {"M46", "GB18030",
     MAIL(F T "text/plain; charset=gb2312\n\n\xC4\xE3\xBA\xC3"
              "\x81\x30\x81\x30\n"),
     .says = "\xE4\xBD\xA0\xE5\xA5\xBD"},
    {"M46", "HZ", MAIL(F T "text/plain; charset=hz-gb-2312\n\n~{Dc:C~} ok\n"),
     .says = "\xE4\xBD\xA0\xE5\xA5\xBD ok"},
    {"M47", "10 MB in a line", MAIL(F "\n"), "0123456789", MEBI, "",
     .says = "0123456789", .defect = DEFECT_TEXT_LONG},
    {"M48", "10,000,000 empty lines", MAIL(F "\n"), "\n\n\n\n\n\n\n\n\n\n",
     MEBI, "hello\n"},

    /* ---- names, attachments, reports, quotes ---- */
    {"M49", "pieces of a name out of order",
     MAIL(F MIXED "--b\n\nhello\n--b\nContent-Disposition: attachment;"
                  " filename*2=c; filename*0=a; filename*1*=%62\n\nx\n--b--\n"),
     .says = "hello"},
    {"M49", "60,000 pieces of a name", MAIL(F T "text/plain; name*0=a"),
     "; name*1=b", 60000, "\n\nhello\n"},
    {"M49", "a name that is a path, and 10 kB",
     MAIL(F MIXED "--b\n\nhello\n--b\nContent-Disposition: attachment;"
                  " filename=\"../../etc/\xE2\x80\xAEgpj."),
     "x", 10000, "exe\"\n\nx\n--b--\n", .says = "hello"},
    {"M50", "1,000 files of nothing", MAIL(F MIXED "--b\n\nhello\n"),
     "--b\n" T "application/pdf\n\n", 1000, "--b--\n", .says = "hello"},
    {"M51", "images that show each other",
     MAIL(F T
          "multipart/related; boundary=b\n\n--b\n" T
          "text/html\nContent-ID: <1>\n\n<img src=\"cid:1\">hello\n--b\n" T
          "image/svg+xml\nContent-ID: <2>\n\n<image href=\"cid:2\"/>\n--b--\n"),
     .says = "hello"},
    {"M52", "a report without parts",
     MAIL("From: MAILER-DAEMON@example.org\n" T
          "multipart/report; report-type=delivery-status; boundary=b\n\n"
          "Unzustellbar: gone@example.net\n"),
     .says = "gone@example.net"},
    {"M53", "a quote a thousand levels deep", MAIL(F "\nhello\n\n"), "> ", 1000,
     "old\n", .says = "hello"},
    {"M53", "nothing but a quote",
     MAIL(F "\nOn Mon, 2 Mar 2026 at 10:00, B <b@example.org> wrote:\n"
            "> hello\n"),
     .says = "hello"},
    {"M54", "nothing but a signature", MAIL(F "\n-- \nAnna\n"), .says = "Anna"},
    {"M55", "UTF-8 in addresses",
     MAIL(
         "From: \xC3\xBC <\xC3\xBC@ex\xC3\xA4mple.org>\nSubject: s\n\nhello\n"),
     .says = "hello"},
    {"M56", "from a list, with its footer",
     MAIL(F
          "List-Id: <l.example.org>\n\nhello\n"
          "_______________________________________________\nl mailing list\n"),
     .says = "hello"},
    {"M57", "escape sequences in a field",
     MAIL(F "X-A: \033]0;x\007\nSubject: a\033[31mb\n\nhello\033[0m\n"),
     .says = "hello"},
    {"M58", "Return-Path three times",
     MAIL("Return-Path: <a@x>\nReturn-Path: <>\nReturn-Path: x\n" F
          "\nhello three times\n"),
     .says = "hello"},
    {"M61", "copies of our own mail in each other",
     MAIL(F MIXED "--b\n\nhello\n--b\n" T "message/rfc822\n\n"),
     "From: support@desk.example\nAuto-Submitted: auto-replied\n" MIXED
     "--b\n" T "message/rfc822\n\n",
     30, "x\n--b--\n", .says = "hello"},

    /* ---- attacks on the reader ---- */
    {"A15", "a field in a name",
     MAIL("From: =?utf-8?q?x=0D=0ABcc:_v@x?= <a@example.org>\n\nhello\n"),
     .says = "hello"},
    {"A24", "letters that run backwards",
     MAIL(F "Subject: \xE2\x80\xAE"
            "gpj.exe \xE2\x80\x8B\xEF\xBB\xBFx\n\nhello\n"),
     .subject = "gpj.exe x"},
    {"A26", "HTML that wants to be run",
     MAIL(F T "text/html\n\n<scr<script>ipt>alert(1)</script><svg onload=x>"
              "<base href=//x><form><meta http-equiv=refresh>hello"
              "<img src=x onerror=y><math><style>z</style>"),
     .says = "hello"},
    {"A27", "a type of markup",
     MAIL(F MIXED "--b\n\nhello\n--b\n" T
                  "text/html; x=\"<script>\"; name=\"a\0.exe\"\n\nx\n--b--\n"),
     .says = "hello"},
    {"A28", "100,000 multiparts in each other", MAIL(F MIXED), "--b\n" MIXED,
     MANY, "hello\n", .defect = DEFECT_DEPTH},
    {"A29", "100,000 parts", MAIL(F MIXED "--b\n\nhello\n"), "--b\n\n", MANY,
     "--b--\n", .says = "hello", .defect = DEFECT_PARTS},
    {"A30", "a header of 50 MB", MAIL(F "X: "), "0123456789 ", 5 * MEBI,
     "\n\nhello\n", .defect = DEFECT_HEADER_FIELD_LONG},
    {"A30", "500,000 fields", MAIL(F), "To: a@example.org\n", 500 * 1000,
     "\nhello\n", .defect = DEFECT_HEADER_FIELDS},
    {"A31", "groups in groups", MAIL(F "To: "), "g:", 100 * 1000, "\n\nhello\n",
     .says = "hello"},
    {"A31", "comments in comments", MAIL("From: "), "(", MEBI, "\n\nhello\n"},
    {"A32", "a parameter of a long name", MAIL(F T "text/plain; "), "p", 80,
     "*=utf-8''%C3%BC\n\nhello\n", .says = "hello"},
    {"A33", "100,000 encoded words", MAIL(F "Subject:"), " =?utf-8?q?a?=", MANY,
     "\n\nhello\n"},
    {"A33", "500,000 brackets", MAIL(F "References: "), "<", 500 * 1000,
     "\n\nhello\n"},
    {"A33", "500,000 quotes", MAIL(F "To: "), "\"", 500 * 1000, "\n\nhello\n"},
    {"A33", "500,000 commas", MAIL(F "Cc: "), ",", 500 * 1000, "\n\nhello\n"},
    {"A34", "a body of quote marks", MAIL(F "\n"), ">", MEBI, "\nhello\n"},
    {"A34", "a body of dashes", MAIL(F "\n"), "- ", MEBI, "\nhello\n"},
    {"A34", "a body of introductions", MAIL(F "\nhello\n"),
     "On Mon, 2 Mar 2026, A wrote\n", MEBI / 28, ":\n", .says = "hello"},
    {"A34", "tags that never end", MAIL(F T "text/html\n\nhello"), "<a ", MEBI,
     ""},
    {"A34", "tags that were never begun", MAIL(F T "text/html\n\nhello"),
     "</b>", MEBI, ""},
    {"A34", "a tag with 1 MB of attributes", MAIL(F T "text/html\n\nhello<p "),
     "a=b ", MEBI / 4, ">", .says = "hello"},
    {"A35", "a bomb that is packed",
     MAIL(F "Content-Encoding: gzip\n\n\x1F\x8B\x08\0hello\n"),
     .says = "hello"},
    {"A36", "a charset that runs programs",
     MAIL(F T "text/plain; charset=iso-2022-cn-ext\n\nhello\033$*H\n"),
     .says = "hello"},
    {"A36", "a charset that asks for more",
     MAIL(F T "text/plain; charset=\"utf-8//TRANSLIT\"\n\nhello\n"),
     .says = "hello"},
    {"A36", "a charset with a name of 10 kB", MAIL(F T "text/plain; charset="),
     "x", 10000, "\n\nhello\n", .says = "hello"},
    {"A37", "an encoded NUL", MAIL(F E "quoted-printable\n\nhello=00there\n"),
     .says = "hello\xEF\xBF\xBDthere"},
    {"A38", "surrogates, overlong and beyond",
     MAIL(F T "text/plain; charset=utf-8\n\nhello \xED\xA0\x80\xC0\xAF"
              "\xF7\xBF\xBF\xBF\n"),
     .says = "hello"},
    {"A39", "the year 292278",
     MAIL(F "Date: Mon, 2 Mar 292278 10:00:00 +9999\n\nhello\n"),
     .says = "hello", .defect = DEFECT_BAD_DATE},
    {"A40", "words of other languages",
     MAIL("From: \"'; drop table ticket; --\" <%n%s@example.org>\n"
          "Subject: ' OR 1=1; %n\n\nhello <6>event=mail.decided\n"),
     .subject = "' OR 1=1; %n", .says = "hello"},
    {"A41", "words of a template",
     MAIL(F "Subject: {{config.password}} {{>x}}\n\nhello\n"),
     .subject = "{{config.password}} {{>x}}"},
};

const size_t malformed_count = G_N_ELEMENTS(malformed);

GBytes *
malformed_bytes(const Malformed *mail)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)mail->before,
                        (guint)mail->before_bytes);
    for (size_t i = 0; i < mail->count; i++)
        g_byte_array_append(bytes, (const guint8 *)mail->piece,
                            (guint)strlen(mail->piece));
    if (mail->after != NULL)
        g_byte_array_append(bytes, (const guint8 *)mail->after,
                            (guint)strlen(mail->after));
    return g_byte_array_free_to_bytes(bytes);
}
