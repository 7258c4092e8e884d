/*
 * One page over HTTP, for a monitoring program on this machine. Without threads
 * of its own: whoever has it polls its descriptor and lets it run. No client
 * can keep it from answering others for long: it never waits for one, has room
 * for HTTP_CLIENTS of them, and each has HTTP_CLIENT_S for all it has to say.
 */
#ifndef TRANSPORT_HTTP_SERVER_H
#define TRANSPORT_HTTP_SERVER_H

#include <glib.h>
#include <stdint.h>

enum { HTTP_CLIENTS = 32, HTTP_CLIENT_S = 5 };

typedef struct HttpServer HttpServer;

/*
 * Bind and listen; refused unless `host` is a loopback address literal.
 * Returns: a non-blocking, close-on-exec descriptor, or -1 with FAILURE_CONFIG.
 */
int http_server_listen(const char *host, uint16_t port, GError **error);

/* What the page says now; g_free() it. */
typedef char *(*HttpPage)(void *context);

/*
 * Serve `page` as `content_type` at `path`, which like `content_type` and
 * `context` is borrowed. Takes `listener`. NULL: FAILURE_TEMPORARY.
 */
HttpServer *http_server_new(int listener, const char *path,
                            const char *content_type, HttpPage page,
                            void *context, GError **error);

/* Readable when http_server_run() has something to do. */
int http_server_fd(const HttpServer *server);

/* Milliseconds until it has, even if nothing comes; at most `most_ms`. */
int64_t http_server_patience_ms(const HttpServer *server, int64_t most_ms);

/* Take what has come, answer what can be answered; never waits. */
void http_server_run(HttpServer *server);

void http_server_free(HttpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpServer, http_server_free)

#endif
