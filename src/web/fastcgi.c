#include "web/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "core/process.h"
#include "db/db.h"
#include "web/dispatch.h"
#include "web/guard.h"
#include "web/held.h"
#include "web/listen.h"
#include "web/record.h"

/* Free memory that is kept between requests. By default malloc gives each page
 * above 128 KiB back at once: a list has 19 results to free, and each was a
 * system call, and a page to be cleared again. */
#define KEEP_FREE (256 << 10)

/* A peer on the socket that stops in the middle must not keep the process. */
#define PEER_SECONDS 30

static volatile sig_atomic_t stop;

static void
on_stop(int signal)
{
	(void)signal;
	stop = 1;
}

/* The signals that end the process are blocked but while it waits for a
 * request: so they interrupt neither a request nor the gap before accept. */
static void
signals_prepare(sigset_t *waiting)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGUSR1 };
	struct sigaction act = { .sa_handler = on_stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		sigaction(ends[i], &act, NULL);
		sigaddset(&blocked, ends[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		sigdelset(waiting, ends[i]);
}

/* ---- one connection, one request ---- */

static size_t
read_body(void *from, char *p, size_t n)
{
	FCGX_Request *fr = from;
	int got = FCGX_GetStr(p, n > (1 << 20) ? 1 << 20 : (int)n, fr->in);

	return got > 0 ? (size_t)got : 0;
}

/* Records go out from where their bytes are, and the last two with them:
 * libfcgi's writer takes 8 KiB at a time, a tenth of the throughput, and one
 * of another size (FCGX_CreateWriter) leaks 80 bytes a request. */
struct stream {
	int fd;
	int request;
};

#define PIECES_MOST 4

static enum rc
send_pieces(const struct stream *s, struct iovec *v, size_t n)
{
	while (n > 0) {
		ssize_t sent = writev(s->fd, v, (int)n);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return fail(RC_CONNECTION, "the client has left");
		for (; n > 0 && (size_t)sent >= v->iov_len; v++, n--)
			sent -= (ssize_t)v->iov_len;
		if (n > 0) {
			v->iov_base = (char *)v->iov_base + sent;
			v->iov_len -= (size_t)sent;
		}
	}
	return RC_OK;
}

enum rc
stream_write(struct stream *s, const void *p, size_t n)
{
	while (n > 0) {
		size_t part = n > RECORD_MOST ? RECORD_MOST : n;
		const FCGI_Header h =
		    record_head(s->request, FCGI_STDOUT, part);
		struct iovec v[] = { record_piece(&h, sizeof h),
			record_piece(p, part) };

		TRY(send_pieces(s, v, 2));
		p = (const char *)p + part;
		n -= part;
	}
	return RC_OK;
}

/* The end of an answer, in front of it what fits into one more record. */
static enum rc
stream_end(struct stream *s, struct str head, struct str body)
{
	const size_t n = head.n + body.n;
	const FCGI_Header h = record_head(s->request, FCGI_STDOUT, n);
	const struct record_last last = record_last(s->request);
	struct iovec v[PIECES_MOST];
	size_t pieces = 0;

	if (n > 0) {
		v[pieces++] = record_piece(&h, sizeof h);
		v[pieces++] = record_piece(head.p, head.n);
		v[pieces++] = record_piece(body.p, body.n);
	}
	v[pieces++] = record_piece(&last, sizeof last);
	return send_pieces(s, v, pieces);
}

static enum rc
send_whole(struct stream *s, struct str head, struct str body)
{
	const struct str none = { NULL, 0 };

	if (head.n + body.n <= RECORD_MOST)
		return stream_end(s, head, body);
	TRY(stream_write(s, head.p, head.n));
	TRY(stream_write(s, body.p, body.n));
	return stream_end(s, none, none);
}

static enum rc
send_stream(struct request *rq, struct stream *s, struct str head)
{
	const struct str none = { NULL, 0 };

	TRY(stream_write(s, head.p, head.n));
	TRY(rq->reply.stream(rq->reply.stream_ctx, s));
	return stream_end(s, none, none);
}

/* An answer that fails halfway must not look complete: the connection is cut,
 * without the record that ends a request. */
static void
send_reply(struct request *rq, FCGX_Request *fr, struct buf *head)
{
	const struct reply *r = &rq->reply;
	struct stream s = { fr->ipcFd, fr->requestId };
	struct str top, body = { r->body.p, r->body.n };
	enum rc rc;

	buf_reset(head);
	dispatch_head(rq, head);
	top = (struct str){ head->p, head->n };
	if (rq->head)
		body.n = 0;
	if (r->stream != NULL && !rq->head)
		rc = send_stream(rq, &s, top);
	else
		rc = send_whole(&s, top, body);
	if (rc == RC_OK)
		return;
	log_warn(&rq->log, "answer broken result=%s: %s", result_row(rc)->name,
	    fail_detail());
	shutdown(fr->ipcFd, SHUT_RDWR);
}

/* libfcgi waits until the peer has closed, lest what it still sends becomes a
 * reset that destroys the answer on its way. A request that has been read to
 * its end cannot do that, and needs no wait for nginx to wake up. */
static void
close_at_once(FCGX_Request *fr)
{
	const char *length = FCGX_GetParam("CONTENT_LENGTH", fr->envp);
	int unread = 0;

	if ((length == NULL || length[0] == '\0') &&
	    ioctl(fr->ipcFd, FIONREAD, &unread) == 0 && unread == 0)
		(void)FCGX_Detach(fr);
}

/* The answer goes on: the connection is no longer libfcgi's. */
static void
hold(
    struct responder *r, struct request *rq, FCGX_Request *fr, struct buf *head)
{
	buf_reset(head);
	dispatch_head(rq, head);
	held_take(r->held, rq, fr->ipcFd, fr->requestId,
	    (struct str){ head->p, head->n });
	dispatch_done(r, rq);
	FCGX_Free(fr, 0);
	fr->ipcFd = -1;
}

static void
serve(struct responder *r, FCGX_Request *fr, struct buf *head)
{
	struct request rq;

	dispatch(r, &rq, fr->envp, read_body, fr);
	if (rq.reply.held != NULL) {
		hold(r, &rq, fr, head);
		return;
	}
	send_reply(&rq, fr, head);
	dispatch_done(r, &rq); /* the request lives in what Free frees */
	close_at_once(fr);
	FCGX_Free(fr, 1);
}

/* ---- the loop ---- */

static int
wait_and_accept(
    struct responder *r, int epoll, int listener, const sigset_t *waiting)
{
	struct timeval limit = { .tv_sec = PEER_SECONDS };
	int fd, ms = r->held != NULL ? held_sleep_ms(r->held) : -1;
	struct epoll_event ev;

	if (epoll_pwait(epoll, &ev, 1, ms, waiting) < 1)
		return -1;
	if (ev.data.ptr != NULL) {
		held_gone(r->held, ev.data.ptr);
		return -1;
	}
	/* cppcheck-suppress nullPointer ; nobody asks who it is */
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	return fd;
}

/* We accept ourselves, since FCGX_Accept_r has a window in which a signal is
 * lost; libfcgi takes a connection that is open for one it has kept. */
static bool
begin(FCGX_Request *fr, int fd)
{
	fr->ipcFd = fd;
	fr->keepConnection = 1;
	return FCGX_Accept_r(fr) == 0;
}

/* EPOLLEXCLUSIVE: a connection wakes one process, not all of the family. */
static int
watch(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) < 0)
		die("cannot wait on the socket: %s", strerror(errno));
	return epoll;
}

static void
loop(struct responder *r, int listener, const sigset_t *waiting)
{
	int epoll = watch(listener);
	struct buf head;
	FCGX_Request fr;

	buf_init(&head, (size_t)64 << 10);
	if (r->family->holds)
		r->held = held_new(epoll);
	if (FCGX_Init() != 0 ||
	    FCGX_InitRequest(&fr, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		die("libfcgi does not start");
	while (!stop) {
		int fd = wait_and_accept(r, epoll, listener, waiting);

		if (fd >= 0 && begin(&fr, fd))
			serve(r, &fr, &head);
		if (r->held != NULL)
			held_round(r->held, r);
	}
	held_free(&r->held);
	FCGX_Free(&fr, 1);
	buf_clear(&head);
	close(epoll);
}

/* ---- main ---- */

struct options {
	const char *config;
};

static int
options_read(int argc, char **argv, const char *name, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = optarg; break;
		case 'V':
			printf("%s (letterrack) " PACKAGE_VERSION "\n", name);
			return EX_OK;
		case 'h':
			printf("usage: %s [--config FILE]\n"
			       "The FastCGI responder of the family \"%s\"; "
			       "see letterrack(7).\n",
			    name, name);
			return EX_OK;
		default: return EX_USAGE;
		}
	}
	return optind < argc ? EX_USAGE : -1;
}

static void
log_start(const struct conf *conf, const char *name)
{
	enum log_level level = LOG_INFO_;

	(void)log_level_parse(conf->log_level, &level);
	log_open(name, level, conf->log_json);
}

static int
run(const struct conf *conf, const struct family *family)
{
	struct log log = { .who = family->name };
	struct responder r;
	struct guard *guard;
	sigset_t waiting;
	struct db *db;
	int listener;

	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	signals_prepare(&waiting);
	if (listen_given(conf, family->name, &listener) != RC_OK) {
		log_error(&log, "cannot listen: %s", fail_detail());
		return EX_UNAVAILABLE;
	}
	db = db_new(conf->database, log);
	guard = guard_new(conf);
	responder_init(&r, family, conf, db, guard);
	log_info(&log, "responder started pid=%d", (int)getpid());
	loop(&r, listener, &waiting);
	log_info(&log, "responder ends");
	responder_clear(&r);
	guard_free(&guard);
	db_free(&db);
	close(listener);
	return EX_OK;
}

int
responder_main(int argc, char **argv, const struct family *family)
{
	struct options o = { NULL };
	int code = options_read(argc, argv, family->name, &o);
	struct conf *conf = NULL;

	if (code >= 0)
		return code;
	process_harden();
	if (conf_read(o.config, &conf) != RC_OK) {
		fprintf(stderr, "%s: %s\n", family->name, fail_detail());
		return EX_CONFIG;
	}
	log_start(conf, family->name);
	if (conf->failpoint[0] != '\0')
		failpoint_set(conf->failpoint);
	code = run(conf, family);
	conf_free(&conf);
	return code;
}
