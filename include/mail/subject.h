/* "Re:" and its cousins in front of a subject. */
#ifndef MAIL_SUBJECT_H
#define MAIL_SUBJECT_H

#include <stddef.h>

typedef enum {
    SUBJECT_NEW,    /* no prefix */
    SUBJECT_REPLY,  /* "Re:", "AW:", "Відп:", "回复：" ... */
    SUBJECT_FORWARD /* "Fwd:", "WG:", "I:", "Пер:", "转发：" ... */
} SubjectKind;

/*
 * What the first prefix of a decoded subject says; "Fwd: Re: x" is a forward.
 * A prefix may be counted: "Re[2]:", "AW (3):".
 */
SubjectKind subject_kind(const char *subject);

/* Borrowed: the subject behind all its prefixes. */
const char *subject_base(const char *subject);

/* The words of prefixes, one after the other; NULL behind the last. */
const char *subject_prefix_at(size_t index);

#endif
