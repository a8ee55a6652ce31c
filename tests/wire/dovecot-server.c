#include "dovecot-server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 100 /* times 100 ms */

static const char conf[] =
    "base_dir = %1$s/run\nstate_dir = %1$s/run\nlog_path = %1$s/log\n"
    "listen = 127.0.0.1\nprotocols = imap\n"
    "default_internal_user = %2$s\ndefault_internal_group = %3$s\n"
    "default_login_user = %2$s\nfirst_valid_uid = 1\nmail_uid = %2$s\n"
    "mail_gid = %3$s\nmail_home = %1$s/mail/%%n\n"
    "mail_location = maildir:~/Maildir\nmail_fsync = never\n"
    "ssl = yes\nssl_cert = <%1$s/cert.pem\nssl_key = <%1$s/key.pem\n"
    "disable_plaintext_auth = no\nauth_mechanisms = plain login\n"
    "auth_failure_delay = 0\n"
    "passdb {\n driver = static\n args = password=secret\n}\n"
    "userdb {\n driver = static\n args = home=%1$s/mail/%%n\n}\n"
    "protocol imap {\n mail_plugins = imap_zlib\n}\n"
    "service imap-login {\n chroot =\n inet_listener imap {\n port = %4$u\n }\n"
    " inet_listener imaps {\n port = %5$u\n ssl = yes\n }\n}\n"
    "service anvil {\n chroot =\n"
    " unix_listener anvil-auth-penalty {\n mode = 0\n }\n}\nservice stats {\n "
    "chroot =\n}\n";

static unsigned
free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		abort();
	close(fd);
	return ntohs(at.sin_port);
}

/* Runs a program and waits; its exit status. */
static int
run(const char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Root's processes run as nobody, anybody's as themselves. */
static const struct passwd *
service_user(void)
{
	return geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
}

static bool
write_conf(const struct dovecot_server *d, const char *path)
{
	const struct passwd *pw = service_user();
	char group[64];
	FILE *f;

	if (pw == NULL)
		return false;
	f = fopen(path, "w");
	if (f == NULL)
		return false;
	snprintf(group, sizeof(group), "%s",
	    geteuid() == 0 ? "nogroup" : pw->pw_name);
	fprintf(f, conf, d->dir, pw->pw_name, group, d->port, d->tls_port);
	return fclose(f) == 0;
}

static bool
make_certificate(struct dovecot_server *d)
{
	char key[100];
	const char *const argv[] = { "openssl", "req", "-x509", "-newkey",
		"rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
		"-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
		"-out", d->ca, NULL };

	snprintf(key, sizeof(key), "%s/key.pem", d->dir);
	return run(argv) == 0;
}

static bool
answers(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

	close(fd);
	return ok;
}

bool
dovecot_start(struct dovecot_server *d)
{
	const struct passwd *pw = service_user();
	char path[100];

	snprintf(d->dir, sizeof(d->dir), "/tmp/lr-dovecot-XXXXXX");
	if (mkdtemp(d->dir) == NULL || pw == NULL ||
	    chown(d->dir, pw->pw_uid, (gid_t)-1) != 0)
		return false;
	snprintf(d->ca, sizeof(d->ca), "%s/cert.pem", d->dir);
	snprintf(path, sizeof(path), "%s/conf", d->dir);
	d->port = free_port();
	d->tls_port = free_port();
	if (!make_certificate(d) || !write_conf(d, path))
		return false;
	d->pid = fork();
	if (d->pid == 0) {
		execlp("dovecot", "dovecot", "-F", "-c", path, (char *)NULL);
		execl("/usr/sbin/dovecot", "dovecot", "-F", "-c", path,
		    (char *)NULL);
		_exit(127);
	}
	/* No event tells when a foreign program listens. */
	for (int i = 0; i < PATIENCE && !answers(d->port); i++) {
		if (waitpid(d->pid, NULL, WNOHANG) != 0) {
			d->pid = 0;
			return false;
		}
		poll(NULL, 0, 100);
	}
	return answers(d->port);
}

void
dovecot_stop(struct dovecot_server *d)
{
	const char *const remove[] = { "rm", "-rf", d->dir, NULL };

	if (d->pid > 0) {
		kill(d->pid, SIGTERM);
		waitpid(d->pid, NULL, 0);
	}
	if (strncmp(d->dir, "/tmp/lr-dovecot-", 16) == 0)
		(void)run(remove);
}
