#include "web/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "db/db.h"
#include "web/record.h"

#define CHECK_MS   600 /* rights that were taken away are gone by then */
#define ROUND_MS   100 /* between two rounds */
#define COMMENT_MS 15000
#define PLACE_MOST 64
#define ENV_MOST   ((size_t)32 << 10)
#define CHANNEL    "letterrack_event"
#define PLACE_NAME "HTTP_LAST_EVENT_ID="

struct held {
	int fd;
	int id; /* of the protocol's request */
	int64_t account;
	int64_t look_ms;  /* steady: when it is looked at next */
	int64_t quiet_ms; /* since when nothing was said */
	char place[sizeof PLACE_NAME + PLACE_MOST];
	char **env; /* owned, with all its texts; the first is `place` */
	struct held *next, **at;
};

struct held_set {
	struct held *first;
	size_t n;
	int epoll;
	bool listens;
	int64_t round_ms; /* steady: not before */
	struct held *now; /* whose turn it is; NULL: a request has just come */
};

/* ---- for handlers ---- */

static struct held_set *
set_of(const struct request *rq)
{
	return rq->responder != NULL ? rq->responder->held : NULL;
}

bool
held_again(const struct request *rq)
{
	return set_of(rq) != NULL && set_of(rq)->now != NULL;
}

bool
held_room(struct request *rq)
{
	const struct held_set *s = set_of(rq);
	size_t of_account = 0;

	if (s == NULL)
		return false;
	if (s->now != NULL)
		return true;
	for (const struct held *h = s->first; h != NULL; h = h->next)
		of_account += h->account == rq->actor.account;
	if (s->n < HELD_MOST && of_account < HELD_ACCOUNT)
		return true;
	rq->retry_after = 10;
	return false;
}

void
held_on(struct request *rq, const char *place, bool more)
{
	rq->reply.held = place;
	rq->reply.held_more = more;
	rq->reply.fresh = true;
}

/* ---- bytes ---- */

/* All of it at once, or the client is too slow. */
static bool
push(int fd, struct iovec *v, size_t n)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].iov_len;
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)all;
}

static bool
say(const struct held *h, struct str text)
{
	while (text.n > 0) {
		size_t n = text.n < RECORD_MOST ? text.n : RECORD_MOST;
		const FCGI_Header head = record_head(h->id, FCGI_STDOUT, n);
		struct iovec v[] = { record_piece(&head, sizeof head),
			record_piece(text.p, n) };

		if (!push(h->fd, v, 2))
			return false;
		text.p += n;
		text.n -= n;
	}
	return true;
}

/* ---- one ---- */

static void
env_free(char **env)
{
	for (char **p = env; env != NULL && *++p != NULL;) {
		explicit_bzero(*p, strlen(*p)); /* a token is among them */
		free(*p);
	}
	free(env);
}

static void
drop(struct held_set *s, struct held *h)
{
	close(h->fd);
	env_free(h->env);
	*h->at = h->next;
	if (h->next != NULL)
		h->next->at = h->at;
	s->n--;
	free(h);
}

/* An answer that is whole. */
static void
finish(struct held_set *s, struct held *h)
{
	const struct record_last last = record_last(h->id);
	struct iovec v[] = { record_piece(&last, sizeof last) };

	(void)push(h->fd, v, 1);
	drop(s, h);
}

static void
place_set(struct held *h, const char *place)
{
	snprintf(h->place, sizeof h->place, PLACE_NAME "%s", place);
}

/* What the web server told of it, the place first. NULL: too much. */
static char **
env_copy(struct held *h, char *const *vars)
{
	size_t n = 0, size = 0;
	char **out;

	for (; vars[n] != NULL; n++)
		size += strlen(vars[n]) + 1;
	if (size > ENV_MOST)
		return NULL;
	if ((out = calloc(n + 2, sizeof *out)) == NULL)
		die("out of memory");
	out[0] = h->place;
	for (size_t i = 0, k = 1; i < n; i++) {
		if (strncmp(vars[i], PLACE_NAME, sizeof PLACE_NAME - 1) == 0)
			continue;
		if ((out[k++] = strdup(vars[i])) == NULL)
			die("out of memory");
	}
	return out;
}

static bool
watch(struct held_set *s, struct held *h)
{
	struct epoll_event ev = { .events = EPOLLRDHUP, .data.ptr = h };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, h->fd, &ev) == 0;
}

void
held_take(
    struct held_set *s, struct request *rq, int fd, int id, struct str head)
{
	const struct reply *r = &rq->reply;
	struct held *h = calloc(1, sizeof *h);

	if (h == NULL)
		die("out of memory");
	*h = (struct held){ .fd = fd,
		.id = id,
		.account = rq->actor.account,
		.look_ms = clock_steady_ms() + (r->held_more ? 0 : CHECK_MS),
		.quiet_ms = clock_steady_ms(),
		.next = s->first,
		.at = &s->first };
	if (h->next != NULL)
		h->next->at = &h->next;
	s->first = h;
	s->n++;
	place_set(h, r->held);
	h->env = env_copy(h, rq->env_vars);
	if (h->env == NULL || !watch(s, h) || !say(h, head) ||
	    !say(h, (struct str){ r->body.p, r->body.n }))
		drop(s, h);
}

/* ---- rounds ---- */

/* No body comes with it. */
static size_t
read_nothing(void *from, char *p, size_t n)
{
	(void)from;
	(void)p;
	(void)n;
	return 0;
}

static bool
tell(struct held *h, const struct reply *reply)
{
	int64_t now = clock_steady_ms();

	place_set(h, reply->held);
	h->look_ms = now + (reply->held_more ? 0 : CHECK_MS);
	if (reply->body.n > 0)
		h->quiet_ms = now;
	return say(h, (struct str){ reply->body.p, reply->body.n });
}

/* What it says by now; false: no more, or not to this one. While the database
 * is away nothing is said, and nobody cut off. */
static bool
look(struct held_set *s, struct held *h, struct responder *r)
{
	struct request rq;
	bool on = true;

	s->now = h;
	h->look_ms = clock_steady_ms() + CHECK_MS;
	dispatch(r, &rq, h->env, read_nothing, NULL);
	if (rq.reply.status != 503)
		on = rq.reply.held != NULL && rq.actor.account == h->account &&
		    tell(h, &rq.reply);
	dispatch_done(r, &rq);
	s->now = NULL;
	return on;
}

/* A client, and all that stands between, sees that it is there. */
static bool
comment(struct held *h)
{
	int64_t now = clock_steady_ms();

	if (now - h->quiet_ms < COMMENT_MS)
		return true;
	h->quiet_ms = now;
	return say(h, STR(":\n\n"));
}

static bool
notified(struct held_set *s, struct db *db)
{
	enum db_event event = DB_TIMEOUT;

	if (!s->listens)
		db_listen(db, CHANNEL);
	s->listens = true;
	return db_wait(db, 0, -1, &event) == RC_OK && event == DB_NOTIFIED;
}

void
held_round(struct held_set *s, struct responder *r)
{
	struct held *next;
	bool news;

	if (s->first == NULL || clock_steady_ms() < s->round_ms)
		return;
	s->round_ms = clock_steady_ms() + ROUND_MS;
	news = notified(s, r->db);
	for (struct held *h = s->first; h != NULL; h = next) {
		next = h->next;
		if ((news || clock_steady_ms() >= h->look_ms) && !look(s, h, r))
			finish(s, h);
		else if (!comment(h))
			drop(s, h);
	}
}

int
held_sleep_ms(const struct held_set *s)
{
	return s->first != NULL ? ROUND_MS : -1;
}

void
held_gone(struct held_set *s, void *one)
{
	drop(s, one);
}

/* ---- all ---- */

struct held_set *
held_new(int epoll)
{
	struct held_set *s = calloc(1, sizeof *s);

	if (s == NULL)
		die("out of memory");
	s->epoll = epoll;
	return s;
}

void
held_free(struct held_set **ps)
{
	if (*ps == NULL)
		return;
	for (struct held *h = (*ps)->first, *next; h != NULL; h = next) {
		next = h->next;
		finish(*ps, h);
	}
	free(*ps);
	*ps = NULL;
}
