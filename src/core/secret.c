#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

/* The arena's own note of what to wipe: the caller's struct may be gone. */
struct wipe {
	void *p;
	size_t n;
};

static void
wipe(void *handle)
{
	struct wipe *w = handle;

	explicit_bzero(w->p, w->n);
}

static struct secret
secret_room(struct arena *a, size_t n)
{
	struct wipe *w = ARENA_NEW(a, struct wipe);
	unsigned char *p = arena_alloc(a, n + 1);

	*w = (struct wipe){ p, n };
	arena_defer(a, wipe, w);
	return (struct secret){ p, n };
}

struct secret
secret_new(struct arena *a, const void *p, size_t n)
{
	struct secret s = secret_room(a, n);

	if (n > 0)
		memcpy(s.p, p, n);
	return s;
}

void
secret_wipe(struct secret *s)
{
	if (s->p != NULL)
		explicit_bzero(s->p, s->n);
	*s = (struct secret){ NULL, 0 };
}

bool
secret_eq(const struct secret *s, const void *p, size_t n)
{
	return s->p != NULL && s->n == n && CRYPTO_memcmp(s->p, p, n) == 0;
}

static enum rc
check_key_file(int fd, const char *path, size_t max, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(RC_INVALID, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(RC_INVALID, "%s: not a plain file", path);
	if ((st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0)
		return fail(RC_INVALID,
		    "%s: mode %04o lets others in, want 0600", path,
		    (unsigned)st.st_mode & 07777);
	if (st.st_size < 0 || (uintmax_t)st.st_size > max)
		return fail(RC_INVALID, "%s: larger than %zu bytes", path, max);
	*size = (size_t)st.st_size;
	return RC_OK;
}

static enum rc
read_whole(int fd, const char *path, unsigned char *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, p + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return fail(
			    RC_INVALID, "%s: %s", path, strerror(errno));
		if (r == 0)
			return fail(RC_INVALID, "%s: became shorter", path);
		got += (size_t)r;
	}
	return RC_OK;
}

enum rc
secret_read(struct arena *a, const char *path, size_t max, struct secret *out)
{
	size_t size = 0;
	enum rc rc;
	int fd;

	/* O_NONBLOCK: a FIFO must not hold us before fstat can refuse it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail(RC_INVALID, "%s: %s", path, strerror(errno));
	rc = check_key_file(fd, path, max, &size);
	if (rc == RC_OK) {
		struct secret s = secret_room(a, size);

		rc = read_whole(fd, path, s.p, s.n);
		if (rc == RC_OK)
			*out = s;
	}
	close(fd);
	return rc;
}

void
random_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			die("no random bytes: %s", strerror(errno));
		p += got;
		n -= (size_t)got;
	}
}

struct secret
secret_token(struct arena *arena)
{
	unsigned char raw[32];
	struct secret token;
	char *text;

	random_bytes(raw, sizeof raw);
	text = base64url_encode(arena, raw, sizeof raw);
	token = secret_new(arena, text, strlen(text));
	explicit_bzero(text, token.n);
	explicit_bzero(raw, sizeof raw);
	return token;
}

/* Kept, since SHA256() looks the algorithm up by its name at each call, which
 * takes three times as long as to hash a token. Lives as long as its thread. */
static EVP_MD_CTX *
sha256_context(void)
{
	static _Thread_local EVP_MD_CTX *kept;

	if (kept == NULL)
		kept = EVP_MD_CTX_new();
	if (kept == NULL ||
	    (EVP_MD_CTX_get0_md(kept) == NULL &&
		EVP_DigestInit_ex2(kept, EVP_sha256(), NULL) != 1))
		die("SHA-256 is not available");
	return kept;
}

void
sha256(const void *p, size_t n, unsigned char out[SHA256_SIZE])
{
	EVP_MD_CTX *ctx = sha256_context();

	/* NULL: the same algorithm, from its beginning */
	if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, p, n) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		die("SHA-256 is not available");
}

struct sha256 {
	EVP_MD_CTX *ctx; /* owned */
};

struct sha256 *
sha256_new(void)
{
	struct sha256 *s = malloc(sizeof *s);

	if (s == NULL)
		die("out of memory");
	s->ctx = EVP_MD_CTX_new();
	if (s->ctx == NULL ||
	    EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1)
		die("SHA-256 is not available");
	return s;
}

void
sha256_add(struct sha256 *s, const void *p, size_t n)
{
	if (EVP_DigestUpdate(s->ctx, p, n) != 1)
		die("SHA-256 is not available");
}

void
sha256_end(struct sha256 **sp, unsigned char out[SHA256_SIZE])
{
	struct sha256 *s = *sp;

	if (out != NULL && EVP_DigestFinal_ex(s->ctx, out, NULL) != 1)
		die("SHA-256 is not available");
	EVP_MD_CTX_free(s->ctx);
	free(s);
	*sp = NULL;
}

void
hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
    unsigned char out[SHA256_SIZE])
{
	if (key_n > INT_MAX ||
	    HMAC(EVP_sha256(), key, (int)key_n, data, n, out, NULL) == NULL)
		die("HMAC failed");
}
