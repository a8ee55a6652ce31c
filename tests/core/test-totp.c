/* Codes by time: the vectors of RFC 6238, appendix B, cut to six digits, and
 * which steps are taken. */
#include "core/totp.h"

#include "lib/unit.h"

static struct arena *arena;

static void
begin(void)
{
	arena = arena_new(1 << 16);
}

static void
end(void)
{
	arena_free(&arena);
}

static struct secret
key(void)
{
	return secret_new(arena, "12345678901234567890", 20);
}

START_TEST(vectors)
{
	static const struct {
		int64_t at;
		const char *code;
	} rows[] = {
		{ 59, "287082" },
		{ 1111111109, "081804" },
		{ 1111111111, "050471" },
		{ 1234567890, "005924" },
		{ 2000000000, "279037" },
		{ 20000000000, "353130" },
	};
	struct secret k = key();
	char code[TOTP_DIGITS + 1];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		totp_code(&k, rows[i].at / TOTP_STEP_S, code);
		ck_assert_str_eq(code, rows[i].code);
	}
}
END_TEST

/* RFC 4226, appendix D: a counter where the step is. */
START_TEST(counters)
{
	static const char *const codes[] = { "755224", "287082", "359152",
		"969429", "338314", "254676", "287922", "162583", "399871",
		"520489" };
	struct secret k = key();
	char code[TOTP_DIGITS + 1];

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		totp_code(&k, (int64_t)i, code);
		ck_assert_str_eq(code, codes[i]);
	}
}
END_TEST

START_TEST(steps)
{
	const int64_t now = 1111111111, step = now / TOTP_STEP_S;
	struct secret k = key();
	char code[TOTP_DIGITS + 1];

	for (int64_t n = -3; n <= 3; n++) {
		bool near = n >= -1 && n <= 1;

		totp_code(&k, step + n, code);
		ck_assert_int_eq(
		    totp_step(&k, str_of(code), now, 0), near ? step + n : 0);
		/* once, and none before it any more */
		ck_assert_int_eq(totp_step(&k, str_of(code), now, step + n), 0);
		ck_assert_int_eq(totp_step(&k, str_of(code), now, step + 2), 0);
	}
	ck_assert_int_eq(totp_step(&k, STR("05047"), now, 0), 0);
	ck_assert_int_eq(totp_step(&k, STR("0504711"), now, 0), 0);
	ck_assert_int_eq(totp_step(&k, STR(""), now, 0), 0);
}
END_TEST

/* RFC 4648 10, without padding. */
START_TEST(base32)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "MY" },
		{ "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(
		    base32_encode(arena, rows[i][0], strlen(rows[i][0])),
		    rows[i][1]);
}
END_TEST

UNIT_MAIN_AROUND("core/totp", begin, end, UNIT(vectors), UNIT(counters),
    UNIT(steps), UNIT(base32))
