#include "web/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static enum rc
bind_and_listen(int fd, const struct conf *conf, const char *temp)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memcpy(addr.sun_path, temp, strlen(temp) + 1);
	(void)unlink(temp);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
	    chmod(temp, 0660) != 0 || listen(fd, LISTEN_BACKLOG) != 0)
		return fail(RC_CONFIG_HOST, "%s: %s", temp, strerror(errno));
	return group_set(conf, temp);
}

/* Made under another name and renamed, so that nginx never finds a socket
 * that nobody listens on. */
enum rc
listen_make(const struct conf *conf, const char *name, int *fd)
{
	char path[200], temp[216];
	enum rc rc;

	snprintf(path, sizeof path, "%s/%s.sock", conf->run_dir, name);
	snprintf(temp, sizeof temp, "%s.%d", path, (int)getpid());
	if (strlen(temp) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(RC_CONFIG_HOST, "run_dir is too long: %s", path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return fail(RC_CONFIG_HOST, "socket: %s", strerror(errno));
	rc = bind_and_listen(*fd, conf, temp);
	if (rc == RC_OK && rename(temp, path) != 0)
		rc = fail(RC_CONFIG_HOST, "%s: %s", path, strerror(errno));
	if (rc != RC_OK) {
		(void)unlink(temp);
		close(*fd);
		*fd = -1;
	}
	return rc;
}

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

	if (count != NULL && strcmp(count, "1") == 0 && for_us(pid) &&
	    listens(FIRST_FD)) {
		*fd = FIRST_FD;
		return RC_OK;
	}
	if (listens(STDIN_FILENO)) {
		*fd = STDIN_FILENO;
		return RC_OK;
	}
	return listen_make(conf, name, fd);
}
