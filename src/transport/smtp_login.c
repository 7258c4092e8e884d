#include "smtp_login.h"

#include <string.h>

#include "base/failure.h"
#include "smtp_chat.h"

void
smtp_login_note(SmtpMechanisms *mechanisms, const char *words)
{
    g_auto(GStrv) names = g_strsplit_set(words, " \t=", -1);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (g_ascii_strcasecmp(names[i], "PLAIN") == 0)
            mechanisms->plain = true;
        else if (g_ascii_strcasecmp(names[i], "LOGIN") == 0)
            mechanisms->login = true;
    }
}

static void
wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

/* Send "before" and the base64 of `bytes`, keep no copy, read the reply. */
static bool
say_secret(Stream *stream, const char *before, const char *bytes, size_t length,
           int64_t timeout_s, SmtpReply *ret_reply)
{
    char *encoded = g_base64_encode((const guchar *)bytes, length);
    char *command = g_strconcat(before, encoded, "\r\n", NULL);
    smtp_chat_write(stream, command, strlen(command));
    wipe(encoded);
    wipe(command);
    return smtp_chat_flush(stream) &&
           smtp_chat_reply(stream, timeout_s, ret_reply, NULL, NULL);
}

static bool
try_plain(Stream *stream, const char *user, const char *password,
          int64_t timeout_s, SmtpReply *ret_reply)
{
    GString *message = g_string_new(NULL);
    g_string_append_c(message, '\0'); /* authorised as whom we authenticate */
    g_string_append(message, user);
    g_string_append_c(message, '\0');
    g_string_append(message, password);
    bool good = say_secret(stream, "AUTH PLAIN ", message->str, message->len,
                           timeout_s, ret_reply);
    explicit_bzero(message->str, message->len);
    g_string_free(message, TRUE);
    return good;
}

static bool
try_login(Stream *stream, const char *user, const char *password,
          int64_t timeout_s, SmtpReply *ret_reply)
{
    smtp_chat_say(stream, "AUTH LOGIN\r\n");
    if (!smtp_chat_flush(stream) ||
        !smtp_chat_reply(stream, timeout_s, ret_reply, NULL, NULL))
        return false;
    if (ret_reply->code != 334)
        return true;
    if (!say_secret(stream, "", user, strlen(user), timeout_s, ret_reply))
        return false;
    return ret_reply->code != 334 ||
           say_secret(stream, "", password, strlen(password), timeout_s,
                      ret_reply);
}

bool
smtp_login(Stream *stream, SmtpMechanisms mechanisms, const char *user,
           const char *password, int64_t timeout_s, GError **error)
{
    if (!stream_is_private(stream)) {
        failure_set(error, FAILURE_CONFIG,
                    "no login without TLS: the password would be for all to "
                    "read; set relay.tls");
        return false;
    }
    if (!mechanisms.plain && !mechanisms.login) {
        failure_set(error, FAILURE_TEMPORARY,
                    "it offers neither AUTH PLAIN nor AUTH LOGIN");
        return false;
    }
    SmtpReply reply = {0, NULL, NULL};
    bool answered = mechanisms.plain
                        ? try_plain(stream, user, password, timeout_s, &reply)
                        : try_login(stream, user, password, timeout_s, &reply);
    bool accepted = answered && reply.code == 235;
    if (!answered)
        failure_set(error, FAILURE_TEMPORARY, "login as '%s': %s", user,
                    stream_is_dead(stream) ? stream_error(stream)
                                           : "what it answers is no SMTP");
    else if (!accepted)
        failure_set(error, FAILURE_TEMPORARY, "login as '%s' refused: %d %s",
                    user, reply.code, reply.text);
    smtp_reply_clear(&reply);
    return accepted;
}
