#include "core/password.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "core/common-passwords.h"
#include "core/key-file.h"
#include "core/log.h"

#define METHOD     "$y$"
#define SALT_BYTES 16
#define TAIL_MOST  4 /* "password2024", "password123!" */

_Static_assert(PASSWORD_HASH_MAX <= CRYPT_OUTPUT_SIZE &&
	PASSWORD_MOST < CRYPT_MAX_PASSPHRASE_SIZE,
    "fits crypt(3)");

/* A small host keeps one processor for those who are signed in. */
static int
slots_here(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > PASSWORD_SLOTS ? PASSWORD_SLOTS
							      : 1;
}

enum rc
password_gate_open(const char *run_dir, struct password_gate *gate)
{
	char path[512];
	enum rc rc;

	gate->slots = slots_here();
	for (int i = 0; i < PASSWORD_SLOTS; i++)
		gate->slot[i] = -1;
	for (int i = 0; i < gate->slots; i++) {
		snprintf(path, sizeof path, "%s/password-%d.lock", run_dir, i);
		gate->slot[i] =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (gate->slot[i] >= 0 && file_adopt(gate->slot[i], run_dir))
			continue;
		rc = fail(RC_INVALID, "%s: %s", path, strerror(errno));
		password_gate_close(gate);
		return rc;
	}
	return RC_OK;
}

void
password_gate_close(struct password_gate *gate)
{
	for (int i = 0; i < PASSWORD_SLOTS; i++) {
		if (gate->slot[i] >= 0)
			close(gate->slot[i]);
		gate->slot[i] = -1;
	}
}

/* A free slot, else the next to come free of one picked by our number, so
 * that waiters spread over the slots. */
static int
gate_enter(const struct password_gate *gate)
{
	int fd = gate->slot[getpid() % gate->slots];

	for (int i = 0; i < gate->slots; i++)
		if (flock(gate->slot[i], LOCK_EX | LOCK_NB) == 0)
			return gate->slot[i];
	while (flock(fd, LOCK_EX) != 0)
		if (errno != EINTR)
			die("password slot: %s", strerror(errno));
	return fd;
}

static void
gate_leave(int fd)
{
	flock(fd, LOCK_UN);
}

/* ---- the hash itself ---- */

/* Hashing is all computing, for tens of milliseconds; whoever reads a list
 * meanwhile goes first. */
#define NICE 10

struct hashing {
	const char *text, *setting;
	struct crypt_data *data; /* owned */
	const char *hash;
};

static void
hash_now(struct hashing *h)
{
	h->hash = crypt_rn(h->text, h->setting, h->data, sizeof *h->data);
}

/* Of Linux's threads each has a niceness of its own. None that was raised can
 * be lowered again, so the thread ends with the hash. */
static void *
hash_aside(void *ctx)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	hash_now(ctx);
	return NULL;
}

static void
hash_politely(struct hashing *h)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hash_aside, h) != 0)
		hash_now(h);
	else
		pthread_join(thread, NULL);
}

/* The hash of `text` under `setting` into `out`; "" where crypt refuses. */
static void
crypt_once(struct password_gate *gate, const struct secret *text,
    const char *setting, char out[PASSWORD_HASH_MAX])
{
	struct hashing h = { (const char *)text->p, setting,
		calloc(1, sizeof *h.data), NULL }; /* 32 KiB */
	int fd;

	if (h.data == NULL)
		die("no memory");
	out[0] = '\0';
	fd = gate_enter(gate);
	hash_politely(&h);
	gate_leave(fd);
	if (h.hash != NULL && strlen(h.hash) < PASSWORD_HASH_MAX)
		memcpy(out, h.hash, strlen(h.hash) + 1);
	OPENSSL_cleanse(h.data, sizeof *h.data);
	free(h.data);
}

static bool
new_setting(int64_t cost, char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char salt[SALT_BYTES];

	if (cost < 1 || cost > 11)
		return false;
	random_bytes(salt, sizeof salt);
	return crypt_gensalt_rn(METHOD, (unsigned long)cost, salt, sizeof salt,
		   out, CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

/* What crypt(3) would cut or not take. */
static bool
usable(const struct secret *text)
{
	return secret_is(text) && text->n <= PASSWORD_MOST &&
	    memchr(text->p, '\0', text->n) == NULL;
}

enum rc
password_hash(struct password_gate *gate, const struct secret *text,
    int64_t cost, char hash[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!usable(text))
		return fail(RC_INVALID, "password: not usable");
	if (!new_setting(cost, setting))
		return fail(RC_INVALID, "password_cost: not 1 to 11");
	crypt_once(gate, text, setting, hash);
	if (hash[0] == '\0')
		return fail(RC_INVALID, "password: crypt refuses it");
	return RC_OK;
}

bool
password_check(struct password_gate *gate, const struct secret *text,
    const char *hash, int64_t cost)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	char got[PASSWORD_HASH_MAX];
	struct secret dummy = { (unsigned char[]){ "no such user" }, 12 };
	size_t n;
	bool equal;

	if (!usable(text))
		text = &dummy;
	if (hash != NULL && strlen(hash) < PASSWORD_HASH_MAX &&
	    hash[0] == '$') {
		crypt_once(gate, text, hash, got);
		n = strlen(got);
		equal = n > 0 && n == strlen(hash) &&
		    CRYPTO_memcmp(got, hash, n) == 0;
		OPENSSL_cleanse(got, sizeof got);
		if (n > 0)
			return equal && text != &dummy;
	}
	/* Nobody's: the same work, so that the time tells nothing. */
	if (new_setting(cost, setting))
		crypt_once(gate, text, setting, got);
	return false;
}

bool
password_stale(const char *hash, int64_t cost)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	size_t n;

	if (!new_setting(cost, setting))
		return false;
	/* "$y$j9T$": method and cost, up to the third dollar sign. */
	n = sizeof METHOD - 1;
	n += strcspn(setting + n, "$") + 1;
	return strncmp(hash, setting, n) != 0;
}

/* Runs of neighbours; each is looked at forwards and backwards. */
static const char *const runs[] = {
	"01234567890123456789",
	"abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop[]",
	"qwertzuiop",
	"asdfghjkl;'",
	"zxcvbnm,./",
	"yxcvbnm,.-",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
	"!@#$%^&*()_+",
	"1q2w3e4r5t6y7u8i9o0p",
	"q1w2e3r4t5y6u7i8o9p0",
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Leading letters with the usual disguises taken off ("P@55w0rd" ->
 * "password"); what follows is the tail. */
static size_t
plain_letters(const char *s, size_t n, char *out, size_t *tail)
{
	static const char from[] = "@40$513!7", to[] = "aaossieit";
	size_t letters = 0, i;

	*tail = 0;
	for (i = 0; i < n; i++) {
		const char *at = s[i] != '\0' ? strchr(from, s[i]) : NULL;
		char c = at != NULL ? to[at - from] : lower(s[i]);

		if (c < 'a' || c > 'z')
			break;
		out[i] = c;
		/* Disguises at the end are a tail rather than letters. */
		letters = i + 1;
	}
	*tail = n - letters;
	return letters;
}

static int
compare(const void *key, const void *row)
{
	const struct str *s = key;
	const char *word = *(const char *const *)row;
	int c = strncmp(s->p, word, s->n);

	return c != 0 ? c : word[s->n] == '\0' ? 0 : -1;
}

/* Does it begin with a common one, with at most TAIL_MOST more of `total`
 * bytes behind, whatever these are? */
static bool
made_of_common(const char *s, size_t n, size_t total)
{
	size_t least = total > TAIL_MOST ? total - TAIL_MOST : 1;

	for (size_t w = n; w >= least; w--) {
		const struct str word = { s, w };

		if (bsearch(&word, common, sizeof common / sizeof *common,
			sizeof *common, compare) != NULL)
			return true;
	}
	return false;
}

/* As it was typed, and with its disguises taken off. */
static bool
is_common_word(const char *s, size_t n)
{
	char plain[PASSWORD_MOST];
	size_t tail, letters = plain_letters(s, n, plain, &tail);
	bool found =
	    made_of_common(plain, letters, n) || made_of_common(s, n, n);

	OPENSSL_cleanse(plain, sizeof plain);
	return found;
}

/* One block over and over: "aaaaaaaa", "abcabcabc", "passpass". */
static bool
is_repeated(const char *s, size_t n)
{
	for (size_t block = 1; block <= n / 2 && block <= 6; block++)
		if (memcmp(s, s + block, n - block) == 0)
			return true;
	return false;
}

static bool
is_run(const char *s, size_t n, const char *run)
{
	size_t len = strlen(run);

	for (size_t at = 0; at + n <= len; at++) {
		size_t same = 0, back = 0;

		for (size_t i = 0; i < n; i++) {
			same += s[i] == run[at + i];
			back += s[i] == run[at + n - 1 - i];
		}
		if (same == n || back == n)
			return true;
	}
	return false;
}

static bool
is_common(const char *s, size_t n)
{
	if (is_repeated(s, n) || is_common_word(s, n))
		return true;
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
		if (is_run(s, n, runs[i]))
			return true;
	return false;
}

/* Their own name with little around it. */
static bool
is_name(const char *s, size_t n, const char *name, size_t name_n)
{
	char low[PASSWORD_MOST];

	if (name_n < 3 || name_n > n || name_n >= sizeof low)
		return false;
	for (size_t i = 0; i < name_n; i++)
		low[i] = lower(name[i]);
	for (size_t at = 0; at + name_n <= n; at++)
		if (memcmp(s + at, low, name_n) == 0)
			return n - name_n <= TAIL_MOST;
	return false;
}

enum rc
password_allowed(const struct secret *text, const char *name, const char *email)
{
	char low[PASSWORD_MOST];
	bool own, weak;

	if (!secret_is(text) ||
	    utf8_count((const char *)text->p, text->n) < PASSWORD_LEAST)
		return fail(
		    RC_INVALID, "at least %d characters", PASSWORD_LEAST);
	if (!usable(text))
		return fail(RC_INVALID, "at most %d bytes, none of them NUL",
		    PASSWORD_MOST);
	for (size_t i = 0; i < text->n; i++)
		low[i] = lower((char)text->p[i]);
	weak = is_common(low, text->n);
	own = (name != NULL && is_name(low, text->n, name, strlen(name))) ||
	    (email != NULL &&
		(is_name(low, text->n, email, strlen(email)) ||
		    is_name(low, text->n, email, strcspn(email, "@"))));
	OPENSSL_cleanse(low, sizeof low);
	if (weak)
		return fail(RC_INVALID, "one of the first that anybody tries");
	if (own)
		return fail(RC_INVALID, "too close to the user's own name");
	return RC_OK;
}
