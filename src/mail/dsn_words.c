#include "mail/dsn_words.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"

enum { PHRASE_BYTES = 8192 }; /* searched for the words of failure */

/* In lower case. Reports say one of these in the subject or the first lines. */
static const char *const failure_words[] = {
    "could not be delivered",
    "couldn't be delivered",
    "can't be delivered",
    "cannot be delivered",
    "can not be delivered",
    "could not deliver",
    "couldn't deliver",
    "cannot deliver",
    "not be delivered",
    "not deliverable",
    "undeliverable",
    "undelivered",
    "undeliver",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "unable to send",
    "failed to deliver",
    "fail to deliver",
    "delivery failure",
    "delivery has failed",
    "delivery failed",
    "delivery fail",
    "delivery error",
    "failure delivery",
    "failure notice",
    "failure notification",
    "failed permanently",
    "permanent fatal error",
    "permanent failure",
    "permanent error",
    "fatal error",
    "returned mail",
    "returned to sender",
    "returning message to sender",
    "return to sender",
    "mail returned",
    "message returned",
    "returned message",
    "returned email",
    "not delivered",
    "wasn't delivered",
    "hasn't been delivered",
    "has not been delivered",
    "delivery status notification",
    "delivery notification",
    "delivery report",
    "nondeliverable",
    "non-delivery",
    "nondelivery",
    "non delivery",
    "delivery problem",
    "trouble delivering",
    "error delivering",
    "problem delivering",
    "error sending your mail",
    "did not reach",
    "could not be reached",
    "couldn't be sent",
    "could not be sent",
    "wasn't sent",
    "unknown recipient",
    "unknown user",
    "user unknown",
    "invalid recipient",
    "invalid user",
    "no such user",
    "no such recipient",
    "recipient not found",
    "unknown address",
    "address not found",
    "user not found",
    "mailbox not found",
    "mailbox is full",
    "mailbox full",
    "over quota",
    "quota exceeded",
    "mail system error",
    "mail failure",
    "mail error",
    "mail delivery failed",
    "delivery delayed",
    "delivery delay",
    "delayed mail",
    "message delayed",
    "mail delayed",
    "has been delayed",
    "is delayed",
    "still being retried",
    "warning: message",
    "warning: could not send",
    "could not send message",
    "cannot send message",
    "message undelivered",
    "message rejected",
    "was rejected",
    "mail rejected",
    "bounced",
    "\"bounce\"",
    "\\\"bounce\\\"",
    "transcript of session follows",
    "not a member",
    "not member",
    "account is disabled",
    "relaying denied",
    "mail delivery warning",
    "failed mail",
    "mail failed",
    "returning to sender",
    "has been returned because",
    "mailbox is over",
    "mailbox has exceeded",
    "full mailbox",
    "mailbox unavailable",
    "mailbox is unavailable",
    "failed recipient",
    "not receive a copy",
    "delivery incomplete",
    "permanent delivery failure",
    /* it */
    "non è stato recapitato",
    "mancata consegna",
    "non consegnato",
    "impossibile recapitare",
    "messaggio non recapitabile",
    "non è stato possibile consegnare",
    "mancato recapito",
    "recapito non riuscito",
    "recapito fallito",
    "consegna fallita",
    "impossibile consegnare",
    "notifica di mancato",
    /* uk, ru */
    "не доставлено",
    "не може бути доставлен",
    "не вдалося доставити",
    "недоставлен",
    "не было доставлено",
    "не может быть доставлен",
    "не удалось доставить",
    "не доставлен",
    "невозможно доставить",
    "не вдається доставити",
    "неможливо доставити",
    "помилка доставки",
    "доставку не виконано",
    "не удается доставить",
    "не удаётся доставить",
    "ошибка доставки",
    "сбой доставки",
    "ошибка при доставке",
    "доставка не удалась",
    /* de */
    "unzustellbar",
    "nicht zugestellt",
    "konnte nicht zugestellt",
    "nicht zustellbar",
    "zustellung fehlgeschlagen",
    "fehlgeschlagen",
    "konnte nicht übermittelt",
    "unzustellbarkeit",
    "übermittlung der nachricht",
    "fehler bei der nachrichtenzustellung",
    "zustellung nicht möglich",
    "nicht ausgeliefert",
    "zustellung verzögert",
    "verzögert zugestellt",
    /* fr */
    "non remis",
    "n'a pas pu être remis",
    "n'a pas pu être distribué",
    "échec de remise",
    "non distribuable",
    "non délivré",
    "non livré",
    "échec de la remise",
    "notification d'échec",
    "n'a pas pu etre delivre",
    "n'a pas pu être délivré",
    "n'a pas pu être livré",
    "n'a pas pu être envoyé",
    "échec de livraison",
    "impossible de remettre",
    "distribution impossible",
    /* es, pt */
    "no se pudo entregar",
    "no se ha podido entregar",
    "no entregado",
    "no se puede entregar",
    "no ha podido ser entregado",
    "devuelto al remitente",
    "error de entrega",
    "no se pudo enviar",
    "no ha sido entregado",
    "no fue entregado",
    "entrega fallida",
    "fallo en la entrega",
    "error al entregar",
    "não foi possível entregar",
    "não pôde ser entregue",
    "não entregue",
    "falha na entrega",
    "não foi entregue",
    "não é possível entregar",
    "não pode ser entregue",
    "nao foi possivel entregar",
    "falha de entrega",
    "erro na entrega",
    /* nl */
    "niet bezorgd",
    "onbestelbaar",
    "kan niet worden bezorgd",
    "niet worden afgeleverd",
    "kon niet worden afgeleverd",
    "niet-bezorgbaar",
    "bezorging mislukt",
    "kon niet worden bezorgd",
    "niet afgeleverd",
    "aflevering mislukt",
    /* pl, cs */
    "nie można dostarczyć",
    "nie dostarczono",
    "niedostarczona",
    "nie mogła zostać dostarczona",
    "niemożliwe do dostarczenia",
    "niedostarczalne",
    "nie została dostarczona",
    "dostarczenie nie powiodło",
    "nie udało się dostarczyć",
    "nieudane dostarczenie",
    "nedoručitelné",
    "nelze doručit",
    "nebylo možné doručit",
    "nedoručiteľné",
    "doručení se nezdařilo",
    "nebyla doručena",
    "nepodařilo doručit",
    "nedoručeno",
    "nepodarilo doručiť",
    "nedoručen",
    /* sv, da, no, fi */
    "kunde inte levereras",
    "går inte att leverera",
    "oläverbart",
    "olevererbart",
    "gick inte att leverera",
    "ej levererbart",
    "leveransen misslyckades",
    "kunde inte skickas",
    "kunne ikke leveres",
    "ikke leveret",
    "ikke levert",
    "kunne ikke levere",
    "kan ikke levere",
    "levering mislykkedes",
    "levering mislyktes",
    "uleverbar",
    "kan ikke leveres",
    "ei voitu toimittaa",
    "toimitus epäonnistui",
    "toimittaminen ei onnistunut",
    "toimittaminen epäonnistui",
    "ei voi toimittaa",
    "ei toimitettu",
    "ei voitu välittää",
    /* tr, hu, ro, el */
    "teslim edilemedi",
    "iletilemedi",
    "teslim edilemiyor",
    "teslim edilemeyen",
    "iletilemiyor",
    "teslimat başarısız",
    "gönderilemedi",
    "kézbesíthetetlen",
    "nem kézbesíthető",
    "sikertelen kézbesítés",
    "nem sikerült kézbesíteni",
    "nu a putut fi livrat",
    "nu poate fi livrat",
    "imposibil de livrat",
    "nelivrat",
    "livrarea a eșuat",
    "δεν ήταν δυνατή η παράδοση",
    "δεν παραδόθηκε",
    "μη παραδοτέο",
    "αποτυχία παράδοσης",
    /* bg, hr, he, ar, vi, id */
    "не може да бъде доставен",
    "недоставено",
    "nije isporučen",
    "nije moguće isporučiti",
    "לא ניתן למסור",
    "לא נמסר",
    "تعذر تسليم",
    "تعذر التسليم",
    "لم يتم تسليم",
    "không gửi được",
    "không thể gửi",
    "tidak terkirim",
    "tidak dapat dikirim",
    "gagal dikirim",
    /* ja, zh, ko */
    "送信できませんでした",
    "配信できませんでした",
    "配送できませんでした",
    "お届けできません",
    "配信不能",
    "配送不能",
    "送信エラー",
    "メールエラー",
    "エラー通知",
    "送信に失敗",
    "配信に失敗",
    "送れませんでした",
    "配信できません",
    "送信できません",
    "配送できません",
    "届きませんでした",
    "届けられませんでした",
    "未配信",
    "エラーのため",
    "無法傳遞",
    "無法送達",
    "退信",
    "无法送达",
    "无法投递",
    "投递失败",
    "发送失败",
    "未送達",
    "被退回",
    "傳送失敗",
    "未送达",
    "发送不成功",
    "無法傳送",
    "無法寄達",
    "投遞失敗",
    "郵件遞送失敗",
    "배달하지 못했",
    "전송 실패",
    "발송 실패",
    "전송되지",
    "배달되지",
    "배달 실패",
    "전달되지",
    "반송",
};

static const char *const delay_words[] = {
    "delivery delayed",
    "delivery delay",
    "delayed mail",
    "has been delayed",
    "is delayed",
    "message delayed",
    "mail delayed",
    "still being retried",
    "(delay)",
    "delivery status notification (delay)",
    "will be retried",
    "will continue to",
    "will keep trying",
    "will retry",
    "not need to resend",
    "no action is required",
    "temporary problem",
    "temporary failure",
    "has not yet been delivered",
    "not yet been delivered",
    "warning message only",
    "this is a warning",
    "verzögert",
    "задержан",
    "затримано",
    "in ritardo",
    "retardé",
    "retrasado",
    "atrasad",
    "vertraagd",
    "opóźnion",
    "zpožděn",
    "fördröj",
    "försena",
    "forsinke",
    "viivästy",
    "gecik",
    "késik",
    "întârzi",
    "καθυστέρ",
    "遅延",
    "延迟",
    "延遲",
    "지연",
    "delivery incomplete",
    "has been postponed",
    "attempts will continue",
    "continue to try",
};

const char *
dsn_words_at(size_t index)
{
    const size_t failures = G_N_ELEMENTS(failure_words);
    if (index < failures)
        return failure_words[index];
    return index - failures < G_N_ELEMENTS(delay_words)
               ? delay_words[index - failures]
               : NULL;
}

static bool
has_any(const char *lower, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(lower, words[i]) != NULL)
            return true;
    return false;
}

/* Lower case, line ends as spaces, for words may be wrapped anywhere; and the
 * apostrophe of typographers as ours. */
static char *
fold(const char *text, size_t length)
{
    length = MIN(length, text_cut_bytes(text, PHRASE_BYTES));
    g_autofree char *part = g_utf8_strdown(text, (gssize)length);
    GString *out = g_string_sized_new(strlen(part) + 1);
    for (const char *p = part; *p != '\0'; p++)
        if (strncmp(p, "\xE2\x80\x99", 3) == 0) {
            g_string_append_c(out, '\'');
            p += 2;
        } else if (!g_ascii_isspace(*p)) {
            g_string_append_c(out, *p);
        } else if (out->len > 0 && out->str[out->len - 1] != ' ') {
            g_string_append_c(out, ' ');
        }
    return g_string_free(out, FALSE);
}

bool
dsn_words_tell_failure(const char *text, size_t length)
{
    g_autofree char *folded = fold(text, length);
    return has_any(folded, failure_words, G_N_ELEMENTS(failure_words));
}

bool
dsn_words_tell_delay(const char *text, size_t length)
{
    g_autofree char *folded = fold(text, length);
    return has_any(folded, delay_words, G_N_ELEMENTS(delay_words));
}

/* Length of the status "5.1.1" at `p`; 0 if there is none. */
static size_t
status_at(const char *start, const char *p, const char *end)
{
    if (strchr("245", *p) == NULL || end - p < 5 || p[1] != '.' ||
        !g_ascii_isdigit(p[2]) || p[3] != '.' || !g_ascii_isdigit(p[4]))
        return 0;
    if (p > start && (g_ascii_isalnum(p[-1]) || p[-1] == '.'))
        return 0;
    size_t n = 5;
    while (p + n < end && n < 7 && g_ascii_isdigit(p[n]))
        n++;
    bool goes_on = p + n < end &&
                   (g_ascii_isalnum(p[n]) || (p[n] == '.' && p + n + 1 < end &&
                                              g_ascii_isdigit(p[n + 1])));
    return goes_on ? 0 : n;
}

char *
dsn_words_status(const char *text, size_t length)
{
    const char *end = text + length;
    char *vague = NULL;
    for (const char *p = text; p < end; p++) {
        size_t n = g_ascii_isdigit(*p) ? status_at(text, p, end) : 0;
        if (n == 0)
            continue;
        bool is_vague = n == 5 && memcmp(p + 1, ".0.0", 4) == 0;
        if (!is_vague && *p != '2') {
            g_free(vague);
            return g_strndup(p, n);
        }
        if (vague == NULL && *p != '2')
            vague = g_strndup(p, n);
    }
    return vague;
}

char
dsn_words_reply_class(const char *text, size_t length)
{
    const char *end = text + length;
    for (const char *p = text; p + 3 <= end; p++) {
        if ((*p != '4' && *p != '5') || p[1] < '0' || p[1] > '5' ||
            !g_ascii_isdigit(p[2]))
            continue;
        bool starts = p == text || (!g_ascii_isalnum(p[-1]) && p[-1] != '.' &&
                                    p[-1] != '@' && p[-1] != '=');
        bool ends = p + 3 == end || strchr(" -:#\n\t,;)]<\"", p[3]) != NULL;
        if (starts && ends)
            return *p;
    }
    return '\0';
}
