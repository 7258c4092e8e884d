/* Prefixes of subjects. */
#include "mail/subject.h"

#include "support.h"

static const struct {
    const char *subject;
    SubjectKind kind;
    const char *base;
} subjects[] = {
    {"Printer", SUBJECT_NEW, "Printer"},
    {"", SUBJECT_NEW, ""},
    {":", SUBJECT_NEW, ":"},
    {"Re: Printer", SUBJECT_REPLY, "Printer"},
    {"RE:Printer", SUBJECT_REPLY, "Printer"},
    {"re : Printer", SUBJECT_REPLY, "Printer"},
    {"Re: Re: AW: Printer", SUBJECT_REPLY, "Printer"},
    {"Re[2]: Printer", SUBJECT_REPLY, "Printer"},
    {"AW (3): Printer", SUBJECT_REPLY, "Printer"},
    {"R: Printer", SUBJECT_REPLY, "Printer"},
    {"I: Printer", SUBJECT_FORWARD, "Printer"},
    {"Відп: Printer", SUBJECT_REPLY, "Printer"},
    {"ПЕР: Printer", SUBJECT_FORWARD, "Printer"},
    {"回复：Printer", SUBJECT_REPLY, "Printer"},
    {"İLT: Printer", SUBJECT_FORWARD, "Printer"},
    {"Odg: Bls: Printer", SUBJECT_REPLY, "Printer"},
    {"Fwd: Re: Printer", SUBJECT_FORWARD, "Printer"},
    {"Re: Fwd: Printer", SUBJECT_REPLY, "Printer"},
    {"Re:", SUBJECT_REPLY, ""},
    {"Regarding: Printer", SUBJECT_NEW, "Regarding: Printer"},
    {"Printer: Re: paper", SUBJECT_NEW, "Printer: Re: paper"},
    {"Re Printer", SUBJECT_NEW, "Re Printer"},
    {"[#1042] Re: Printer", SUBJECT_NEW, "[#1042] Re: Printer"},
};

START_TEST(prefixes_are_known)
{
    ck_assert_int_eq(subject_kind(subjects[_i].subject), subjects[_i].kind);
    ck_assert_str_eq(subject_base(subjects[_i].subject), subjects[_i].base);
}
END_TEST

static void
strip(const char *text, size_t length)
{
    (void)length;
    ck_assert_ptr_nonnull(subject_base(text));
}

static const char *const hostile[] = {"Re:", "Re", "[", "Re[2]", " ", "é"};

START_TEST(hostile_subjects_cost_their_length)
{
    support_grows_linearly(strip, "", hostile[_i], 200000, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, prefixes_are_known, 0, G_N_ELEMENTS(subjects));
    tcase_add_loop_test(tests, hostile_subjects_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("subject", add);
}
