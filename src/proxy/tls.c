#include "proxy/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/log.h"
#include "proxy/wire.h"

/* Both are OpenSSL's own under a name of ours, so that nobody else needs its
 * headers. */
static SSL_CTX *
context(struct tls_server *s)
{
	return (SSL_CTX *)(void *)s;
}

static SSL *
ssl(const struct tls *t)
{
	return (SSL *)(uintptr_t)(const void *)t;
}

static enum rc
wrong(const char *what, const char *file, SSL_CTX *ctx)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	enum rc rc = fail(RC_INVALID, "%s %s: %s", what, file,
	    why != NULL ? why : "cannot be read");

	ERR_clear_error();
	SSL_CTX_free(ctx);
	return rc;
}

/* No renegotiation and no compression; buffers go when nothing is in them,
 * since most sessions are idle most of the time. */
static void
settings(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

enum rc
tls_server_new(
    const char *certificate, const char *key, struct tls_server **out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		die("out of memory");
	settings(ctx);
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return wrong("smtp_certificate", certificate, ctx);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return wrong("smtp_certificate_key", key, ctx);
	*out = (struct tls_server *)(void *)ctx;
	return RC_OK;
}

void
tls_server_free(struct tls_server **s)
{
	SSL_CTX_free(context(*s));
	*s = NULL;
}

struct tls *
tls_new(struct tls_server *s, int fd)
{
	SSL *new = SSL_new(context(s));

	if (new == NULL || SSL_set_fd(new, fd) != 1)
		die("out of memory");
	SSL_set_accept_state(new);
	return (struct tls *)(void *)new;
}

void
tls_free(struct tls **t)
{
	SSL_free(ssl(*t));
	*t = NULL;
}

/* What OpenSSL keeps of errors is the thread's, not the connection's. */
static enum wire_end
end_of(struct tls *t, int done)
{
	int why;

	if (done == 1)
		return WIRE_OK;
	why = SSL_get_error(ssl(t), done);
	ERR_clear_error();
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE
	    ? WIRE_WAIT
	    : WIRE_GONE;
}

enum wire_end
tls_shake(struct tls *t)
{
	ERR_clear_error();
	return end_of(t, SSL_accept(ssl(t)));
}

enum wire_end
tls_read(struct tls *t, char *p, size_t room, size_t *n)
{
	*n = 0;
	ERR_clear_error();
	return end_of(t, SSL_read_ex(ssl(t), p, room, n));
}

enum wire_end
tls_write(struct tls *t, const char *p, size_t size, size_t *n)
{
	*n = 0;
	ERR_clear_error();
	return end_of(t, SSL_write_ex(ssl(t), p, size, n));
}

void
tls_farewell(struct tls *t)
{
	ERR_clear_error();
	SSL_shutdown(ssl(t));
	ERR_clear_error();
}

const char *
tls_version(const struct tls *t)
{
	return SSL_get_version(ssl(t));
}
