#include "web/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/text.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

static enum rc
group_set(const struct conf *conf, const char *path)
{
	struct group group, *found = NULL;
	char room[4096];

	if (conf->socket_group[0] == '\0')
		return RC_OK;
	if (getgrnam_r(conf->socket_group, &group, room, sizeof room, &found) !=
		0 ||
	    found == NULL)
		return fail(RC_CONFIG_HOST, "socket_group: no group \"%s\"",
		    conf->socket_group);
	if (chown(path, (uid_t)-1, group.gr_gid) != 0)
		return fail(
		    RC_CONFIG_HOST, "%s: group: %s", path, strerror(errno));
	return RC_OK;
}

#define PATH_ROOM 200

static enum rc
path_of(const struct conf *conf, const char *name, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s.sock", conf->run_dir, name);
	/* at first it has a process's number behind its name */
	if (strlen(path) + sizeof ".4194304" >
	    sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(RC_CONFIG_HOST, "run_dir is too long: %s", path);
	return RC_OK;
}

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memcpy(addr.sun_path, path, strlen(path) + 1);
	return addr;
}

/* ---- who listens there ---- */

#define NOBODY   0
#define SOMEBODY (-1) /* not known who */

static int
knock(int fd, const char *path)
{
	const struct sockaddr_un addr = address(path);

	return connect(fd, (const struct sockaddr *)&addr, sizeof addr);
}

/* The process that began to listen; those that have inherited the socket may
 * be the only ones left. One that cannot be asked, since its backlog is full
 * or it is another user's, is somebody's. */
static pid_t
listener_at(const char *path)
{
	struct ucred peer = { .pid = 0 };
	socklen_t n = sizeof peer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pid_t pid = SOMEBODY;

	if (fd < 0)
		return SOMEBODY;
	if (knock(fd, path) != 0)
		pid = errno == ECONNREFUSED || errno == ENOENT ? NOBODY
							       : SOMEBODY;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	    peer.pid > 0) /* 0: not of this container */
		pid = peer.pid;
	close(fd);
	return pid;
}

static bool
has_ended(pid_t pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

static enum rc
must_be_free(const char *path, pid_t former)
{
	pid_t pid = listener_at(path);

	if (pid == NOBODY || (pid == former && has_ended(former)))
		return RC_OK;
	if (pid == SOMEBODY)
		return fail(
		    RC_CONFLICT, "%s is in use, as far as can be told", path);
	return fail(RC_CONFLICT,
	    "%s is in use: process %d, or what it has started, listens there",
	    path, (int)pid);
}

/* ---- making one ---- */

static enum rc
bind_and_listen(int fd, const struct conf *conf, const char *temp)
{
	const struct sockaddr_un addr = address(temp);

	(void)unlink(temp);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof addr) != 0 ||
	    chmod(temp, 0660) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
		return fail(RC_CONFIG_HOST, "%s: %s", temp, strerror(errno));
	return group_set(conf, temp);
}

static enum rc
put_in_place(const char *temp, const char *path, struct listener *l)
{
	struct stat st;

	if (lstat(temp, &st) != 0 || rename(temp, path) != 0)
		return fail(RC_CONFIG_HOST, "%s: %s", path, strerror(errno));
	l->device = st.st_dev;
	l->file = st.st_ino;
	return RC_OK;
}

/* Made under another name and renamed, so that nginx never finds a socket
 * that nobody listens on. */
static enum rc
make(const struct conf *conf, const char *path, struct listener *l)
{
	char temp[PATH_ROOM + 16];
	enum rc rc;

	snprintf(temp, sizeof temp, "%s.%d", path, (int)getpid());
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return fail(RC_CONFIG_HOST, "socket: %s", strerror(errno));
	rc = bind_and_listen(l->fd, conf, temp);
	if (rc == RC_OK)
		rc = put_in_place(temp, path, l);
	if (rc != RC_OK) {
		(void)unlink(temp);
		listen_end(l);
	}
	return rc;
}

/* Of those that start at once one looks and makes at a time: else each would
 * find that nobody listens, and the last one have the name. */
static enum rc
turn_begin(const struct conf *conf, int *turn)
{
	*turn = open(conf->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*turn >= 0 && flock(*turn, LOCK_EX) == 0)
		return RC_OK;
	(void)fail(RC_CONFIG_HOST, "%s: %s", conf->run_dir, strerror(errno));
	if (*turn >= 0)
		close(*turn);
	return RC_CONFIG_HOST;
}

enum rc
listen_make(
    const struct conf *conf, const char *name, pid_t former, struct listener *l)
{
	char path[PATH_ROOM];
	enum rc rc;
	int turn;

	*l = (struct listener){ .fd = -1 };
	TRY(path_of(conf, name, path));
	TRY(turn_begin(conf, &turn));
	rc = must_be_free(path, former);
	if (rc == RC_OK)
		rc = make(conf, path, l);
	close(turn);
	return rc;
}

enum rc
listen_retake(const struct conf *conf, const char *name, struct listener *l)
{
	char path[PATH_ROOM];
	enum rc rc;
	int turn;

	*l = (struct listener){ .fd = -1 };
	TRY(path_of(conf, name, path));
	TRY(turn_begin(conf, &turn));
	rc = make(conf, path, l);
	close(turn);
	return rc;
}

bool
listen_stands(
    const struct conf *conf, const char *name, const struct listener *l)
{
	char path[PATH_ROOM];
	struct stat st;

	return path_of(conf, name, path) == RC_OK && lstat(path, &st) == 0 &&
	    st.st_dev == l->device && st.st_ino == l->file;
}

void
listen_end(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* ---- given ---- */

static bool
listens(int fd)
{
	int yes = 0;
	socklen_t n = sizeof yes;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 &&
	    yes != 0;
}

/* Meant for this process? systemd says so; one that says nothing means it. */
static bool
for_us(const char *pid)
{
	uint64_t n;

	return pid == NULL ||
	    (str_uint(str_of(pid), INT32_MAX, &n) && n == (uint64_t)getpid());
}

enum rc
listen_given(const struct conf *conf, const char *name, int *fd)
{
	const char *count = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	struct listener made;

	if (count != NULL && strcmp(count, "1") == 0 && for_us(pid) &&
	    listens(FIRST_FD)) {
		*fd = FIRST_FD;
		return RC_OK;
	}
	if (listens(STDIN_FILENO)) {
		*fd = STDIN_FILENO;
		return RC_OK;
	}
	TRY(listen_make(conf, name, 0, &made));
	*fd = made.fd;
	return RC_OK;
}
