/*
 * What one line (or a few) of a mail's text is: the words by which mail
 * programs introduce an earlier mail, in the languages they speak. Private to
 * quote.c; all functions look at a bounded number of bytes.
 */
#ifndef MAIL_QUOTE_LINE_H
#define MAIL_QUOTE_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    QUOTE_LINE_MAX = 600, /* longer lines are prose */
    QUOTE_INTRO_LINES = 4 /* an introduction may be wrapped so often */
};

/* Whether a text introduces a quote: "On 1 May 2020 at 10:00, Bob wrote:" */
typedef enum {
    INTRO_NONE,
    INTRO_WEAK,  /* only if ">" lines follow: "Bob wrote:" */
    INTRO_STRONG /* says when and who */
} QuoteIntro;

/* A field of a quoted header, "Von: Bob"; a bit mask. */
typedef enum {
    QUOTE_FIELD_NONE = 0,
    QUOTE_FIELD_FROM = 1,
    QUOTE_FIELD_SENT = 2,
    QUOTE_FIELD_TO = 4,
    QUOTE_FIELD_CC = 8,
    QUOTE_FIELD_SUBJECT = 16,
    QUOTE_FIELD_OTHER = 32
} QuoteField;

/* True if the line could end an introduction: it is worth asking for one. */
bool quote_line_ends_intro(const char *line, size_t length);

/* `text` is one to four lines, joined by spaces. */
QuoteIntro quote_text_intro(const char *text, size_t length);

/* True if the line begins like an introduction that was wrapped: "On Mon," */
bool quote_line_begins_intro(const char *line, size_t length);

/*
 * How much of the line stands before an introduction that some phone wrote
 * behind it: "Thanks On Mon, May 4, 2020 Bob <bob@example.org> wrote:"; its
 * length if there is none.
 */
size_t quote_line_own_length(const char *line, size_t length);

/* True if the line is an introduction with the beginning of the quote in it. */
bool quote_line_holds_intro(const char *line, size_t length);

/*
 * True if the line is "> wrote:" and no quote: the rest of an introduction that
 * was wrapped within the address, `above` is its line of `n` bytes.
 */
bool quote_line_closes_intro(const char *line, size_t length, const char *above,
                             size_t n);

/* GroupWise's ">>> Bob <bob@example.org> 5/4/2020 10:11 AM >>>" */
bool quote_line_is_arrows(const char *line, size_t length);

QuoteField quote_line_field(const char *line, size_t length);

/*
 * True if the line is a whole quoted header: "From: Bob Sent: ... To: Ann".
 * `below_rule`: a line was drawn above it.
 */
bool quote_line_is_header(const char *line, size_t length, bool below_rule);

/* "-----Original Message-----": what follows is history. */
bool quote_line_is_original(const char *line, size_t length,
                            bool may_have_marks);

/* Could any line of this text hold one of the marks of mail programs ("reply
 * above this line")? Asked once, it spares most texts the search in each line.
 */
bool quote_may_have_marks(const char *text, size_t length);

/* "---------- Forwarded message ----------": what follows is the matter. */
bool quote_line_is_forward(const char *line, size_t length);

/* Nothing but "-----", "_____", "=====", "* * *". */
bool quote_line_is_rule(const char *line, size_t length);

/* "-- ", or the rule above the footer of a mailing list. */
bool quote_line_is_signature(const char *line, size_t length);

/* "-- Jane Doe": the name of the writer behind the two dashes. */
bool quote_line_is_named_signature(const char *line, size_t length);

/* "Best regards," or "Sent from my iPhone": a name or so may follow. */
bool quote_line_is_closing(const char *line, size_t length);

#endif
