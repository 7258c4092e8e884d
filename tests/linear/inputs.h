/* What a hostile mail may be made of: bytes, marks, and the words of tables. */
#ifndef TESTS_LINEAR_INPUTS_H
#define TESTS_LINEAR_INPUTS_H

#include "measure.h"

/* Each byte: alone, as a line of its own, and as a word of its own. Free all
 * these with g_array_unref(); they are of LinearPiece. */
GArray *linear_bytes(void);
GArray *linear_byte_lines(void);
GArray *linear_byte_words(void);

/* Those of ASCII as lines: nearly all of these cost differently. */
GArray *linear_ascii_lines(void);

/* Few bytes that mean something together: "<a", "=?", "@:\n". */
GArray *linear_marks(void);

/* Words that our tables look for, as words and as lines. */
GArray *linear_words(void);

#endif
