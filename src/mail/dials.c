#include "mail/dials.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "mail/dial.h"

struct dials_socket {
	struct source source;
	struct dials *dial;
	int fd;
	struct dials_socket *next;
};

/* ---- what has ended ---- */

/* The next that has; `*end` NULL: nobody waits for it. False: there is none. */
static bool
next_ended(struct dials *d, struct dials_end **end, CURLcode *code)
{
	CURLMsg *m;
	int left;

	*end = NULL;
	dial_enter();
	m = curl_multi_info_read(d->multi, &left);
	if (m != NULL && m->msg == CURLMSG_DONE) {
		*code = m->data.result;
		if (curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, end) !=
		    CURLE_OK)
			*end = NULL;
	}
	dial_leave();
	return m != NULL;
}

static void
tell_ended(struct dials *d)
{
	struct dials_end *end;
	CURLcode code = CURLE_OK;

	while (next_ended(d, &end, &code))
		if (end != NULL)
			end->ended(end->arg, code);
}

static void
act(struct dials *d, curl_socket_t fd, int what)
{
	int running;

	dial_enter();
	(void)curl_multi_socket_action(d->multi, fd, what, &running);
	dial_leave();
	tell_ended(d);
}

/* ---- the loop's side ---- */

static void
ready(void *arg, uint32_t events)
{
	struct dials_socket *s = arg;
	int what = 0;

	if (s->fd < 0)
		return;
	if ((events & (EPOLLIN | EPOLLHUP)) != 0)
		what |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		what |= CURL_CSELECT_OUT;
	if ((events & EPOLLERR) != 0)
		what |= CURL_CSELECT_ERR;
	act(s->dial, s->fd, what);
}

static void
ring(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- libcurl's side ---- */

static struct dials_socket *
socket_new(struct dials *d, curl_socket_t fd)
{
	struct dials_socket *s = calloc(1, sizeof *s);

	if (s == NULL)
		die("out of memory");
	*s = (struct dials_socket){
		.source = { ready, s }, .dial = d, .fd = fd
	};
	(void)curl_multi_assign(d->multi, fd, s);
	return s;
}

static int
on_socket(CURL *h, curl_socket_t fd, int what, void *arg, void *known)
{
	struct dials_socket *s = known;
	struct dials *d = arg;

	(void)h;
	if (what == CURL_POLL_REMOVE && s != NULL) {
		loop_forget(d->loop, fd);
		s->fd = -1;
		s->next = d->gone;
		d->gone = s;
		(void)curl_multi_assign(d->multi, fd, NULL);
	}
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (s == NULL)
		s = socket_new(d, fd);
	loop_watch(d->loop, fd,
	    ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0) |
		((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0),
	    &s->source);
	return 0;
}

static int
on_timer(CURLM *m, long ms, void *arg)
{
	struct dials *d = arg;

	(void)m;
	loop_alarm(
	    d->loop, &d->alarm, ms < 0 ? TIMER_NEVER : clock_steady_ms() + ms);
	return 0;
}

void
dials_init(struct dials *d, struct loop *loop, CURLM *multi)
{
	*d = (struct dials){ .loop = loop,
		.multi = multi,
		.alarm = { .ring = ring, .arg = d } };
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) !=
		CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, d) != CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) !=
		CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, d) != CURLM_OK)
		die("libcurl refuses an option");
}

void
dials_sweep(struct dials *d)
{
	struct dials_socket *s;

	while ((s = d->gone) != NULL) {
		d->gone = s->next;
		free(s);
	}
}

void
dials_clear(struct dials *d)
{
	loop_alarm(d->loop, &d->alarm, TIMER_NEVER);
	dials_sweep(d);
}

/* It is in the multi handle already, which has asked for a time by now. */
void
dials_begin(CURL *h, struct dials_end *end)
{
	if (curl_easy_setopt(h, CURLOPT_PRIVATE, end) != CURLE_OK)
		die("libcurl refuses an option");
}
