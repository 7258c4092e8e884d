#include "mail/quote_line.h"

#include <glib.h>
#include <string.h>

/* "wrote" and its sisters, in lower case. */
static const char *const verbs[] = {
    "wrote",         "writes",      "schrieb",       "geschrieben",
    "a écrit",       "écrivait",    "ecrit",         "écrit",
    "escribió",      "escribio",    "escribía",      "escreveu",
    "escrever",      "va escriure", "ha scritto",    "scrive",
    "scriveva",      "schreef",     "geschreven",    "skrev",
    "skreiv",        "kirjoitti",   "kirjoittanut",  "napsal",
    "napsal(a)",     "napsala",     "napísal",       "napísala",
    "napísal(a)",    "pisze",       "napisał",       "napisała",
    "napisał(a)",    "написал",     "написала",      "написал(а)",
    "пишет",         "писал",       "писал(а)",      "пише",
    "писав",         "написав",     "написала",      "написав(ла)",
    "написав (-ла)", "пишува",      "написа",        "написано",
    "yazdı",         "yazmış",      "yazdi",         "írta",
    "a scris",       "scris",       "rašė",          "rakstīja",
    "kirjutas",      "je napisao",  "je napisao/la", "napisao",
    "napisao/la",    "je napisal",  "έγραψε",        "έγραψαν",
    "كتب",           "כתב",         "נכתב על ידי",   "نوشت",
    "đã viết",       "menulis",     "เขียน",          "skrifaði",
    "idatzi zuen",   "escribiu",    "co-wrote",      "said",
    "quoting",       "zitat von",   "zitiere",       "citát",
    "citazione",     "citando",     "citat",         "shkroi",
    "написаў",
};

/* The same where words are not set apart by spaces. */
static const char *const verbs_cjk[] = {
    "写道",     "寫道",       "写到",     "寫到",      "のメッセージ",
    "のメール", "書きました", "さんは書", "님이 작성", "님이 씀",
    "작성:",    "씀:",        "来信",     "撰寫",
};

/* How a wrapped introduction begins. */
static const char *const openings[] = {
    "on ",      "am ",  "le ",     "el ",      "em ",     "op ",  "den ",
    "dnia ",    "il ",  "dne ",    "v ",       "w dniu ", "w ",   "на ",
    "в ",       "у ",   "at ",     "a las ",   "de ",     "pe ",  "il giorno ",
    "in data ", "vào ", "--- on ", "---- on ", "-- on ",  "в чт", "ons ",
    "na ",      "dňa ", "στις ",   "o dia ",   "no dia ", "в пн", "from ",
    "né ",      "2",    "1",
};

static const struct {
    const char *name; /* lower case */
    QuoteField field;
} fields[] = {
    {"from", QUOTE_FIELD_FROM},
    {"von", QUOTE_FIELD_FROM},
    {"de", QUOTE_FIELD_FROM},
    {"expéditeur", QUOTE_FIELD_FROM},
    {"da", QUOTE_FIELD_FROM},
    {"mittente", QUOTE_FIELD_FROM},
    {"remitente", QUOTE_FIELD_FROM},
    {"desde", QUOTE_FIELD_FROM},
    {"remetente", QUOTE_FIELD_FROM},
    {"van", QUOTE_FIELD_FROM},
    {"afzender", QUOTE_FIELD_FROM},
    {"od", QUOTE_FIELD_FROM},
    {"nadawca", QUOTE_FIELD_FROM},
    {"odesílatel", QUOTE_FIELD_FROM},
    {"odosielateľ", QUOTE_FIELD_FROM},
    {"fra", QUOTE_FIELD_FROM},
    {"från", QUOTE_FIELD_FROM},
    {"avsändare", QUOTE_FIELD_FROM},
    {"lähettäjä", QUOTE_FIELD_FROM},
    {"kimden", QUOTE_FIELD_FROM},
    {"gönderen", QUOTE_FIELD_FROM},
    {"от", QUOTE_FIELD_FROM},
    {"от кого", QUOTE_FIELD_FROM},
    {"отправитель", QUOTE_FIELD_FROM},
    {"від", QUOTE_FIELD_FROM},
    {"від кого", QUOTE_FIELD_FROM},
    {"відправник", QUOTE_FIELD_FROM},
    {"ад", QUOTE_FIELD_FROM},
    {"feladó", QUOTE_FIELD_FROM},
    {"de la", QUOTE_FIELD_FROM},
    {"expeditor", QUOTE_FIELD_FROM},
    {"šalje", QUOTE_FIELD_FROM},
    {"saatja", QUOTE_FIELD_FROM},
    {"nuo", QUOTE_FIELD_FROM},
    {"no", QUOTE_FIELD_FROM},
    {"από", QUOTE_FIELD_FROM},
    {"מאת", QUOTE_FIELD_FROM},
    {"من", QUOTE_FIELD_FROM},
    {"差出人", QUOTE_FIELD_FROM},
    {"送信者", QUOTE_FIELD_FROM},
    {"发件人", QUOTE_FIELD_FROM},
    {"寄件者", QUOTE_FIELD_FROM},
    {"寄件人", QUOTE_FIELD_FROM},
    {"보낸 사람", QUOTE_FIELD_FROM},
    {"보낸사람", QUOTE_FIELD_FROM},
    {"จาก", QUOTE_FIELD_FROM},
    {"từ", QUOTE_FIELD_FROM},
    {"sent", QUOTE_FIELD_SENT},
    {"date", QUOTE_FIELD_SENT},
    {"sent at", QUOTE_FIELD_SENT},
    {"date sent", QUOTE_FIELD_SENT},
    {"gesendet", QUOTE_FIELD_SENT},
    {"gesendet am", QUOTE_FIELD_SENT},
    {"datum", QUOTE_FIELD_SENT},
    {"envoyé", QUOTE_FIELD_SENT},
    {"envoyé le", QUOTE_FIELD_SENT},
    {"date d'envoi", QUOTE_FIELD_SENT},
    {"enviado", QUOTE_FIELD_SENT},
    {"enviado el", QUOTE_FIELD_SENT},
    {"enviada em", QUOTE_FIELD_SENT},
    {"enviado em", QUOTE_FIELD_SENT},
    {"enviada", QUOTE_FIELD_SENT},
    {"fecha", QUOTE_FIELD_SENT},
    {"data", QUOTE_FIELD_SENT},
    {"inviato", QUOTE_FIELD_SENT},
    {"verzonden", QUOTE_FIELD_SENT},
    {"wysłano", QUOTE_FIELD_SENT},
    {"wysłane", QUOTE_FIELD_SENT},
    {"data wysłania", QUOTE_FIELD_SENT},
    {"skickat", QUOTE_FIELD_SENT},
    {"sendt", QUOTE_FIELD_SENT},
    {"dato", QUOTE_FIELD_SENT},
    {"lähetetty", QUOTE_FIELD_SENT},
    {"päivämäärä", QUOTE_FIELD_SENT},
    {"pvm", QUOTE_FIELD_SENT},
    {"odesláno", QUOTE_FIELD_SENT},
    {"odoslané", QUOTE_FIELD_SENT},
    {"dátum", QUOTE_FIELD_SENT},
    {"küldve", QUOTE_FIELD_SENT},
    {"elküldve", QUOTE_FIELD_SENT},
    {"gönderme tarihi", QUOTE_FIELD_SENT},
    {"gönderildi", QUOTE_FIELD_SENT},
    {"gönderilme tarihi", QUOTE_FIELD_SENT},
    {"tarih", QUOTE_FIELD_SENT},
    {"дата", QUOTE_FIELD_SENT},
    {"отправлено", QUOTE_FIELD_SENT},
    {"дата отправки", QUOTE_FIELD_SENT},
    {"надіслано", QUOTE_FIELD_SENT},
    {"відправлено", QUOTE_FIELD_SENT},
    {"изпратено", QUOTE_FIELD_SENT},
    {"trimis", QUOTE_FIELD_SENT},
    {"poslano", QUOTE_FIELD_SENT},
    {"saadetud", QUOTE_FIELD_SENT},
    {"išsiųsta", QUOTE_FIELD_SENT},
    {"nosūtīts", QUOTE_FIELD_SENT},
    {"ημερομηνία", QUOTE_FIELD_SENT},
    {"στάλθηκε", QUOTE_FIELD_SENT},
    {"נשלח", QUOTE_FIELD_SENT},
    {"תאריך", QUOTE_FIELD_SENT},
    {"تاريخ", QUOTE_FIELD_SENT},
    {"تم الإرسال", QUOTE_FIELD_SENT},
    {"送信日時", QUOTE_FIELD_SENT},
    {"日付", QUOTE_FIELD_SENT},
    {"日時", QUOTE_FIELD_SENT},
    {"发送时间", QUOTE_FIELD_SENT},
    {"发送日期", QUOTE_FIELD_SENT},
    {"日期", QUOTE_FIELD_SENT},
    {"寄件日期", QUOTE_FIELD_SENT},
    {"傳送日期", QUOTE_FIELD_SENT},
    {"보낸 날짜", QUOTE_FIELD_SENT},
    {"날짜", QUOTE_FIELD_SENT},
    {"ngày", QUOTE_FIELD_SENT},
    {"to", QUOTE_FIELD_TO},
    {"an", QUOTE_FIELD_TO},
    {"à", QUOTE_FIELD_TO},
    {"a", QUOTE_FIELD_TO},
    {"destinataire", QUOTE_FIELD_TO},
    {"destinatario", QUOTE_FIELD_TO},
    {"para", QUOTE_FIELD_TO},
    {"aan", QUOTE_FIELD_TO},
    {"do", QUOTE_FIELD_TO},
    {"adresat", QUOTE_FIELD_TO},
    {"komu", QUOTE_FIELD_TO},
    {"till", QUOTE_FIELD_TO},
    {"til", QUOTE_FIELD_TO},
    {"vastaanottaja", QUOTE_FIELD_TO},
    {"kime", QUOTE_FIELD_TO},
    {"alıcı", QUOTE_FIELD_TO},
    {"кому", QUOTE_FIELD_TO},
    {"до", QUOTE_FIELD_TO},
    {"címzett", QUOTE_FIELD_TO},
    {"către", QUOTE_FIELD_TO},
    {"za", QUOTE_FIELD_TO},
    {"prima", QUOTE_FIELD_TO},
    {"προς", QUOTE_FIELD_TO},
    {"אל", QUOTE_FIELD_TO},
    {"إلى", QUOTE_FIELD_TO},
    {"宛先", QUOTE_FIELD_TO},
    {"收件人", QUOTE_FIELD_TO},
    {"收件者", QUOTE_FIELD_TO},
    {"받는 사람", QUOTE_FIELD_TO},
    {"받는사람", QUOTE_FIELD_TO},
    {"ถึง", QUOTE_FIELD_TO},
    {"đến", QUOTE_FIELD_TO},
    {"cc", QUOTE_FIELD_CC},
    {"bcc", QUOTE_FIELD_CC},
    {"kopie", QUOTE_FIELD_CC},
    {"kopia", QUOTE_FIELD_CC},
    {"kopi", QUOTE_FIELD_CC},
    {"copie à", QUOTE_FIELD_CC},
    {"copie", QUOTE_FIELD_CC},
    {"copia", QUOTE_FIELD_CC},
    {"cópia", QUOTE_FIELD_CC},
    {"dw", QUOTE_FIELD_CC},
    {"копия", QUOTE_FIELD_CC},
    {"копія", QUOTE_FIELD_CC},
    {"másolatot kap", QUOTE_FIELD_CC},
    {"bilgi", QUOTE_FIELD_CC},
    {"抄送", QUOTE_FIELD_CC},
    {"副本", QUOTE_FIELD_CC},
    {"참조", QUOTE_FIELD_CC},
    {"subject", QUOTE_FIELD_SUBJECT},
    {"betreff", QUOTE_FIELD_SUBJECT},
    {"objet", QUOTE_FIELD_SUBJECT},
    {"sujet", QUOTE_FIELD_SUBJECT},
    {"oggetto", QUOTE_FIELD_SUBJECT},
    {"asunto", QUOTE_FIELD_SUBJECT},
    {"assunto", QUOTE_FIELD_SUBJECT},
    {"assumpte", QUOTE_FIELD_SUBJECT},
    {"onderwerp", QUOTE_FIELD_SUBJECT},
    {"temat", QUOTE_FIELD_SUBJECT},
    {"předmět", QUOTE_FIELD_SUBJECT},
    {"predmet", QUOTE_FIELD_SUBJECT},
    {"ämne", QUOTE_FIELD_SUBJECT},
    {"emne", QUOTE_FIELD_SUBJECT},
    {"aihe", QUOTE_FIELD_SUBJECT},
    {"konu", QUOTE_FIELD_SUBJECT},
    {"тема", QUOTE_FIELD_SUBJECT},
    {"относно", QUOTE_FIELD_SUBJECT},
    {"tárgy", QUOTE_FIELD_SUBJECT},
    {"subiect", QUOTE_FIELD_SUBJECT},
    {"zadeva", QUOTE_FIELD_SUBJECT},
    {"teema", QUOTE_FIELD_SUBJECT},
    {"tema", QUOTE_FIELD_SUBJECT},
    {"θέμα", QUOTE_FIELD_SUBJECT},
    {"נושא", QUOTE_FIELD_SUBJECT},
    {"الموضوع", QUOTE_FIELD_SUBJECT},
    {"件名", QUOTE_FIELD_SUBJECT},
    {"主题", QUOTE_FIELD_SUBJECT},
    {"主旨", QUOTE_FIELD_SUBJECT},
    {"主題", QUOTE_FIELD_SUBJECT},
    {"제목", QUOTE_FIELD_SUBJECT},
    {"เรื่อง", QUOTE_FIELD_SUBJECT},
    {"chủ đề", QUOTE_FIELD_SUBJECT},
    {"reply-to", QUOTE_FIELD_OTHER},
    {"reply to", QUOTE_FIELD_OTHER},
    {"antwort an", QUOTE_FIELD_OTHER},
    {"répondre à", QUOTE_FIELD_OTHER},
    {"rispondi a", QUOTE_FIELD_OTHER},
    {"responder a", QUOTE_FIELD_OTHER},
    {"importance", QUOTE_FIELD_OTHER},
    {"priority", QUOTE_FIELD_OTHER},
    {"wichtigkeit", QUOTE_FIELD_OTHER},
    {"priorität", QUOTE_FIELD_OTHER},
    {"attachments", QUOTE_FIELD_OTHER},
    {"organization", QUOTE_FIELD_OTHER},
    {"newsgroups", QUOTE_FIELD_OTHER},
    {"message-id", QUOTE_FIELD_OTHER},
};

static const char *const originals[] = {
    "original message",
    "original",
    "original email",
    "original mail",
    "reply message",
    "previous message",
    "original appointment",
    "original post",
    "ursprüngliche nachricht",
    "ursprungliche nachricht",
    "urspruengliche nachricht",
    "originalnachricht",
    "original-nachricht",
    "original nachricht",
    "ursprüngliche mail",
    "message d'origine",
    "message d’origine",
    "message original",
    "message initial",
    "e-mail d'origine",
    "messaggio originale",
    "messaggio originario",
    "messaggio precedente",
    "mensaje original",
    "mensaje anterior",
    "missatge original",
    "mensagem original",
    "mensaxe orixinal",
    "oorspronkelijk bericht",
    "origineel bericht",
    "oorspronkelijke bericht",
    "originalmeddelande",
    "ursprungligt meddelande",
    "ursprungligt mail",
    "oprindelig meddelelse",
    "oprindelig besked",
    "original meddelelse",
    "opprinnelig melding",
    "original melding",
    "alkuperäinen viesti",
    "alkuperainen viesti",
    "původní zpráva",
    "původní e-mail",
    "pôvodná správa",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "wiadomość pierwotna",
    "treść oryginalnej wiadomości",
    "orijinal ileti",
    "orijinal mesaj",
    "özgün ileti",
    "исходное сообщение",
    "исходное письмо",
    "первоначальное сообщение",
    "оригинальное сообщение",
    "оригінальне повідомлення",
    "початкове повідомлення",
    "вихідне повідомлення",
    "оригинално съобщение",
    "eredeti üzenet",
    "mesaj original",
    "mesaj initial",
    "izvorna poruka",
    "izvirno sporočilo",
    "originalus laiškas",
    "pradinis laiškas",
    "algne sõnum",
    "originālais ziņojums",
    "αρχικό μήνυμα",
    "הודעה מקורית",
    "الرسالة الأصلية",
    "پیام اصلی",
    "元のメッセージ",
    "元のメール",
    "原始邮件",
    "原始郵件",
    "原邮件",
    "原始訊息",
    "原始信件",
    "원본 메시지",
    "원본 메일",
    "원본메시지",
    "thư gốc",
    "pesan asli",
};

static const char *const forwards[] = {
    "forwarded message",
    "forwarded mail",
    "forwarded email",
    "begin forwarded message",
    "start of forwarded message",
    "weitergeleitete nachricht",
    "weitergeleitet von",
    "anfang der weitergeleiteten nachricht",
    "weitergeleitete mail",
    "message transféré",
    "message transmis",
    "début du message réexpédié",
    "début du message transféré",
    "message réexpédié",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "inizio del messaggio inoltrato",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "missatge reenviat",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "início da mensagem encaminhada",
    "início da mensagem reencaminhada",
    "doorgestuurd bericht",
    "begin doorgestuurd bericht",
    "doorgezonden bericht",
    "vidarebefordrat meddelande",
    "vidarebefordrat brev",
    "vidarebefordrat mail",
    "videresendt meddelelse",
    "videresendt besked",
    "videresendt melding",
    "videresendt e-post",
    "start på videresendt besked",
    "videresendt mail",
    "välitetty viesti",
    "välitetty viesti alkaa",
    "přeposlaná zpráva",
    "předaná zpráva",
    "preposlaná správa",
    "przekazana wiadomość",
    "wiadomość przekazana",
    "treść przekazanej wiadomości",
    "przekazany e-mail",
    "iletilen ileti",
    "iletilen mesaj",
    "yönlendirilmiş mesaj",
    "пересылаемое сообщение",
    "пересланное сообщение",
    "пересылаемое письмо",
    "начало переадресованного сообщения",
    "начало пересылаемого сообщения",
    "переслане повідомлення",
    "пересланий лист",
    "початок пересланого повідомлення",
    "препратено съобщение",
    "továbbított üzenet",
    "mesaj redirecționat",
    "mesaj redirectionat",
    "proslijeđena poruka",
    "posredovano sporočilo",
    "προωθημένο μήνυμα",
    "הודעה שהועברה",
    "رسالة معاد توجيهها",
    "転送メッセージ",
    "転送されたメッセージ",
    "转发的邮件",
    "转发邮件",
    "轉寄郵件",
    "轉寄的郵件",
    "전달된 메시지",
    "전달된 메일",
};

/* Marks that stand alone, or with more text in their line. */
static const char *const marks_anywhere[] = {
    "original message processed by",
    "reply above this line",
    "reply above the line",
    "write above this line",
    "type your reply above",
    "please type your reply above",
    "please reply above this line",
    "antworten oberhalb dieser zeile",
    "oberhalb dieser linie antworten",
    "répondre au-dessus de cette ligne",
    "rispondi sopra questa riga",
    "escriba su respuesta encima de esta línea",
};

/* g_utf8_strdown() is slow, and most lines are ASCII. */
static char *
lower_copy(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return g_utf8_strdown(text, (gssize)length);
    return g_ascii_strdown(text, (gssize)length);
}

/* A lower-case copy without surrounding blanks, stars and angle marks. */
static char *
lower_line(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t*_", *line) != NULL) {
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t*_", line[length - 1]) != NULL)
        length--;
    char *lower = lower_copy(line, length);
    /* The no-break space before ":" in French is a space like any other. */
    for (char *p = lower; (p = strstr(p, "\xC2\xA0")) != NULL; p += 2)
        p[0] = p[1] = ' ';
    return lower;
}

static bool
is_word_byte(char c)
{
    return g_ascii_isalnum(c) || (unsigned char)c >= 0x80;
}

/* True if `word` stands in `text`, not as a part of another word. */
static bool
has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || !is_word_byte(p[-1])) && !is_word_byte(p[n]))
            return true;
    return false;
}

static bool
has_verb(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (has_word(text, verbs[i]))
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(verbs_cjk); i++)
        if (strstr(text, verbs_cjk[i]) != NULL)
            return true;
    return false;
}

static size_t
digits_at(const char *p)
{
    size_t n = 0;
    while (g_ascii_isdigit(p[n]))
        n++;
    return n;
}

/*
 * Length of the date or time at `p`, which is the first digit of a number: a
 * year, 10:00, 3.10.2016, 10/3/16; 0 if there is none.
 */
static size_t
moment_at(const char *p)
{
    size_t first = digits_at(p);
    if (first == 4 && (g_str_has_prefix(p, "19") || g_str_has_prefix(p, "20")))
        return first;
    if (first > 2)
        return 0;
    char separator = p[first];
    if (separator == '\0' || strchr(":./-", separator) == NULL)
        return 0;
    size_t second = digits_at(p + first + 1);
    if (separator == ':')
        return second == 2 ? first + 3 : 0;
    const char *third = p + first + 1 + second;
    if (second == 0 || second > 2 || *third != separator ||
        digits_at(third + 1) == 0)
        return 0;
    return (size_t)(third - p) + 1 + digits_at(third + 1);
}

static bool
has_moment(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isdigit(*p))
            continue;
        if (moment_at(p) > 0)
            return true;
        p += digits_at(p) - 1;
    }
    return false;
}

/* <a@b>, [mailto:a@b], (a@b), or the same with &lt; */
static bool
has_address(const char *text)
{
    for (const char *at = text; (at = strchr(at, '@')) != NULL; at++) {
        const char *p = at;
        while (p > text && !g_ascii_isspace(p[-1]) && p[-1] != '<' &&
               p[-1] != '[' && p[-1] != '(' && p[-1] != ';')
            p--;
        if (p > text && p < at && strchr("<[(;", p[-1]) != NULL)
            return true;
    }
    return false;
}

static bool
ends_with_colon(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t*_-", line[length - 1]) != NULL)
        length--;
    return (length > 0 && line[length - 1] == ':') ||
           (length >= 3 && memcmp(line + length - 3, "\xEF\xBC\x9A", 3) == 0);
}

/* "... wrote ----", as Zoho has it. */
static bool
ends_with_dashes(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 8 && memcmp(line + length - 4, "----", 4) == 0 &&
           line[0] == '-';
}

static bool
ends_with_address(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 4 && line[length - 1] == '>' &&
           memrchr(line, '@', length) != NULL;
}

bool
quote_line_ends_intro(const char *line, size_t length)
{
    return length > 0 && length <= QUOTE_LINE_MAX &&
           (ends_with_colon(line, length) || ends_with_dashes(line, length) ||
            g_ascii_isdigit(*line) ||
            (ends_with_address(line, length) && g_ascii_isdigit(*line)));
}

/* Old Gmail, without a verb or a colon: "2016-03-03 17:21 GMT+01:00 Bob" */
static bool
is_dated_name(const char *text, size_t length)
{
    if (!g_ascii_isdigit(*text) || moment_at(text) == 0)
        return false;
    size_t first = digits_at(text);
    if (first == 4 && text[first] != '-' && text[first] != '/')
        return false;
    return ends_with_address(text, length) || strstr(text, " gmt+") != NULL ||
           strstr(text, " gmt-") != NULL;
}

QuoteIntro
quote_text_intro(const char *text, size_t length)
{
    g_autofree char *lower = lower_line(text, length);
    size_t n = strlen(lower);
    if (is_dated_name(lower, n))
        return INTRO_STRONG;
    if (!ends_with_colon(lower, n) && !ends_with_dashes(lower, n))
        return INTRO_NONE;
    bool verb = has_verb(lower), address = has_address(lower);
    if (!verb && !address)
        return INTRO_NONE;
    return has_moment(lower) ? INTRO_STRONG : INTRO_WEAK;
}

bool
quote_line_begins_intro(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *lower = lower_line(line, length);
    for (size_t i = 0; i < G_N_ELEMENTS(openings); i++)
        if (g_str_has_prefix(lower, openings[i]))
            return has_moment(lower) || strlen(lower) < 30;
    return false;
}

QuoteField
quote_line_field(const char *line, size_t length)
{
    enum { NAME_MAX_BYTES = 60 };
    while (length > 0 && strchr(" \t*_", *line) != NULL) {
        line++;
        length--;
    }
    size_t n = 0;
    while (n < MIN(length, NAME_MAX_BYTES) && line[n] != ':' &&
           strncmp(line + n, "\xEF\xBC\x9A", 3) != 0)
        n++;
    if (n == 0 || n == length || n == NAME_MAX_BYTES)
        return QUOTE_FIELD_NONE;
    g_autofree char *name = g_strchomp(lower_line(line, n));
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (*fields[i].name == *name && strcmp(fields[i].name, name) == 0)
            return fields[i].field;
    return QUOTE_FIELD_NONE;
}

/* The words between two rows of dashes; NULL if the line has no dashes. */
static char *
between_dashes(const char *line, size_t length)
{
    size_t dashes = 0;
    while (length > 0 && strchr(" \t*_-=#", *line) != NULL) {
        dashes += *line == '-' || *line == '_' || *line == '=';
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t*_-=:#", line[length - 1]) != NULL)
        length--;
    return dashes >= 2 && length > 0 ? lower_copy(line, length) : NULL;
}

static bool
is_one_of(const char *text, const char *const *list, size_t list_length)
{
    for (size_t i = 0; i < list_length; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

bool
quote_line_is_original(const char *line, size_t length)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *words = between_dashes(line, length);
    if (words != NULL && is_one_of(words, originals, G_N_ELEMENTS(originals)))
        return true;
    g_autofree char *lower = lower_line(line, length);
    for (size_t i = 0; i < G_N_ELEMENTS(marks_anywhere); i++)
        if (strstr(lower, marks_anywhere[i]) != NULL)
            return true;
    return false;
}

bool
quote_line_is_forward(const char *line, size_t length)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *words = between_dashes(line, length);
    if (words != NULL && is_one_of(words, forwards, G_N_ELEMENTS(forwards)))
        return true;
    /* Apple's has no dashes but a colon. */
    if (!ends_with_colon(line, length))
        return false;
    g_autofree char *lower = lower_line(line, length);
    lower[strcspn(lower, ":")] = '\0';
    return is_one_of(g_strchomp(lower), forwards, G_N_ELEMENTS(forwards));
}

bool
quote_line_is_rule(const char *line, size_t length)
{
    size_t marks = 0;
    for (size_t i = 0; i < length; i++) {
        if (strchr("-_=*#~", line[i]) != NULL && line[i] != '\0')
            marks++;
        else if (!g_ascii_isspace(line[i]))
            return false;
    }
    return marks >= 3;
}

bool
quote_line_is_signature(const char *line, size_t length)
{
    return (length == 2 && memcmp(line, "--", 2) == 0) ||
           (length == 3 && memcmp(line, "-- ", 3) == 0) ||
           (length >= 20 && line[0] == '_' && quote_line_is_rule(line, length));
}
