/* Where the quoted history begins, in many languages and programs. */
#include "mail/quote.h"

#include <string.h>

#include "support.h"

static char *
view(const char *text, size_t history)
{
    QuoteView view = quote_find(text, history);
    ck_assert_uint_le(view.start, view.end);
    ck_assert_uint_le(view.end, strlen(text));
    return g_strndup(text + view.start, view.end - view.start);
}

/* How mail programs introduce what follows; "> old" stands below each. */
static const char *const introductions[] = {
    "On Mon, May 4, 2020 at 10:11 AM Bob <bob@x.org> wrote:",
    "On Mon, May 4, 2020 at 10:11 AM Bob Longname Builder\n"
    "<bob@x.org> wrote:",
    "On May 4, 2020, at 10:11, Bob <bob@x.org>\nwrote:",
    "On 04/05/2020 10:11, Bob wrote:",
    "On 2020-05-04 10:11, Bob wrote:",
    "At 5/4/2020 10:11 AM, you wrote:",
    "In a message dated 5/4/2020 10:11:12 A.M., bob@x.org writes:",
    "Monday, May 4, 2020, 10:11:12 AM, you wrote:",
    "*On* Mon, May 4, 2020 at 10:11 AM *Bob* <bob@x.org> wrote:",
    "---- On Mon, 04 May 2020 10:11:12 +0200 Bob <bob@x.org> wrote ----",
    "2020-05-04 10:11 GMT+02:00 Bob <bob@x.org>:",
    "2020/5/4 Bob <bob@x.org>",
    "Bob <bob@x.org> wrote:",
    "Bob wrote:",
    /* it */
    "Il giorno lun 4 mag 2020 alle ore 10:11 Bob <bob@x.org> ha scritto:",
    "Il 04/05/2020 10:11, Bob ha scritto:",
    /* uk, ru */
    "пн, 4 трав. 2020 р. о 10:11 Bob <bob@x.org> пише:",
    "04.05.2020 10:11, Bob пише:",
    "пн, 4 мая 2020 г. в 10:11, Bob <bob@x.org>:",
    "04.05.2020 10:11, Bob написал(а):",
    "Понедельник, 4 мая 2020, 10:11 +03:00 от Bob <bob@x.org>:",
    /* de */
    "Am Mo., 4. Mai 2020 um 10:11 Uhr schrieb Bob <bob@x.org>:",
    "Am 04.05.2020 um 10:11 schrieb Bob:",
    "Bob <bob@x.org> schrieb am Mo., 4. Mai\n2020 um 10:11 Uhr:",
    /* fr */
    "Le lun. 4 mai 2020 à 10:11, Bob <bob@x.org> a écrit :",
    "Le 04/05/2020 à 10:11, Bob a écrit\xC2\xA0:",
    /* es, pt */
    "El lun., 4 may. 2020 a las 10:11, Bob (<bob@x.org>) escribió:",
    "Em seg., 4 de mai. de 2020 às 10:11, Bob <bob@x.org> escreveu:",
    "Em 04/05/2020 10:11, Bob escreveu:",
    /* nl */
    "Op ma 4 mei 2020 om 10:11 schreef Bob <bob@x.org>:",
    "Op 4 mei 2020, om 10:11 heeft Bob <bob@x.org> het volgende\n"
    "geschreven:",
    /* pl, cs */
    "pon., 4 maj 2020 o 10:11 Bob <bob@x.org> napisał(a):",
    "W dniu 04.05.2020 o 10:11, Bob pisze:",
    "po 4. 5. 2020 v 10:11 odesílatel Bob <bob@x.org> napsal:",
    "Dne 04. 05. 20 v 10:11 Bob napsal(a):",
    /* sv, da, no, fi */
    "Den mån 4 maj 2020 kl 10:11 skrev Bob <bob@x.org>:",
    "Den man. 4. maj 2020 kl. 10.11 skrev Bob <bob@x.org>:",
    "ma 4. toukok. 2020 klo 10.11 Bob (bob@x.org) kirjoitti:",
    "Bob kirjoitti 4.5.2020 klo 10.11:",
    /* tr, hu, ro */
    "Bob <bob@x.org>, 4 May 2020 Pzt, 10:11 tarihinde şunu yazdı:",
    "Bob <bob@x.org> ezt írta (időpont: 2020. máj. 4., H, 10:11):",
    /* ja, zh, ko */
    "2020年5月4日(月) 10:11 Bob <bob@x.org>:",
    "Bob <bob@x.org> 于2020年5月4日周一 上午10:11写道：",
    "2020년 5월 4일 (월) 오전 10:11, Bob <bob@x.org>님이 작성:",
    /* Apple's in Polish; sl, ca, and digits that are not ours */
    "Wiadomość napisana przez Bob <bob@x.org> w dniu 04.05.2020, o godz. "
    "10:11:",
    "Dne 04. 05. 20 ob 10:11 je Bob napisal(a):",
    "El 4/5/20 a les 10:11, Bob ha escrit:",
    "في ٤ مايو ٢٠٢٠، الساعة ١٠:١١ ص، كتب/كتبت Bob <bob@x.org>:",
    "در تاریخ ۴ مهٔ ۲۰۲۰، ۱۰:۱۱ Bob <bob@x.org> نوشت:",
    /* without a colon, as some write, and in news */
    "In article <x@y.org> Bob Builder\n<bob@x.org> writes",
    "Bob <bob@x.org> wrote in message\nnews:abc@x.org...",
    "Bob <bob@x.org> schrieb im Newsbeitrag <abc@x.org>...",
    /* wrapped before and behind the address, and without a time */
    "On Mon, May 4, Bob Builder\n<bob@x.org>\nwrote:",
    "On Mon, May 4, 2020 at 10:11 AM, Bob <bob@x.org\n> wrote:",
    "Ar 04/05/2020 10:11, scríobh Bob:",
    /* GroupWise */
    ">>> Bob Builder <bob@x.org> 5/4/2020 10:11 AM >>>",
};

START_TEST(introductions_are_found)
{
    const char *introduction = introductions[_i];
    g_autofree char *text =
        g_strdup_printf("New text.\n\n%s\n\n> old\n> older\n", introduction);
    g_autofree char *got = view(text, strlen(text));
    ck_assert_str_eq(got, "New text.");
    g_autofree char *close =
        g_strdup_printf("New text without a gap\n%s\n> old\n", introduction);
    g_autofree char *got_close = view(close, strlen(close));
    ck_assert_str_eq(got_close, "New text without a gap");
    g_autofree char *below =
        g_strdup_printf("%s\n> old\n\nThe answer.\n", introduction);
    g_autofree char *got_below = view(below, strlen(below));
    ck_assert_str_eq(got_below, "The answer.");
}
END_TEST

/* Some programs do not mark what they quote. */
static const char *const marks[] = {
    "-----Original Message-----\nFrom: Bob",
    "-------- Original Message --------",
    "*-------- Original Message --------*",
    "-------- Messaggio originale --------",
    "-------- Оригінальне повідомлення --------",
    "-------- Исходное сообщение --------",
    "-----Ursprüngliche Nachricht-----",
    "-------- Message d'origine --------",
    "-------- Mensaje original --------",
    "-------- Mensagem original --------",
    "-----Oorspronkelijk bericht-----",
    "-----Oryginalna wiadomość-----",
    "-----Původní zpráva-----",
    "-----Ursprungligt meddelande-----",
    "-----Oprindelig meddelelse-----",
    "-----Opprinnelig melding-----",
    "-----Alkuperäinen viesti-----",
    "-----Orijinal Mesaj-----",
    "------------------ 原始邮件 ------------------",
    "---- 回复的原邮件 ----",
    "----- Ursprüngliche Message -----",
    "-----Ursprüngliche Mitteilung-----",
    "-------- 원본 이메일 --------",
    "-----Tin nhắn gốc-----",
    "-----Originalna poruka-----",
    "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐",
    "-----Antwort Nachricht-----",
    "-------- Özgün İleti --------", /* not "i̇leti" with two dots */
    "-------- Upprunalegur póstur --------",
    "-------- Օրիգինալ նամակը --------",
    "<div>-------- Original message --------</div><div>From: Bob </div>",
    ">>> Bob Builder <bob@x.org> 04.05.20 10:11 >>>",
    ">>> \"Bob Builder\" 5/4/2020 10:11 AM >>>",
    "----- Mail original -----",
    "On Mon, May 4, 2020 at 10:11, Bob<bob@x.org> wrote:   old",
    "##- Please type your reply above this line -##",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "=-=-=-= To answer by email, write above this line =-=-=-=",
    "--- Schreiben Sie oberhalb dieser Zeile, um zu antworten ---",
    "=-=-=-= Écrivez au-dessus de cette ligne =-=-=-=",
    "----- Відповідайте вище цього рядка -----",
    "## - この行より上に返信を記入してください - ##",
    "On Mon, May 4, 2020 at 10:11 AM Bob <bob@x.org> wrote:",
    "From: Bob\nSent: Monday, May 4, 2020 10:11\nTo: Anna\nSubject: Hi",
    "From: Bob <bob@x.org>\n\nDate: Monday\n\nTo: Anna\n\nSubject: Hi",
    "*From:* Bob\n*Sent:* Monday\n*To:* Anna\n*Subject:* Hi",
    "________________________________\nFrom: Bob\nSent: x\nTo: y\nSubject: z",
    "Date: Mon, 4 May 2020\nFrom: Bob\nTo: Anna\nSubject: Hi",
    "Da: Bob\nInviato: lunedì 4 maggio 2020\nA: Anna\nOggetto: Ciao",
    "Від: Bob\nНадіслано: 4 травня 2020\nКому: Anna\nТема: Привіт",
    "От: Bob\nОтправлено: 4 мая 2020\nКому: Anna\nТема: Привет",
    "Von: Bob\nGesendet: Montag, 4. Mai 2020\nAn: Anna\nBetreff: Hallo",
    "De : Bob\nEnvoyé : lundi 4 mai 2020\nÀ : Anna\nObjet : Salut",
    "De: Bob\nEnviado el: lunes, 4 de mayo\nPara: Anna\nAsunto: Hola",
    "De: Bob\nEnviada em: segunda-feira\nPara: Anna\nAssunto: Olá",
    "Van: Bob\nVerzonden: maandag 4 mei\nAan: Anna\nOnderwerp: Hallo",
    "Od: Bob\nWysłano: 4 maja 2020\nDo: Anna\nTemat: Cześć",
    "Od: Bob\nOdesláno: 4. května\nKomu: Anna\nPředmět: Ahoj",
    "Från: Bob\nSkickat: den 4 maj\nTill: Anna\nÄmne: Hej",
    "Fra: Bob\nSendt: 4. maj\nTil: Anna\nEmne: Hej",
    "Lähettäjä: Bob\nLähetetty: 4. toukokuuta\nVastaanottaja: Anna\nAihe: x",
    "Kimden: Bob\nGönderildi: 4 Mayıs\nKime: Anna\nKonu: Merhaba",
    "差出人: Bob\n送信日時: 2020年5月4日\n宛先: Anna\n件名: x",
    "发件人：Bob\n发送时间：2020年5月4日\n收件人：Anna\n主题：x",
    "보낸 사람: Bob\n보낸 날짜: 2020\n받는 사람: Anna\n제목: x",
    "Küldő: Bob\nDátum: 2020. május 4.\nCímzett: Anna\nTárgy: x",
    "Pošiljatelj: Bob\nPoslano: 4. maj 2020\nPrejemnik: Anna\nZadeva: x",
    "Dari: Bob\nTanggal: 4 Mei 2020\nKepada: Anna\nPerihal: x",
    "Từ: Bob\nĐã gửi: 4 tháng 5\nTới: Anna\nTiêu đề: x",
    "Nga: Bob\nDërguar: 4 maj\nPër: Anna\nSubjekti: x",
    "از: Bob\nتاریخ: ۴ مه\nبه: Anna\nموضوع: x",
    "发件人: Bob\n日期: 2020\n至: Anna\n主题: x",
    /* without a colon, with dashes, in one line */
    "On Mon, 4 May 2020 10:11:12 +0200 Bob <bob@x.org> wrote",
    "---- Bob Builder wrote ----",
    "-----\xC2\xA0Original Message\xC2\xA0-----",
    "-------- Ursprüngliche Nachricht --------Von: Bob Datum: 04.05.20",
    "From: Bob Sent: Monday, May 4, 2020 To: Anna Subject: Hello",
    "Von: Bob Gesendet: 4. Mai 2020 An: Anna Betreff: Hallo",
    "On Mon, May 4, 2020 10:11 AM, bob@x.org wrote:> old",
};

START_TEST(unmarked_history_is_found)
{
    g_autofree char *text =
        g_strdup_printf("New text.\n\n%s\n\nold\n\nolder\n", marks[_i]);
    g_autofree char *got = view(text, strlen(text));
    ck_assert_str_eq(got, "New text.");
}
END_TEST

/* What people write must stay, whatever it looks like. */
static const char *const kept[] = {
    "Just text.",
    "Two\n\nparagraphs.",
    "Text\n\n-- \nBob",
    "Text\n\nSent from my phone",
    "On Monday you wrote to me about this:\nit was late.",
    "On your remote host you can run:\n\n    telnet localhost",
    "I tried at 10:30:\n\nnothing happened.",
    "From: here\nto there it is far.",
    "Subject: is a word I like.",
    "To: do\nDate: today",
    "Steps:\n1. on\n2. off",
    "It wrote: an error.",
    "- one\n- two\n\n---\n\nmore",
    "```\n# code\n####\n```\n\nend",
    "a > b and b > c",
    "Let us meet on 4 May 2020 at 10:11.\nBob wrote nothing.",
    /* a journey is no quoted header */
    "I need a car.\n\nFrom: Rome\nTo: Paris\nDate: 4 May\n\nThanks",
    "From: Rome Date: 4 May To: Paris, one way",
    ("Yes.\n\nFrom: the very beginning I liked this idea.\nTo: be honest, I "
     "did not know why it is good.\nSubject: to your approval, let us do it."),
    "On 4 May 2020 I heard of bob@x.org that he wrote: never mind.",
    "On 4.5.2020 I asked the man\n<bob@x.org>\nwho sold it.",
    "---- my notes ----\n\nnothing yet",
    "## Heading ##\n\ntext",
    "Hello,\nOn 4 May 2020 at 10:11 your man wrote:\n\"We come\".\nNobody is.",
    "I asked bob@x.org what he wrote\n\nand got no answer",
    "So bob@x.org wrote and waited...\n\nand then",
    "On 4 May 2020 at 10:11 I called bob@x.org:\nhe was out.",
    "It says\n<div>- one</div>\nand I wonder",
};

START_TEST(prose_is_kept)
{
    g_autofree char *got = view(kept[_i], strlen(kept[_i]));
    ck_assert_str_eq(got, kept[_i]);
}
END_TEST

static const struct {
    const char *text;
    const char *expected;
} views[] = {
    {"", ""},
    {"\n \n", ""},
    {"> only\n> quotes\n", ""},
    {"On 04/05/2020 10:11, Bob wrote:\n> only\n> quotes\n", ""},
    /* What ends with a colon of its own is no part of an introduction. */
    {"See you at 10:00:\nBob wrote:\n> old\n", "See you at 10:00:"},
    /* The shortest introduction, and what is shorter. */
    {"Yes.\n씀:\n> old\n", "Yes."},
    {"Yes.\nso:\n> old\n", "Yes.\nso:"},
    /* Answers between quotes stay, with the quotes between them. */
    {"> one?\nyes\n\n> two?\nno\n\n> old\n", "yes\n\n> two?\nno"},
    {"Hi,\n\n> one?\nyes\n\n> two?\nno\n", "Hi,\n\n> one?\nyes\n\n> two?\nno"},
    /* Nor is what a letter ends with, and who wrote it. */
    {"Yes.\n\nOn 4 May, Bob <b@x.org> wrote:\n> old\n\nBest regards,\nAnn\n"
     "\n--\nAnn Example\nExample Inc.\nTown\nRoom 5\nPhone 1\n",
     "Yes."},
    {"Yes.\n\nOn 4 May, Bob <b@x.org> wrote:\n> old\n\nSent from my iPhone\n",
     "Yes."},
    {"Yes.\n\nOn 4 May, Bob <b@x.org> wrote:\n> old\n\nRegards\n\nOne more:\n"
     "tell me\nwhen\nyou\ncome.\n",
     "Yes.\n\nOn 4 May, Bob <b@x.org> wrote:\n> old\n\nRegards\n\nOne more:\n"
     "tell me\nwhen\nyou\ncome."},
    /* A quoted header whose fields go on in further lines. */
    {"Yes.\n\nFrom: Bob\nTo: a@x.org; b@x.org;\n    c@x.org; d@x.org;\n"
     "    e@x.org;\nf@x.org\nSubject: z\n\nold\n",
     "Yes."},
    /* A signature below the quotes is no answer. */
    {"New\n\n> old\n\n-- \nBob\n", "New"},
    {"New\n\n> old\n-- Ann Example, M.A.\n   Example Inc.\n", "New"},
    {"New\n\n> old\n-- Yes, do it\n", "New\n\n> old\n-- Yes, do it"},
    {"New\n\n> old\n-- Ann Example\n1\n2\n3\n4\n5\n6\n7\n", "New"},
    {"New\n\n> old\n\nRegards,\nAnn\nExample Inc.\n", "New"},
    {"New\n\n> old\n\nRegards,\nAnn\nExample Inc.\nTown\n",
     "New\n\n> old\n\nRegards,\nAnn\nExample Inc.\nTown"},
    {"New\n\n> old\n-- Ann Example\n1\n2\n3\n4\n5\n6\n7\n8\n",
     "New\n\n> old\n-- Ann Example\n1\n2\n3\n4\n5\n6\n7\n8"},
    {"New\n\n> old\n\n____________________________\nlist footer\nhttp://x\n",
     "New"},
    /* A quoted line that was wrapped is no answer either. */
    {"New\n\n> a line of more than sixty characters was wrapped by someone\n"
     "else's\n> program\n",
     "New"},
    /* What was forwarded is the matter. */
    {"FYI\n\n---------- Forwarded message ---------\nFrom: Bob\nDate: x\n"
     "Subject: y\nTo: z\n\nthe matter\n",
     "FYI\n\n---------- Forwarded message ---------\nFrom: Bob\nDate: x\n"
     "Subject: y\nTo: z\n\nthe matter"},
    {"Begin forwarded message:\n\nFrom: Bob\nSubject: x\nDate: y\nTo: z\n\nm",
     "Begin forwarded message:\n\nFrom: Bob\nSubject: x\nDate: y\nTo: z\n\nm"},
    {"FYI\n\n-------- İletilmiş İleti --------\nKimden: Bob\nKime: z\n"
     "Konu: x\n\nm",
     "FYI\n\n-------- İletilmiş İleti --------\nKimden: Bob\nKime: z\n"
     "Konu: x\n\nm"},
    {"-------- Переслане повідомлення --------\nТема: x\n\nm",
     "-------- Переслане повідомлення --------\nТема: x\n\nm"},
    {"FYI\n\nBegin forwarded message:\n\n> From: Bob\n> Subject: x\n>\n> m\n",
     "FYI\n\nBegin forwarded message:\n\n> From: Bob\n> Subject: x\n>\n> m"},
    {"Yes\n\nOn 4/5/2020 10:11, Bob <b@x.org> wrote:\n> Begin forwarded "
     "message:\n>\n> > m\n",
     "Yes"},
    /* A header at the very top is the mail's own matter. */
    {"From: Bob\nSent: x\nTo: y\nSubject: z\n\nthe matter\n",
     "From: Bob\nSent: x\nTo: y\nSubject: z\n\nthe matter"},
    /* A wrapped introduction whose last line begins with ">". */
    {"New\n\nAm 04.05.2020 10:11 schrieb \"Bob\" <bob@x.org\n>:\n\n> old\n",
     "New"},
    /* Bars count as quotes where they were announced. */
    {"New\n\n2020/5/4 Bob <bob@x.org>\n\n| old\n| older\n", "New"},
    /* An introduction that a phone wrote behind the answer. */
    {"Eleven is best On Mar 9, 2018 6:35 PM, Bob Doe <bob@x.org> wrote:\n> "
     "old\n",
     "Eleven is best"},
    {"Thanks On Mon, May 4, 2020 at 10:11, Bob <bob@x.org> wrote:\n> old\n",
     "Thanks"},
    {"Danke--- Am 4. Mai 2020 um 10:11 schrieb Bob <bob@x.org>:\nold\n",
     "Danke"},
    {"New\n> Old On Mon, May 4, 2020 at 10:11, Bob <bob@x.org> wrote:\n> >o\n",
     "New"},
    /* A link that was wrapped is no answer. */
    {"New\n\n> See it here\n (https://x.org/a) >\n> more\n", "New"},
    {"New\n\n> View (https://x.org/a\n_b=3)\n> more\n", "New"},
    {"> one (https://x.org/a)?\nyes\n> two\n", "yes"},
    {"Yes.\n\nFrom: the very beginning I liked this idea.\n\nFrom: bob@x.org\n"
     "Sent: 4 May\nTo: ann@x.org\nSubject: z\n\nold\n",
     "Yes.\n\nFrom: the very beginning I liked this idea."},
    {"Yes.\n\nFrom: Bob of the Union of the Seven Example Comp.\nSent: 4 May\n"
     "To: ann@x.org\nSubject: You may call me at ten o'clock.\n\nold\n",
     "Yes."},
    /* Below a rule less is enough. */
    {"New\n\n______\nFrom: bob@x.org\nDate: Mon, 4 May 2020\n\nold\n", "New"},
    {"New\n\n______\n\nFrom: bob@x.org Date: Mon, 4 May 2020\nold\n", "New"},
    {"I wrote:\n\nFrom: bob@x.org\nDate: Mon, 4 May 2020\n\nand then?\n",
     "I wrote:\n\nFrom: bob@x.org\nDate: Mon, 4 May 2020\n\nand then?"},
    {"On 04/05/2020 10:11, Bob wrote:\n |old\n |older\n\nThe answer\n",
     "The answer"},
    {"Hi\n\nAm 04.05.2020 um 10:11 schrieb Bob:\n» old\n\nThe answer\n",
     "Hi\n\nAm 04.05.2020 um 10:11 schrieb Bob:\n» old\n\nThe answer"},
    {"| a | table |\n| b | c |\n", "| a | table |\n| b | c |"},
    /* Initials, too. */
    {"On 04/05/2020 10:11, Bob wrote:\n\nbb> old\nbb>\nbb>> older\n\nNo.\n",
     "No."},
    {"We know\n\na> b\nb> c\n", "We know\n\na> b\nb> c"},
    {"On 04/05/2020 10:11, Bob wrote:\n> old\n\nTry <b>this</b>:\nb>c\n",
     "Try <b>this</b>:\nb>c"},
    {"New\n\nYou said >>> 10:11 >>>\nand so on\n",
     "New\n\nYou said >>> 10:11 >>>\nand so on"},
    {"New\n\n>>> Bob 5/4/2020 10:11 AM >>>\n> old\n\nAnd this.\n",
     "New\n\n>>> Bob 5/4/2020 10:11 AM >>>\n> old\n\nAnd this."},
};

START_TEST(the_writers_part_is_seen)
{
    g_autofree char *got = view(views[_i].text, strlen(views[_i].text));
    ck_assert_str_eq(got, views[_i].expected);
}
END_TEST

START_TEST(what_is_forwarded_stays)
{
    static const char *const subjects[] = {"Fwd: x", "WG: x", "I: Re: x",
                                           "Пер: x", "转发：x"};
    const char *body = "See below.\n\nFrom: Bob\nSent: x\nTo: y\n"
                       "Subject: z\n\nthe matter";
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        g_autofree char *text =
            g_strdup_printf("Subject: %s\n\n%s\n", subjects[i], body);
        g_autoptr(Mail) mail = support_parse(text, NULL);
        ck_assert_str_eq(mail->reply, body);
    }
    g_autofree char *text = g_strdup_printf("Subject: Re: x\n\n%s\n", body);
    g_autoptr(Mail) mail = support_parse(text, NULL);
    ck_assert_str_eq(mail->reply, "See below.");
}
END_TEST

START_TEST(history_told_by_html_is_believed)
{
    g_autofree char *cut = view("New\nold\nolder\n", strlen("New\n"));
    ck_assert_str_eq(cut, "New");
    /* ... but not if nothing would be left. */
    g_autofree char *whole = view("old\nolder\n", 0);
    ck_assert_str_eq(whole, "old\nolder");
}
END_TEST

START_TEST(html_replies_are_split)
{
    static const char *const mails[] = {
        "<div dir=ltr>New</div><br><div class=\"gmail_quote\"><div "
        "class=\"gmail_attr\">On Mon, May 4, 2020 at 10:11 Bob &lt;<a "
        "href=\"mailto:bob@x.org\">bob@x.org</a>&gt; wrote:<br></div>"
        "<blockquote class=\"gmail_quote\">old</blockquote></div>",
        "<p>New</p><div id=\"appendonsend\"></div><hr><div "
        "id=\"divRplyFwdMsg\"><b>Od:</b> Bob</div><div>old</div>",
        "<p>New</p><div style=\"border:none;border-top:solid #B5C4DF "
        "1.0pt;padding:3.0pt 0cm 0cm 0cm\"><p><b>From:</b> Bob<br><b>Sent:"
        "</b> x<br><b>To:</b> y<br><b>Subject:</b> z</p></div><p>old</p>",
        "<p>New</p><div class=\"moz-cite-prefix\">Am 04.05.20 um 10:11 "
        "schrieb Bob:<br></div><blockquote type=\"cite\">old</blockquote>",
        "New<br><blockquote>old</blockquote>",
        /* Told by what mail programs mark, in a language nobody speaks. */
        "<p>New</p><div class=\"moz-cite-prefix\">Zor <div>4-5</div> Bob "
        "grok:</div><blockquote type=\"cite\">old</blockquote>",
        "<p>New</p><p id=\"reply-intro\">Zor Bob grok:</p><blockquote>old"
        "</blockquote>",
        "<p>New</p><p class=\"airmail_on\">Zor Bob grok:<blockquote>old"
        "</blockquote>",
        "<div name=\"messageBodySection\">New</div><div name=\"message"
        "ReplySection\">Zor Bob grok:<p>old</p></div>",
        "<div>New</div><div class=\"cm_quote\">Zor Bob grok:<p>old</p></div>",
        "<div>New</div><hr id=\"zwchr\"><div><b>Zor:</b> Bob</div>old",
        "<p>New</p><div class=\"ydp7yahoo_quoted\"><p>Zor Bob:</p>old</div>",
        "<div>New</div><div>4 May 2020, 10:11 by bob@x.org:</div><blockquote "
        "class=\"tutanota_quote\">old</blockquote>",
        "<div>New</div><div "
        "class=\"freshdesk_quote\">Zor:<div>x</div>old</div>",
        "<div>New</div><div class=\"protonmail_quote\">old<blockquote>older"
        "</blockquote></div>",
        "<div>New</div><div id=\"reply139content\">old</div>",
        "<div>New</div><hr id=\"replySplit\"><p>old</p>",
        "<div>New<div><hr id=\"stopSpelling\">Zor: Bob<br>old</div></div>",
        "<p>New</p><div style=\"border:none; border-top:solid #E1E1E1 1pt; "
        "padding:3pt 0in 0in 0in\"><p><b>Zor:</b> Bob</p></div><p>old</p>",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(mails); i++) {
        g_autofree char *text =
            g_strdup_printf("Content-Type: text/html\n\n%s", mails[i]);
        g_autoptr(Mail) mail = support_parse(text, NULL);
        ck_assert_str_eq(mail->reply, "New");
        ck_assert_ptr_nonnull(strstr(mail->text, "old"));
    }
}
END_TEST

/* An introduction ends with its element, and indented text is no quote. */
START_TEST(html_that_is_no_quote_stays)
{
    static const struct {
        const char *html;
        const char *reply;
    } mails[] = {
        {"<p>Hi</p><div class=\"moz-cite-prefix\">Zor Bob:</div><blockquote>old"
         "</blockquote>Answer",
         "Hi\n>\n> Zor Bob:\n> old\nAnswer"},
        {"<div class=\"moz-cite-prefix\">Zor <div>x</div></div>New", "New"},
        {"Hi<div class=\"protonmail_quote\">old</div>Answer",
         "Hi\n> old\nAnswer"},
        {"Hi<div class=\"my_protonmail_quotes\">this</div>", "Hi\nthis"},
        {"Our address:<blockquote style=\"margin:0 0 0 40px; border: none; "
         "padding:0\">Main Street 5</blockquote>",
         "Our address:\nMain Street 5"},
        {"New<blockquote style=\"border:none;border-left:solid blue\">old<block"
         "quote style=\"border:none\">older</blockquote>old</blockquote>",
         "New"},
        {"<blockquote style=\"border:none\">a</blockquote><blockquote>old"
         "</blockquote></blockquote>b",
         "a\n> old\nb"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(mails); i++) {
        g_autofree char *text =
            g_strdup_printf("Content-Type: text/html\n\n%s", mails[i].html);
        g_autoptr(Mail) mail = support_parse(text, NULL);
        ck_assert_str_eq(mail->reply, mails[i].reply);
    }
}
END_TEST

static void
find(const char *text, size_t length)
{
    quote_find(text, length);
}

/* A34, M53 */
static const struct {
    const char *piece;
    size_t count;
} hostile[] = {
    {">", 2000000},
    {"> ", 1000000},
    {"> \n", 500000},
    {"-", 2000000},
    {"-\n", 500000},
    {"\n", 2000000},
    {"On 04/05/2020 10:11, Bob wrote:\n", 20000},
    {"On 04/05/2020 10:11,\n", 30000},
    {"Bob wrote:\n", 60000},
    {"From: Bob\n", 60000},
    {"From: Bob\nTo: x\nSubject: y\n", 30000},
    {"-- \n", 300000},
    {"-----Original Message-----\n", 20000},
    {"a@", 500000},
    {"<a@b> 10:11 :\n", 40000},
    {"text\n> quote\n", 150000},
    {"1:", 1000000},
    {"from: sent: ", 160000},
    {"From: a Sent: b To: c\n", 90000},
    {"<a@b> wrote\n", 160000},
    {"\xD9\xA1", 1000000},
    {"a On 4, On 4, On 4, <a@b> 10:11:\n", 40000},
    {"> (://\nx\n", 150000},
    {">>> 1:11 >>>\n", 60000},
    {"<a@\n> wrote:\n", 60000},
};

START_TEST(hostile_quotes_cost_their_length)
{
    support_grows_linearly(find, "", hostile[_i].piece, hostile[_i].count, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, introductions_are_found, 0,
                        G_N_ELEMENTS(introductions));
    tcase_add_loop_test(tests, unmarked_history_is_found, 0,
                        G_N_ELEMENTS(marks));
    tcase_add_loop_test(tests, prose_is_kept, 0, G_N_ELEMENTS(kept));
    tcase_add_loop_test(tests, the_writers_part_is_seen, 0,
                        G_N_ELEMENTS(views));
    tcase_add_test(tests, what_is_forwarded_stays);
    tcase_add_test(tests, history_told_by_html_is_believed);
    tcase_add_test(tests, html_replies_are_split);
    tcase_add_test(tests, html_that_is_no_quote_stays);
    tcase_add_loop_test(tests, hostile_quotes_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("quote", add);
}
