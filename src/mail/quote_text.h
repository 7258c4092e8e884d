/* What the readers of quoted lines share. Private to this room. */
#ifndef MAIL_QUOTE_TEXT_H
#define MAIL_QUOTE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Its ASCII letters in lower case; g_ascii_strdown() calls a function for each
 * of them, and a body of 25 MB has many. */
char *quote_text_ascii_lower(const char *text, size_t length);

/* In lower case; g_utf8_strdown() is slow, and most lines are ASCII. */
char *quote_text_lower(const char *text, size_t length);

/*
 * In lower case, without the blanks and stars around it; every space is " ",
 * every digit one of ours.
 */
char *quote_text_lower_line(const char *line, size_t length);

/* Bytes of the space at `p`, a no-break space among them; 0 if it is none. */
size_t quote_text_space(const char *p, size_t length);

/* A blank, or what stands around bold words: "*From:*" */
bool quote_text_is_dressing(char c);

/* Part of a word, in any script. */
bool quote_text_is_word_byte(char c);

/* True if the line ends with ":", behind which blanks and stars may stand. */
bool quote_text_ends_with_colon(const char *line, size_t length);

/* True if prose ends with this line: "... to a computer." */
bool quote_text_ends_sentence(const char *line, size_t length);

#endif
