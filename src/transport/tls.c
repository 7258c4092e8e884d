#include "tls.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <string.h>

#include "base/failure.h"
#include "tls_report.h"
#include "wait.h"

struct Tls {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

void
tls_close(Tls *tls, bool politely)
{
    if (tls == NULL)
        return;
    if (politely)
        gnutls_bye(tls->session, GNUTLS_SHUT_WR);
    if (tls->session != NULL)
        gnutls_deinit(tls->session);
    if (tls->credentials != NULL)
        gnutls_certificate_free_credentials(tls->credentials);
    g_free(tls);
}

/* After an answer that is no error: wait for what GnuTLS waits for. */
static bool
wait_to_go_on(const Tls *tls, int64_t deadline_ms)
{
    bool writing = gnutls_record_get_direction(tls->session) == 1;
    return wait_until(tls->fd, writing ? POLLOUT : POLLIN, deadline_ms);
}

static bool
load_trust(Tls *tls, const char *ca_file, GError **error)
{
    int n = gnutls_certificate_allocate_credentials(&tls->credentials);
    if (n == 0 && *ca_file != '\0')
        n = gnutls_certificate_set_x509_trust_file(tls->credentials, ca_file,
                                                   GNUTLS_X509_FMT_PEM);
    else if (n == 0)
        n = gnutls_certificate_set_x509_system_trust(tls->credentials);
    if (n > 0)
        return true;
    const char *where = *ca_file != '\0' ? ca_file : "the system's trust store";
    failure_set(error, FAILURE_TEMPORARY, "no certificates in %s: %s", where,
                n < 0 ? gnutls_strerror(n) : "it has none");
    return false;
}

static bool
is_address_literal(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 ||
           inet_pton(AF_INET6, host, bytes) == 1;
}

static bool
prepare(Tls *tls, const char *host, GError **error)
{
    int result = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
                                                GNUTLS_NO_SIGNAL);
    if (result == 0)
        result = gnutls_set_default_priority(tls->session);
    if (result == 0)
        result = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
                                        tls->credentials);
    if (result == 0 && !is_address_literal(host)) /* RFC 6066 3 */
        result = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, host,
                                        strlen(host));
    if (result < 0) {
        failure_set(error, FAILURE_TEMPORARY, "cannot prepare TLS: %s",
                    gnutls_strerror(result));
        return false;
    }
    gnutls_session_set_verify_cert(tls->session, host, 0);
    gnutls_transport_set_int(tls->session, tls->fd);
    return true;
}

/* GnuTLS' own words for what is wrong with the certificate. */
static void
explain_certificate(const Tls *tls, const char *host, GError **error)
{
    unsigned status = gnutls_session_get_verify_cert_status(tls->session);
    gnutls_datum_t text = {NULL, 0};
    int result = gnutls_certificate_verification_status_print(
        status, gnutls_certificate_type_get(tls->session), &text, 0);
    failure_set(error, FAILURE_TEMPORARY, "certificate of %s refused: %s", host,
                result == 0 ? (const char *)text.data : "no reason given");
    gnutls_free(text.data);
}

static bool
shake_hands(Tls *tls, const char *host, int64_t deadline_ms, GError **error)
{
    int result;
    do {
        result = gnutls_handshake(tls->session);
        if (result == GNUTLS_E_AGAIN && !wait_to_go_on(tls, deadline_ms)) {
            failure_set(error, FAILURE_TEMPORARY,
                        "TLS with %s failed: no answer in time", host);
            return false;
        }
    } while (result < 0 && !gnutls_error_is_fatal(result));
    if (result == 0)
        return true;
    if (result == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
        explain_certificate(tls, host, error);
    else if (result == GNUTLS_E_FATAL_ALERT_RECEIVED)
        failure_set(error, FAILURE_TEMPORARY,
                    "TLS with %s failed: it says \"%s\"", host,
                    gnutls_alert_get_name(gnutls_alert_get(tls->session)));
    else
        failure_set(error, FAILURE_TEMPORARY, "TLS with %s failed: %s", host,
                    gnutls_strerror(result));
    return false;
}

Tls *
tls_open(int fd, const char *host, const char *ca_file, int64_t deadline_ms,
         StreamReport *ret_report, GError **error)
{
    Tls *tls = g_new0(Tls, 1);
    tls->fd = fd;
    if (load_trust(tls, ca_file, error) && prepare(tls, host, error)) {
        bool good = shake_hands(tls, host, deadline_ms, error);
        if (ret_report != NULL)
            tls_report(tls->session, ret_report);
        if (good)
            return tls;
    }
    tls_close(tls, false);
    return NULL;
}

/*
 * What to do after `result` of a read or write: true to try again, false to
 * return it.
 */
static bool
shall_repeat(const Tls *tls, ssize_t *result, int64_t deadline_ms,
             const char **ret_why)
{
    if (*result >= 0)
        return false;
    if (*result == GNUTLS_E_AGAIN) {
        if (wait_to_go_on(tls, deadline_ms))
            return true;
        *ret_why = "no answer in time";
    } else if (!gnutls_error_is_fatal((int)*result)) {
        if (deadline_ms > monotonic_ms())
            return true;
        *ret_why = "no answer in time";
    } else {
        *ret_why = gnutls_strerror((int)*result);
    }
    *result = -1;
    return false;
}

ssize_t
tls_read(Tls *tls, void *buffer, size_t size, int64_t deadline_ms,
         const char **ret_why)
{
    ssize_t n;
    do
        n = gnutls_record_recv(tls->session, buffer, size);
    while (shall_repeat(tls, &n, deadline_ms, ret_why));
    return n;
}

ssize_t
tls_write(Tls *tls, const void *bytes, size_t length, int64_t deadline_ms,
          const char **ret_why)
{
    ssize_t n;
    do
        n = gnutls_record_send(tls->session, bytes, length);
    while (shall_repeat(tls, &n, deadline_ms, ret_why));
    return n;
}

ssize_t
tls_take(Tls *tls, void *buffer, size_t size, bool *ret_nothing,
         const char **ret_why)
{
    ssize_t n = gnutls_record_recv(tls->session, buffer, size);
    *ret_nothing = n < 0 && !gnutls_error_is_fatal((int)n);
    if (n < 0)
        *ret_why = gnutls_strerror((int)n);
    return n;
}
