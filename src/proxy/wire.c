#include "proxy/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
wire_init(struct wire *l, int fd)
{
	*l = (struct wire){ .fd = fd };
	buf_init(&l->out, WIRE_OUT_MOST);
}

void
wire_close(struct wire *l)
{
	tls_free(&l->tls);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	buf_clear(&l->out);
}

void
wire_secure(struct wire *l, struct tls *tls)
{
	l->tls = tls;
	l->shaking = true;
}

enum wire_end
wire_shake(struct wire *l)
{
	enum wire_end end = tls_shake(l->tls);

	l->shaking = end != WIRE_OK;
	return end;
}

static enum wire_end
end_of(ssize_t n)
{
	if (n >= 0)
		return WIRE_OK;
	return errno == EAGAIN || errno == EINTR ? WIRE_WAIT : WIRE_GONE;
}

enum wire_end
wire_read(struct wire *l, char *p, size_t room, size_t *n)
{
	ssize_t got;

	if (l->tls != NULL)
		return tls_read(l->tls, p, room, n);
	got = recv(l->fd, p, room, 0);
	*n = got > 0 ? (size_t)got : 0;
	return got == 0 ? WIRE_GONE : end_of(got);
}

static enum wire_end
write_some(struct wire *l, size_t *n)
{
	ssize_t put;

	if (l->tls != NULL)
		return tls_write(l->tls, l->out.p, l->out.n, n);
	put = send(l->fd, l->out.p, l->out.n, MSG_NOSIGNAL);
	*n = put > 0 ? (size_t)put : 0;
	return end_of(put);
}

enum wire_end
wire_flush(struct wire *l)
{
	enum wire_end end = WIRE_OK;
	size_t n;

	while (l->out.n > 0 && end == WIRE_OK) {
		end = write_some(l, &n);
		if (end == WIRE_OK)
			buf_drop(&l->out, n);
	}
	if (l->out.n == 0)
		buf_clear(&l->out);
	return end;
}

void
wire_farewell(struct wire *l)
{
	if (l->tls != NULL && !l->shaking)
		tls_farewell(l->tls);
	shutdown(l->fd, SHUT_WR);
}
