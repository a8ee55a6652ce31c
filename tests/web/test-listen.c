/* Sockets: one that is listened on is nobody else's to take. */
#include "web/listen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/unit.h"

static char dir[64];
static struct conf conf;

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-listen-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	conf = (struct conf){ .run_dir = dir, .socket_group = "" };
}

static void
end(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *
path(void)
{
	static char text[96];

	snprintf(text, sizeof text, "%s/x.sock", dir);
	return text;
}

/* Does a connection to the file come out at `fd`? */
static bool
leads_to(int fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int to = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct timeval soon = { .tv_usec = 20000 };
	int got = -1;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path());
	if (connect(to, (struct sockaddr *)&addr, sizeof addr) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
		got = accept(fd, NULL, NULL);
	}
	close(to);
	if (got >= 0)
		close(got);
	return got >= 0;
}

/* A process that makes the socket and goes on to wait. Its child, too, has the
 * socket. */
struct other {
	pid_t maker;
	pid_t child;
};

static struct other
other_listens(void)
{
	struct other o;
	int told[2];

	ck_assert_int_eq(pipe(told), 0);
	o.maker = fork();
	if (o.maker == 0) {
		struct listener l;

		if (listen_make(&conf, "x", 0, &l) != RC_OK)
			_exit(1);
		o.child = fork();
		if (o.child != 0 &&
		    write(told[1], &o.child, sizeof o.child) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(told[1]);
	ck_assert_int_eq(
	    read(told[0], &o.child, sizeof o.child), sizeof o.child);
	close(told[0]);
	return o;
}

static void
maker_dies(const struct other *o)
{
	kill(o->maker, SIGKILL);
	ck_assert_int_eq(waitpid(o->maker, NULL, 0), o->maker);
}

static void
child_dies(const struct other *o)
{
	struct listener l;

	kill(o->child, SIGKILL);
	/* it is not ours to wait for */
	for (int i = 0; i < 100; i++) {
		if (listen_make(&conf, "x", 0, &l) == RC_OK)
			return listen_end(&l);
		usleep(20000);
	}
	ck_abort_msg("still in use");
}

START_TEST(made)
{
	struct listener l;
	struct stat st;

	ck_assert_int_eq(listen_make(&conf, "x", 0, &l), RC_OK);
	ck_assert(leads_to(l.fd));
	ck_assert_int_eq(lstat(path(), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert(listen_stands(&conf, "x", &l));
	listen_end(&l);
}
END_TEST

START_TEST(stale)
{
	struct listener was, l;

	ck_assert_int_eq(listen_make(&conf, "x", 0, &was), RC_OK);
	listen_end(&was);
	ck_assert_int_eq(access(path(), F_OK), 0);
	ck_assert_int_eq(listen_make(&conf, "x", 0, &l), RC_OK);
	ck_assert(leads_to(l.fd));
	listen_end(&l);
}
END_TEST

START_TEST(in_use)
{
	struct listener l;
	struct stat before, after;
	struct other o = other_listens();

	ck_assert_int_eq(lstat(path(), &before), 0);
	ck_assert_int_eq(listen_make(&conf, "x", 0, &l), RC_CONFLICT);
	ck_assert_ptr_nonnull(strstr(fail_detail(), path()));
	ck_assert_int_eq(l.fd, -1);
	ck_assert_int_eq(lstat(path(), &after), 0);
	ck_assert(before.st_ino == after.st_ino);
	maker_dies(&o);
	child_dies(&o);
}
END_TEST

/* A supervisor that was killed: what it has left to its responders, which end
 * after the request at hand, is its successor's. */
START_TEST(left_behind)
{
	struct other o = other_listens();
	struct listener l;

	ck_assert_int_eq(listen_make(&conf, "x", o.maker, &l), RC_CONFLICT);
	maker_dies(&o);
	ck_assert_int_eq(listen_make(&conf, "x", 0, &l), RC_CONFLICT);
	ck_assert_int_eq(listen_make(&conf, "x", o.maker + 1, &l), RC_CONFLICT);
	ck_assert_int_eq(listen_make(&conf, "x", o.maker, &l), RC_OK);
	ck_assert(leads_to(l.fd));
	listen_end(&l);
	kill(o.child, SIGKILL);
}
END_TEST

START_TEST(retaken)
{
	struct listener l, again;
	struct other o;

	ck_assert_int_eq(listen_make(&conf, "x", 0, &l), RC_OK);
	ck_assert_int_eq(unlink(path()), 0);
	ck_assert(!listen_stands(&conf, "x", &l));
	o = other_listens();
	ck_assert(!listen_stands(&conf, "x", &l));
	ck_assert_int_eq(listen_retake(&conf, "x", &again), RC_OK);
	ck_assert(listen_stands(&conf, "x", &again));
	ck_assert(leads_to(again.fd));
	listen_end(&again);
	listen_end(&l);
	maker_dies(&o);
	kill(o.child, SIGKILL);
}
END_TEST

/* Two that start at once: one has it, and the file leads to that one. */
START_TEST(race)
{
	for (int round = 0; round < 20; round++) {
		int won = 0;

		for (int i = 0; i < 4; i++)
			if (fork() == 0) {
				struct listener l;

				if (listen_make(&conf, "x", 0, &l) != RC_OK)
					_exit(0);
				usleep(100000);
				_exit(leads_to(l.fd) ? 1 : 2);
			}
		for (int i = 0; i < 4; i++) {
			int status;

			ck_assert_int_gt(wait(&status), 0);
			ck_assert(WIFEXITED(status));
			won += WEXITSTATUS(status);
		}
		ck_assert_int_eq(won, 1);
	}
}
END_TEST

UNIT_MAIN_AROUND("web/listen", begin, end, UNIT(made), UNIT(stale),
    UNIT(in_use), UNIT(left_behind), UNIT(retaken), UNIT(race))
