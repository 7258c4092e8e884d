#include "transport/http_server.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/failure.h"
#include "loopback.h"

enum { CLIENT_BYTES = 16 * 1024 }; /* request and answer's head of one client */

/* libmicrohttpd's own time-out begins anew with each octet. */
typedef struct {
    int fd; /* -1: nobody */
    int64_t since_us;
} Client;

struct HttpServer {
    struct MHD_Daemon *daemon;
    Client clients[HTTP_CLIENTS];
    const char *path;
    const char *content_type;
    HttpPage page;
    void *context;
};

int
http_server_listen(const char *host, uint16_t port, GError **error)
{
    return loopback_listen(host, port, "metrics.host",
                           "what is shown there is shown to everybody", error);
}

/* Takes `text`. */
static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *type,
       char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(strlen(text), text,
                                                           g_free);
    if (response == NULL) {
        g_free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A type of libmicrohttpd: MHD_AccessHandlerCallback. */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *path,
           const char *method, const char *version, const char *body,
           size_t *body_bytes, void **state)
{
    static const char plain[] = "text/plain; charset=utf-8";
    const HttpServer *server = context;
    (void)version;
    (void)body;
    /* The first call is before any body: answered then, it is never read. */
    if (*state != NULL || *body_bytes != 0)
        return MHD_NO;
    *state = context;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
        strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain,
                      g_strdup("this is only for reading\n"));
    if (strcmp(path, server->path) != 0)
        return answer(connection, MHD_HTTP_NOT_FOUND, plain,
                      g_strdup_printf("there is only %s\n", server->path));
    return answer(connection, MHD_HTTP_OK, server->content_type,
                  server->page(server->context));
}

/* A type of libmicrohttpd: MHD_NotifyConnectionCallback. */
static void
on_client(void *context, struct MHD_Connection *connection, void **state,
          enum MHD_ConnectionNotificationCode code)
{
    HttpServer *server = context;
    bool came = code == MHD_CONNECTION_NOTIFY_STARTED;
    int fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    (void)state;
    for (size_t i = 0; i < HTTP_CLIENTS; i++) {
        Client *client = &server->clients[i];
        if (client->fd != (came ? -1 : fd))
            continue;
        *client = (Client){came ? fd : -1, g_get_monotonic_time()};
        return;
    }
}

/* Who has had its time is cut off; libmicrohttpd finds out by itself. */
static void
leave_slow_clients(const HttpServer *server)
{
    int64_t now_us = g_get_monotonic_time();
    for (size_t i = 0; i < HTTP_CLIENTS; i++) {
        const Client *client = &server->clients[i];
        if (client->fd >= 0 &&
            now_us - client->since_us > HTTP_CLIENT_S * G_USEC_PER_SEC)
            shutdown(client->fd, SHUT_RDWR);
    }
}

HttpServer *
http_server_new(int listener, const char *path, const char *content_type,
                HttpPage page, void *context, GError **error)
{
    HttpServer *server = g_new0(HttpServer, 1);
    server->path = path;
    server->content_type = content_type;
    server->page = page;
    server->context = context;
    for (size_t i = 0; i < HTTP_CLIENTS; i++)
        server->clients[i].fd = -1;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CLIENTS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_CLIENT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CLIENT_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_client, server,
        MHD_OPTION_END);
    if (server->daemon != NULL)
        return server;
    failure_set(error, FAILURE_TEMPORARY, "cannot serve HTTP");
    g_free(server);
    return NULL;
}

int
http_server_fd(const HttpServer *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)
        ->epoll_fd;
}

int64_t
http_server_patience_ms(const HttpServer *server, int64_t most_ms)
{
    unsigned long long patience_ms;
    for (size_t i = 0; i < HTTP_CLIENTS; i++)
        if (server->clients[i].fd >= 0)
            most_ms = MIN(most_ms, 1000);
    if (MHD_get_timeout(server->daemon, &patience_ms) != MHD_YES ||
        patience_ms > (unsigned long long)most_ms)
        return most_ms;
    return (int64_t)patience_ms;
}

void
http_server_run(HttpServer *server)
{
    leave_slow_clients(server);
    MHD_run(server->daemon);
}

void
http_server_free(HttpServer *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon);
    g_free(server);
}
