#include "tls_report.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>

#include "base/text.h"

enum { NAMES_MAX = 20 }; /* of a certificate; some are for hundreds */

/* A stranger has written it. */
static char *
tame(const void *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    return text_one_line(valid);
}

typedef int (*ReadName)(gnutls_x509_crt_t certificate, gnutls_datum_t *ret_name,
                        unsigned flags);

static char *
read_name(gnutls_x509_crt_t certificate, ReadName read)
{
    gnutls_datum_t name = {NULL, 0};
    if (read(certificate, &name, 0) != 0)
        return NULL;
    char *text = tame(name.data, name.size);
    gnutls_free(name.data);
    return text;
}

/* One name of the subjectAltName extension as text; NULL: neither host nor
 * address. */
static char *
host_name(int type, const char *bytes, size_t length)
{
    char text[INET6_ADDRSTRLEN];
    if (type == GNUTLS_SAN_DNSNAME)
        return tame(bytes, length);
    if (type != GNUTLS_SAN_IPADDRESS || (length != 4 && length != 16) ||
        inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text) ==
            NULL)
        return NULL;
    return g_strdup(text);
}

static char *
read_hosts(gnutls_x509_crt_t certificate)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        char bytes[256];
        size_t length = sizeof bytes;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, bytes,
                                                        &length, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        char *name = host_name(type, bytes, length);
        if (name != NULL)
            g_ptr_array_add(names, name);
    }
    g_ptr_array_add(names, NULL);
    return g_strjoinv(", ", (char **)names->pdata);
}

static void
report_certificate(const gnutls_datum_t *der, StreamReport *report)
{
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) != 0)
        return;
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0) {
        report->subject = read_name(certificate, gnutls_x509_crt_get_dn3);
        report->issuer = read_name(certificate, gnutls_x509_crt_get_issuer_dn3);
        report->names = read_hosts(certificate);
        report->not_after_s =
            (int64_t)gnutls_x509_crt_get_expiration_time(certificate);
    }
    gnutls_x509_crt_deinit(certificate);
}

void
tls_report(gnutls_session_t session, StreamReport *report)
{
    const char *version =
        gnutls_protocol_get_name(gnutls_protocol_get_version(session));
    const char *cipher = gnutls_cipher_get_name(gnutls_cipher_get(session));
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (chain == NULL || n == 0)
        return;
    report->tls = g_strdup_printf("%s, %s", version != NULL ? version : "?",
                                  cipher != NULL ? cipher : "?");
    report_certificate(&chain[0], report);
}
