/* A private Dovecot for a test: own directory, own ports on 127.0.0.1, one
 * user "user" with password "secret", a certificate of its own. */
#ifndef TESTS_WIRE_DOVECOT_SERVER_H
#define TESTS_WIRE_DOVECOT_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct dovecot_server {
	char dir[64];
	unsigned port, tls_port;
	char ca[100]; /* its certificate */
	pid_t pid;
};

/* False: Dovecot or openssl is not installed. */
bool dovecot_start(struct dovecot_server *);
void dovecot_stop(struct dovecot_server *);

#endif
