// Links that are mailed: sign-up, verification, magic links, password reset,
// invitations, and the CSRF session of their pages.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { linkIn, mailsTo, tokenTo } from '../lib/outbox.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf } from '../lib/tokens.mjs';

let house, api, p, cid;

before(async () => {
	house = await stack();
	api = client(house);
	p = people(house);
	cid = clientOf(p);
});

const hex = (n = 4) => randomBytes(n).toString('hex');
const fresh = () => `new-${hex()}@outside.test`;
const good = 'correct horse battery';
const html = { accept: 'text/html,*/*;q=0.8' };
const form = (fields) => new URLSearchParams(fields);

/** An OAuth client of these people's application. */
function clientOf(them) {
	const id = `cid_${hex(8)}`;
	sql(house, `INSERT INTO client (id, application_id)
		VALUES ('${id}', ${them.application})`);
	return id;
}

const emailOf = (who) => sql(house,
	`SELECT email FROM app_user WHERE id = ${who.user}`);
const mails = (address) => mailsTo(house, address);
const token = (address) => tokenTo(house, address);
const expire = (address) => sql(house, `UPDATE one_time SET expires_at = now()
	WHERE address = '${address}'`);
const audits = (action) => Number(sql(house, `SELECT count(*) FROM audit
	WHERE application_id = ${p.application} AND action = '${action}'`));
const sessions = (user) => Number(sql(house, `SELECT count(*) FROM session
	WHERE user_id = ${user} AND ended_at IS NULL`));
const userAt = (address) => sql(house, `SELECT id FROM app_user
	WHERE application_id = ${p.application} AND email = '${address}'`);

const ask = (path, email, more = {}) =>
	api.post(path, { email, client_id: cid, ...more });
const signUp = (email, more = {}) =>
	ask('/auth/sign-up', email, { password: good, ...more });
const invite = (email, role = 'member', who = p.owner) =>
	api.as({ cookie: who.cookie })
		.post(`/api/accounts/${p.account}/invite`, { email, role });

/** Somebody with a password, a member of p.account. */
function somebody(role = 'member') {
	const email = `some-${hex()}@inside.test`;
	const user = Number(sql(house, `INSERT INTO app_user (application_id,
		email, active_account_id) VALUES (${p.application}, '${email}',
		${p.account}) RETURNING id`));
	sql(house, `INSERT INTO membership (application_id, account_id, user_id,
		role) VALUES (${p.application}, ${p.account}, ${user}, '${role}')`);
	return { email, user };
}

async function withPassword() {
	const who = somebody();
	await ask('/auth/send-password-reset', who.email);
	const answer = await api.post('/auth/reset-password',
		{ token: token(who.email), password: good });
	assert.equal(answer.status, 200, answer.text);
	return who;
}

/* Each link: how one gets it, what its POST is, what else that wants. */
const links = {
	verify: { path: '/auth/verify', page: '/auth/verify', more: {},
		async get() {
			const email = fresh();
			assert.equal((await signUp(email)).status, 201);
			return email;
		} },
	magic: { path: '/auth/sign-in-with-token', page: '/auth/magic', more: {},
		async get() {
			const { email } = somebody();
			assert.equal((await ask('/auth/send-magic-link', email)).status,
				202);
			return email;
		} },
	reset: { path: '/auth/reset-password', page: '/auth/reset',
		more: { password: 'another good one' },
		async get() {
			const { email } = somebody();
			assert.equal((await ask('/auth/send-password-reset', email))
				.status, 202);
			return email;
		} },
	invite: { path: '/auth/accept-invite', page: '/auth/invite', more: {},
		async get() {
			const email = fresh();
			assert.equal((await invite(email)).status, 201);
			return email;
		} },
};
const use = (kind, value, more = {}) =>
	api.post(links[kind].path, { token: value, ...links[kind].more, ...more });

function dead(answer) {
	assert.equal(answer.status, 401, answer.text);
	assert.equal(answer.json.code, 'invalid_token');
	assert.equal(answer.headers['set-cookie'], undefined);
}

describe('signing up', () => {
	test('mails a link, and makes the user when it is used', async () => {
		const email = fresh();
		const answer = await signUp(email);
		assert.equal(answer.status, 201);
		assert.equal(userAt(email), '');
		const [mail] = mails(email);
		assert.equal(mail.subject, 'Confirm your address');
		assert.ok(linkIn(mail).url.startsWith(`${house.url}/auth/verify?`));
		const done = await use('verify', token(email), { password: good });
		assert.equal(done.status, 200);
		assert.deepEqual(done.json, { status: 'verified', email,
			user_id: `uid_${userAt(email)}` });
	});
	test('opens no account: the user waits for an invitation', async () => {
		const email = fresh();
		await signUp(email);
		await use('verify', token(email));
		const enter = () => api.post('/auth/sign-in',
			{ client_id: cid, email, password: good });
		assert.equal((await enter()).status, 403);
		await invite(email, 'viewer');
		const joined = await use('invite', token(email));
		assert.equal(joined.json.password_set, true);
		assert.equal((await enter()).status, 200);
	});
	test('with another password than the sign-up\'s nothing is confirmed',
		async () => {
			const email = fresh();
			await signUp(email);
			const wrong = await use('verify', token(email),
				{ password: 'the owner of the mailbox guesses' });
			assert.equal(wrong.status, 401);
			assert.equal(wrong.json.code, 'invalid_credentials');
			assert.equal(userAt(email), '');
			assert.equal((await use('verify', token(email),
				{ password: good })).status, 200);
		});
	test('of a known address looks the same, and changes nothing', async () => {
		const { email, user } = await withPassword();
		const before = sql(house, `SELECT u::text FROM app_user u
			WHERE id = ${user}`);
		const known = await signUp(email.toUpperCase());
		const unknown = await signUp(fresh());
		assert.equal(known.text, unknown.text);
		assert.equal(known.status, unknown.status);
		assert.equal(known.headers['content-length'],
			unknown.headers['content-length']);
		const mail = mails(email).at(-1);
		assert.equal(mail.subject, 'You have signed up already');
		assert.ok(!mail.text.includes('token='));
		assert.equal(sql(house, `SELECT u::text FROM app_user u
			WHERE id = ${user}`), before);
	});
	test('an address that got a user meanwhile is not taken over', async () => {
		const email = fresh();
		await signUp(email, { password: 'the password of a stranger' });
		const link = token(email);
		await invite(email);
		await use('invite', token(email), { password: good });
		dead(await use('verify', link));
		assert.equal((await api.post('/auth/sign-in', { client_id: cid, email,
			password: 'the password of a stranger' })).status, 401);
	});
	for (const [name, password] of [['short', 'short'], ['common', 'password1'],
		['their own name', 'somebody-here1']])
		test(`refuses a password that is ${name}`, async () => {
			const email = 'somebody-here@outside.test';
			const answer = await signUp(email, { password });
			assert.equal(answer.status, 422);
			assert.equal(answer.json.errors[0].field, 'password');
			assert.deepEqual(mails(email), []);
		});
	test('keeps no password when it is over', async () => {
		const kept = (email) => sql(house, `SELECT count(*) FROM one_time
			WHERE address = '${email}' AND password_hash IS NOT NULL`);
		const email = fresh();
		await signUp(email);
		await signUp(email);
		assert.equal(kept(email), '1');
		await use('verify', token(email));
		assert.equal(kept(email), '0');
		assert.equal(sql(house, `SELECT password_hash ~ '^.y.' FROM app_user
			WHERE id = ${userAt(email)}`), 't');
	});
	test('the database has no token and no password', async () => {
		const email = fresh();
		await signUp(email);
		const rows = sql(house, `SELECT o::text FROM one_time o
			WHERE address = '${email}'`);
		assert.ok(!rows.includes(token(email)));
		assert.ok(!rows.includes(good));
	});
});

describe('a magic link', () => {
	test('signs in as the password would', async () => {
		const { email, user } = somebody('viewer');
		await ask('/auth/send-magic-link', email);
		const answer = await use('magic', token(email), { client_id: cid });
		assert.equal(answer.status, 200);
		assert.equal(answer.json.tokens.token_type, 'Bearer');
		assert.equal(answer.json.profile.id, `uid_${user}`);
		assert.equal(answer.json.profile.active_membership.role, 'viewer');
		const me = await api.as({ token: answer.json.tokens.access_token })
			.get('/auth/me');
		assert.equal(me.json.email, email);
		assert.equal((await api.as({ cookie: cookieOf(answer) })
			.get('/auth/me')).json.email, email);
	});
	test('of a user who was switched off is dead', async () => {
		const { email, user } = somebody();
		await ask('/auth/send-magic-link', email);
		sql(house, `UPDATE app_user SET is_active = false WHERE id = ${user}`);
		dead(await use('magic', token(email)));
		const before = mails(email).length;
		await ask('/auth/send-magic-link', email);
		assert.equal(mails(email).length, before);
	});
	test('of a member of no account is 403, and lives on', async () => {
		const { email, user } = somebody();
		await ask('/auth/send-magic-link', email);
		sql(house, `DELETE FROM membership WHERE user_id = ${user}`);
		assert.equal((await use('magic', token(email))).status, 403);
		sql(house, `INSERT INTO membership (application_id, account_id,
			user_id, role) VALUES (${p.application}, ${p.account}, ${user},
			'member')`);
		assert.equal((await use('magic', token(email))).status, 200);
	});
});

describe('a password reset', () => {
	test('ends all sessions and links, lifts the lock, and tells', async () => {
		const { email, user } = await withPassword();
		const enter = (password) => api.post('/auth/sign-in',
			{ client_id: cid, email, password });
		const cookie = cookieOf(await enter(good));
		await ask('/auth/send-magic-link', email);
		const magic = token(email);
		sql(house, `UPDATE app_user SET failed_logins = 9,
			locked_until = now() + interval '10 minutes' WHERE id = ${user}`);
		await ask('/auth/send-password-reset', email);
		const done = await use('reset', token(email),
			{ password: 'a whole new one' });
		assert.deepEqual(done.json, { status: 'password_set' });
		assert.equal(sessions(user), 0);
		assert.equal((await api.as({ cookie }).get('/auth/me')).status, 401);
		dead(await use('magic', magic));
		assert.equal((await enter(good)).status, 401);
		assert.equal((await enter('a whole new one')).status, 200);
		const told = mails(email).at(-1);
		assert.equal(told.subject, 'Your password was changed');
	});
	test('a password that is refused uses nothing up', async () => {
		const email = await links.reset.get();
		const weak = await use('reset', token(email), { password: 'password1' });
		assert.equal(weak.status, 422);
		assert.equal(weak.json.errors[0].field, 'password');
		assert.equal((await use('reset', token(email))).status, 200);
	});
});

describe('an invitation', () => {
	const path = () => `/api/accounts/${p.account}/invite`;

	test('is shown to who makes it, and names who asks', async () => {
		const email = fresh();
		const { status, json } = await invite(email, 'viewer');
		assert.equal(status, 201);
		assert.match(json.data.id, /^inv_\d+$/);
		const { role, account_id, invited_by, created_at, expires_at } =
			json.data;
		assert.deepEqual({ role, account_id, invited_by,
			email: json.data.email, status: json.data.status },
		{ role: 'viewer', account_id: `acc_${p.account}`, status: 'pending',
			invited_by: `uid_${p.owner.user}`, email });
		assert.equal(Date.parse(expires_at) - Date.parse(created_at),
			7 * 86400e3);
		assert.ok(!JSON.stringify(json).includes(token(email)));
		const [mail] = mails(email);
		assert.ok(mail.text.includes(emailOf(p.owner)), mail.text);
		assert.ok(mail.text.includes(sql(house,
			`SELECT name FROM account WHERE id = ${p.account}`)));
		assert.ok(!mail.text.includes('127.0.0.1:0'));
	});
	test('is made once under an Idempotency-Key', async () => {
		const email = fresh();
		const ask = (role, key = email) => api.as({ cookie: p.owner.cookie })
			.post(path(), { email, role }, { 'idempotency-key': key });
		const both = await Promise.all([ask('viewer'), ask('viewer')]);
		const first = both.find((a) => a.status === 201);
		assert.ok(first, both[0].text);
		assert.ok(both.every((a) => [201, 409].includes(a.status)));
		const again = await ask('viewer');
		assert.equal(again.status, 201);
		assert.equal(again.headers['idempotency-replayed'], 'true');
		assert.deepEqual(again.json, first.json);
		assert.equal(mails(email).length, 1);
		const other = await ask('owner');
		assert.equal(other.status, 422);
		assert.equal(mails(email).length, 1);
		/* As it is by now. */
		await use('invite', token(email), { password: good });
		assert.equal((await ask('viewer')).json.data.status, 'accepted');
		/* Nobody in another account learns of it by the key. */
		const foreign = await api.as({ cookie: p.stranger.cookie }).post(
			`/api/accounts/${p.other}/invite`, { email: fresh() },
			{ 'idempotency-key': email });
		assert.equal(foreign.headers['idempotency-replayed'], undefined);
	});
	test('makes user and member, and wants a password', async () => {
		const email = fresh();
		await invite(email, 'viewer');
		const answer = await use('invite', token(email));
		assert.equal(answer.status, 200);
		assert.equal(answer.json.password_set, false);
		assert.equal(answer.json.profile.email, email);
		assert.deepEqual(answer.json.profile.active_membership.role, 'viewer');
		assert.equal((await api.as({ cookie: cookieOf(answer) })
			.get(`/api/accounts/${p.account}/members`)).status, 200);
	});
	test('may set it at once', async () => {
		const email = fresh();
		await invite(email);
		assert.equal((await use('invite', token(email), { password: 'short' }))
			.status, 422);
		const answer = await use('invite', token(email), { password: good });
		assert.equal(answer.json.password_set, true);
		assert.equal((await api.post('/auth/sign-in',
			{ client_id: cid, email, password: good })).status, 200);
	});
	test('brings a user into a second account, with the old password',
		async () => {
			const email = emailOf(p.stranger);
			await invite(email);
			const answer = await use('invite', token(email),
				{ password: 'that somebody else chose' });
			assert.equal(answer.status, 200);
			assert.equal(answer.json.profile.id, `uid_${p.stranger.user}`);
			assert.equal(answer.json.profile.active_account_id,
				`acc_${p.account}`);
			assert.equal(answer.json.password_set, false);
			assert.equal(sql(house, `SELECT password_hash FROM app_user
				WHERE id = ${p.stranger.user}`), '');
		});
	test('of a member is 409', async () => {
		const { email } = somebody();
		assert.equal((await invite(email.toUpperCase())).status, 409);
		assert.deepEqual(mails(email), []);
	});
	test('of a member changes no role', async () => {
		const email = fresh();
		await invite(email, 'viewer');
		const first = token(email);
		const { user } = somebody();
		sql(house, `UPDATE app_user SET email = '${email}' WHERE id = ${user}`);
		assert.equal((await use('invite', first)).json.profile
			.active_membership.role, 'member');
	});
	for (const [name, change] of [
		['whoever made it is no owner any more', (them) =>
			`UPDATE membership SET role = 'member'
			WHERE user_id = ${them.owner.user}`],
		['the account is closed', (them) =>
			`UPDATE account SET status = 'suspended'
			WHERE id = ${them.account}`],
	])
		test(`is dead where ${name}`, async () => {
			const them = people(house);
			const email = fresh();
			assert.equal((await api.as({ cookie: them.owner.cookie }).post(
				`/api/accounts/${them.account}/invite`, { email })).status, 201);
			sql(house, change(them));
			dead(await use('invite', token(email)));
			assert.equal(sql(house, `SELECT count(*) FROM app_user
				WHERE email = '${email}'`), '0');
		});
	for (const who of ['member', 'viewer'])
		test(`is not a ${who}'s to make`, async () => {
			const email = fresh();
			assert.equal((await invite(email, 'viewer', p[who])).status, 403);
			assert.deepEqual(mails(email), []);
		});
	test('is an owner\'s for the own account only', async () => {
		const email = fresh();
		const foreign = people(house);
		for (const account of [p.other, foreign.account, 999999])
			assert.equal((await api.as({ cookie: p.owner.cookie }).post(
				`/api/accounts/${account}/invite`, { email })).status, 403);
		assert.equal((await api.post(path(), { email })).status, 401);
		assert.deepEqual(mails(email), []);
	});
	test('two into two accounts live side by side', async () => {
		const them = people(house);
		const email = fresh();
		const one = api.as({ cookie: them.admin.cookie });
		await one.post(`/api/accounts/${them.account}/invite`, { email });
		const first = token(email);
		sql(house, `UPDATE app_user SET active_account_id = ${them.other}
			WHERE id = ${them.admin.user}`);
		await one.post(`/api/accounts/${them.other}/invite`, { email });
		assert.notEqual(first, token(email));
		assert.equal((await use('invite', first)).status, 200);
		assert.equal((await use('invite', token(email))).status, 200);
	});
	test('an account sends a hundred an hour, and no more', async () => {
		const them = people(house);
		const send = () => api.as({ cookie: them.owner.cookie }).post(
			`/api/accounts/${them.account}/invite`, { email: fresh() });
		assert.equal((await send()).status, 201);
		sql(house, `INSERT INTO one_time (application_id, kind, hash, address,
			account_id, role, expires_at) SELECT application_id, kind,
			sha256(n::text::bytea || hash), n || address, account_id, role,
			expires_at FROM one_time, generate_series(1, 98) n
			WHERE account_id = ${them.account}`);
		assert.equal((await send()).status, 201);
		const late = await send();
		assert.equal(late.status, 429);
		assert.equal(late.json.retry_after_seconds, 3600);
	});
	test('a name cannot write lines of the mail', async () => {
		const them = people(house);
		sql(house, `UPDATE account SET name = E'x\\n\\nhttp://evil.example/'
			WHERE id = ${them.account}`);
		const email = fresh();
		await api.as({ cookie: them.owner.cookie }).post(
			`/api/accounts/${them.account}/invite`, { email });
		assert.ok(linkIn(mails(email)[0]).url.startsWith(house.url));
	});
});

describe('every link', () => {
	for (const [kind, link] of Object.entries(links)) {
		test(`${kind}: works once`, async () => {
			const value = token(await link.get());
			assert.equal((await use(kind, value)).status, 200);
			dead(await use(kind, value));
		});
		test(`${kind}: of ten at once one wins`, async () => {
			const value = token(await link.get());
			const answers = await Promise.all(Array.from({ length: 10 }, () =>
				use(kind, value)));
			assert.deepEqual(answers.map((a) => a.status).sort(),
				[200, ...Array(9).fill(401)]);
		});
		test(`${kind}: is dead when its time is over`, async () => {
			const email = await link.get();
			expire(email);
			dead(await use(kind, token(email)));
		});
		test(`${kind}: has its time`, async () => {
			const email = await link.get();
			assert.equal(sql(house, `SELECT extract(epoch FROM expires_at -
				created_at)::int FROM one_time WHERE address = '${email}'`),
			String({ verify: 86400, magic: 900, reset: 3600,
				invite: 604800 }[kind]));
		});
		test(`${kind}: is no other kind's`, async () => {
			const value = token(await link.get());
			for (const other of Object.keys(links))
				if (other !== kind)
					dead(await use(other, value));
			assert.equal((await use(kind, value)).status, 200);
		});
		test(`${kind}: its page uses nothing up, runs no script`, async () => {
			const value = token(await link.get());
			for (let i = 0; i < 3; i++) {
				const page = await api.get(`${link.page}?token=${value}`, html);
				assert.equal(page.status, 200);
				assert.match(page.text, /<button>/);
				assert.match(page.text, /<html lang="en">/);
				assert.ok(page.text.includes(`action="${link.path}"`));
				assert.ok(!page.text.includes('<script'));
				const policy = page.headers['content-security-policy'];
				assert.match(policy, /default-src 'none'/);
				assert.match(policy, /form-action 'self'/);
				assert.ok(!policy.includes('script-src'));
				assert.equal(page.headers['referrer-policy'], 'strict-origin');
				assert.equal(page.headers['cache-control'], 'no-store');
				for (const [, id] of page.text.matchAll(/<input id="(\w+)"/g))
					assert.ok(page.text.includes(`<label for="${id}">`));
			}
			await api.head(`${link.page}?token=${value}`);
			assert.equal((await use(kind, value)).status, 200);
			const gone = await api.get(`${link.page}?token=${value}`, html);
			assert.match(gone.text, /not valid any more/);
			assert.ok(!gone.text.includes('<form'));
		});
		test(`${kind}: its page shows no markup of others`, async () => {
			const page = await api.get(`${link.page}?token=` +
				encodeURIComponent('"><script>alert(1)</script>'), html);
			assert.ok(!page.text.includes('<script'));
		});
		test(`${kind}: the form leads on, and nowhere else`, async () => {
			const email = await link.get();
			const fields = { token: token(email), ...link.more,
				...{ verify: { password: good },
					invite: { password: good } }[kind],
				next: '//evil.example', redirect_uri: 'https://evil.example' };
			const answer = await api.post(link.path, form(fields), { ...html,
				origin: house.url, 'sec-fetch-site': 'same-origin',
				'x-forwarded-host': 'evil.example' });
			assert.equal(answer.status, 302, answer.text);
			assert.equal(answer.headers.location, { verify:
				'/auth/verify?state=done', reset: '/auth/reset?state=done',
			magic: '/dashboard', invite: '/dashboard' }[kind]);
			assert.equal(cookieOf(answer) !== undefined,
				kind === 'magic' || kind === 'invite');
			const page = await api.as({ cookie: cookieOf(answer) })
				.get(answer.headers.location, html);
			assert.equal(page.status, 200);
			const again = await api.post(link.path, form(fields), html);
			assert.equal(again.headers.location, `${link.page}?state=gone`);
			assert.match((await api.get(again.headers.location)).text,
				/not valid any more/);
		});
		test(`${kind}: another site cannot post it`, async () => {
			const value = token(await link.get());
			for (const headers of [{ origin: 'https://evil.example' },
				{ origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
				for (const body of [form({ token: value, ...link.more }),
					{ token: value, ...link.more }]) {
					const answer = await api.post(link.path, body,
						{ ...headers, accept: 'application/json' });
					assert.equal(answer.status, 403);
					assert.equal(answer.json.code, 'csrf_refused');
				}
			}
			assert.equal((await use(kind, value)).status, 200);
		});
		test(`${kind}: a newer one takes its place`, async () => {
			const email = await link.get();
			const old = token(email);
			const again = { verify: () => signUp(email),
				magic: () => ask('/auth/send-magic-link', email),
				reset: () => ask('/auth/send-password-reset', email),
				invite: () => invite(email) }[kind];
			assert.ok((await again()).status < 300);
			assert.notEqual(token(email), old);
			dead(await use(kind, old));
			assert.equal((await use(kind, token(email))).status, 200);
		});
		test(`${kind}: five an hour an address, and no more`, async () => {
			const email = await link.get();
			const again = { verify: () => signUp(email),
				magic: () => ask('/auth/send-magic-link', email),
				reset: () => ask('/auth/send-password-reset', email),
				invite: () => invite(email) }[kind];
			for (let i = 0; i < 4; i++)
				await again();
			assert.equal(mails(email).length, 5);
			const sixth = await again();
			assert.equal(sixth.status, { verify: 201, invite: 429 }[kind] ??
				202);
			assert.equal(mails(email).length, 5);
			assert.equal((await use(kind, token(email))).status, 200);
		});
	}
	for (const kind of ['magic', 'invite'])
		test(`${kind}: is not another application's`, async () => {
			const foreign = clientOf(people(house));
			const value = token(await links[kind].get());
			dead(await use(kind, value, { client_id: foreign }));
			dead(await use(kind, value, { client_id: 'cid_nobody' }));
			assert.equal((await use(kind, value, { client_id: cid })).status,
				200);
		});
	test('an address of another application is unknown', async () => {
		const foreign = clientOf(people(house));
		const { email } = somebody();
		for (const path of ['/auth/send-magic-link',
			'/auth/send-password-reset'])
			assert.equal((await ask(path, email, { client_id: foreign }))
				.status, 202);
		assert.deepEqual(mails(email), []);
	});
	test('is built from base_url, whatever Host says', async () => {
		const { email } = somebody();
		await api.post('/auth/send-magic-link', { email, client_id: cid },
			{ host: 'evil.example', 'x-forwarded-host': 'evil.example' });
		assert.ok(linkIn(mails(email)[0]).url.startsWith(house.url));
		assert.ok(!mails(email)[0].text.includes('evil'));
	});
	test('a reset of the page asks again after a weak password', async () => {
		const email = await links.reset.get();
		const answer = await api.post('/auth/reset-password', form({
			token: token(email), password: 'password1' }), html);
		assert.equal(answer.headers.location,
			`/auth/reset?state=weak&token=${token(email)}`);
		assert.match((await api.get(answer.headers.location)).text,
			/role="alert"/);
	});
	test('a sign-up of a stranger is not confirmed by the mailbox\'s owner',
		async () => {
			const email = await links.verify.get();
			const answer = await api.post('/auth/verify', form({
				token: token(email), password: 'I know of no sign-up' }), html);
			assert.match(answer.headers.location, /state=wrong/);
			assert.match((await api.get(answer.headers.location)).text,
				/nothing has happened/);
			assert.equal(userAt(email), '');
		});
	test('a form\'s token goes into no address but as a token', async () => {
		const answer = await api.post('/auth/verify', form({
			token: 'x\r\nSet-Cookie: a=b', password: good }), html);
		assert.ok([302, 422].includes(answer.status));
		assert.equal(answer.headers['set-cookie'], undefined);
	});
});

describe('nobody learns which addresses there are', () => {
	const paths = ['/auth/send-magic-link', '/auth/send-password-reset',
		'/auth/check-email'];
	for (const path of paths)
		test(`${path}: one body`, async () => {
			const known = await ask(path, somebody().email);
			const unknown = await ask(path, fresh());
			assert.equal(known.text, unknown.text);
			assert.equal(known.status, unknown.status);
			const names = (answer) => Object.keys(answer.headers);
			assert.deepEqual(names(known), names(unknown));
		});
	test('nothing of an unknown address is kept or mailed', async () => {
		const email = fresh();
		for (const path of paths)
			await ask(path, email);
		assert.deepEqual(mails(email), []);
		assert.equal(sql(house, `SELECT count(*) FROM one_time
			WHERE address = '${email}'`), '0');
	});
	test('a user without a password is asked as any other', async () => {
		assert.deepEqual((await ask('/auth/check-email', fresh())).json,
			{ methods: ['password', 'magic_link'] });
	});
	for (const path of ['/auth/send-magic-link', '/auth/send-password-reset',
		'/auth/sign-up'])
		test(`${path}: one time`, async () => {
			const time = async (email) => {
				const begun = performance.now();
				const { status } = await ask(path, email,
					path === '/auth/sign-up' ? { password: good } : {});
				assert.ok(status < 300);
				return performance.now() - begun;
			};
			const they = Array.from({ length: 40 }, () => somebody().email);
			const known = [], unknown = [];
			for (const email of they) {
				known.push(await time(email));
				unknown.push(await time(fresh()));
			}
			const median = (a) => a.sort((x, y) => x - y)[a.length >> 1];
			const ratio = median(known) / median(unknown);
			assert.ok(ratio > 0.7 && ratio < 1.43, `${ratio}`);
		});
});

describe('fields', () => {
	const long = `${'a'.repeat(250)}@b.test`;
	const cases = [];
	for (const path of ['/auth/sign-up', '/auth/send-magic-link',
		'/auth/send-password-reset', '/auth/check-email'])
		for (const [name, email] of [['no', undefined], ['a null', null],
			['a number for an', 7], ['an empty', ''], ['a bare', 'nobody'],
			['too long an', long], ['two as one', 'a@b.test, c@d.test'],
			['a line behind an', 'a@b.test\r\nBcc: c@d.test']])
			cases.push([path, `${name} address`, 'email',
				{ email, password: good }]);
	for (const { path, more } of Object.values(links))
		for (const [name, value] of [['no', undefined], ['a null', null],
			['a number for a', 7], ['an empty', ''],
			['too long a', 'x'.repeat(129)]])
			cases.push([path, `${name} token`, 'token',
				{ ...more, token: value }]);
	cases.push(['/auth/sign-up', 'no password', 'password',
		{ email: 'a@b.test' }]);
	cases.push(['/auth/sign-up', 'a number for a password', 'password',
		{ email: 'a@b.test', password: 12345678 }]);
	cases.push(['/auth/reset-password', 'no password', 'password',
		{ token: 'x'.repeat(43) }]);
	cases.push(['/auth/sign-up', 'a client of nobody', 'client_id',
		{ email: 'a@b.test', password: good, client_id: 'cid_nobody' }]);
	for (const [path, name, field, body] of cases)
		test(`${path} with ${name} is 422`, async () => {
			const answer = await api.post(path, body);
			assert.equal(answer.status, 422, answer.text);
			assert.ok(answer.json.errors.some((e) => e.field === field),
				answer.text);
		});
	for (const [name, field, body] of [
		['no address', 'email', { role: 'member' }],
		['no such role', 'role', { email: 'a@b.test', role: 'admin' }],
		['a null role', 'role', { email: 'a@b.test', role: null }],
		['an unknown field', 'user_id', { email: 'a@b.test', user_id: 1 }],
		['a wrong address', 'email', { email: 'a b@c.test' }],
	])
		test(`an invitation with ${name} is 422`, async () => {
			const answer = await api.as({ cookie: p.owner.cookie })
				.post(`/api/accounts/${p.account}/invite`, body);
			assert.equal(answer.status, 422, answer.text);
			assert.ok(answer.json.errors.some((e) => e.field === field));
		});
	for (const value of ['x'.repeat(43), 'A'.repeat(42), '../../etc/passwd',
		'\' OR 1=1 --', 'é'.repeat(30)])
		test(`a token ${JSON.stringify(value)} is dead`, async () => {
			for (const kind of Object.keys(links))
				dead(await use(kind, value));
		});
});

describe('the CSRF session', () => {
	const begin = async () => {
		const { headers } = await api.get('/auth/csrf-session');
		return headers['set-cookie'][0];
	};
	const pair = async () => {
		const cookie = (await begin()).split(';')[0];
		const { headers } = await api.get('/auth/csrf-token', { cookie });
		return { cookie, token: headers['x-csrf-token'] };
	};
	const foreign = { origin: 'https://app.example' };

	test('begins with a cookie and a script', async () => {
		const answer = await api.get('/auth/csrf-session');
		assert.match(answer.headers['content-type'], /javascript/);
		assert.match(answer.text, /\/auth\/csrf-token/);
		const cookie = answer.headers['set-cookie'][0];
		assert.match(cookie, /^csrf=[A-Za-z0-9_-]{43};/);
		for (const word of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/'])
			assert.ok(cookie.includes(word), cookie);
		assert.notEqual(cookie, await begin());
	});
	test('has a token, which is not the cookie', async () => {
		const { cookie, token: value } = await pair();
		assert.match(value, /^[0-9a-f]{64}$/);
		assert.ok(!cookie.includes(value));
		const again = await api.get('/auth/csrf-token', { cookie });
		assert.equal(again.headers['x-csrf-token'], value);
		assert.equal(again.headers['set-cookie'], undefined);
		assert.equal(again.headers.etag, undefined);
		const none = await api.get('/auth/csrf-token');
		assert.match(none.headers['set-cookie'][0], /^csrf=/);
	});
	test('lets a page of another origin ask, by field and by header',
		async () => {
			const { cookie, token: value } = await pair();
			assert.equal((await api.post('/auth/sign-up', { email: fresh(),
				password: good, client_id: cid, csrf_token: value },
			{ ...foreign, cookie })).status, 201);
			assert.equal((await api.post('/auth/check-email',
				{ email: fresh() }, { ...foreign, cookie,
					'x-csrf-token': value })).status, 200);
		});
	test('is good for requests of a session, too', async () => {
		const { cookie, token: value } = await pair();
		const own = people(house);
		const both = `session=${own.owner.cookie}; ${cookie}`;
		const post = (headers) => api.post('/api/accounts/search', {},
			{ ...foreign, cookie: both, ...headers });
		assert.equal((await post({})).status, 403);
		assert.equal((await post({ 'x-csrf-token': hex(32) })).status, 403);
		assert.equal((await post({ 'x-csrf-token': value })).status, 200);
	});
	for (const path of ['/auth/sign-up', '/auth/check-email',
		'/auth/send-magic-link', '/auth/send-password-reset'])
		test(`${path} refuses another site`, async () => {
			const { cookie, token: value } = await pair();
			const other = await pair();
			const email = fresh();
			for (const [headers, body] of [
				[foreign, {}],
				[{ 'sec-fetch-site': 'cross-site' }, {}],
				[{ ...foreign, cookie }, {}],
				[foreign, { csrf_token: value }],
				[{ ...foreign, cookie }, { csrf_token: other.token }],
				[{ ...foreign, cookie, 'x-csrf-token': other.token }, {}],
				[{ cookie }, { csrf_token: 'wrong' }],
			]) {
				const answer = await api.post(path, { email, password: good,
					...body }, headers);
				assert.equal(answer.status, 403, JSON.stringify(headers));
				assert.equal(answer.json.code, 'csrf_refused');
			}
			assert.deepEqual(mails(email), []);
		});
	test('a program needs none', async () => {
		assert.equal((await signUp(fresh(), { csrf_token: 'whatever' })).status,
			201);
	});
});

test('the audit log has it all, and no address', async () => {
	const steps = ['user.sign-up', 'user.create', 'link.send', 'session.open',
		'password.ask', 'password.reset', 'invite.send', 'invite.accept'];
	const count = () => steps.map(audits);
	const was = count();
	for (const kind of Object.keys(links))
		await use(kind, token(await links[kind].get()));
	count().forEach((n, i) => assert.ok(n > was[i], steps[i]));
	assert.equal(sql(house, `SELECT count(*) FROM audit
		WHERE concat(subject, detail) LIKE '%@%'`), '0');
});

describe('a house of its own', () => {
	let own;
	before(async () => {
		own = await stack({ own: true, trustProxy: true,
			set: ['log_level = debug', 'login_rate = 5'] });
	});
	after(() => own?.end());

	test('lets an address ask five times a minute', async () => {
		/* The minute of the clock must not turn in the middle. */
		const left = 60 - (Date.now() / 1000) % 60;
		if (left < 10)
			await new Promise((done) => setTimeout(done, left * 1000 + 50));
		const doors = client(own);
		const from = { 'x-forwarded-for': '198.51.100.9' };
		const body = { email: fresh(), password: good };
		const paths = ['/auth/sign-up', '/auth/check-email',
			'/auth/send-magic-link', '/auth/send-password-reset'];
		for (const path of [...paths, paths[1]])
			assert.ok((await doors.post(path, body, from)).status < 300);
		for (const path of paths) {
			const late = await doors.post(path, body, from);
			assert.equal(late.status, 429);
			assert.ok(Number(late.headers['retry-after']) <= 60);
		}
		assert.equal(mailsTo(own, body.email).length, 1);
		assert.equal((await doors.post(paths[1], body)).status, 200);
	});

	const canary = `canary${hex(18)}x`;
	const everything = () => readdirSync(own.logs)
		.map((name) => readFileSync(`${own.logs}/${name}`, 'utf8')).join('');

	test('has no token in its logs, also when nothing answers', async () => {
		const doors = client(own, {}, { record: false });
		const each = async () => {
			for (const { page, path } of Object.values(links)) {
				for (const query of [`token=${canary}`, `token=%zz${canary}`,
					`token=${canary}&token=${canary}`,
					`token=${canary.repeat(9)}`, `state=${canary}`])
					await doors.get(`${page}?${query}`, html);
				await doors.post(path, form({ token: canary,
					password: good }), { ...html,
					referer: `${own.url}/` });
				await doors.post(path, { token: canary, password: good });
			}
		};
		await each();
		await own.stop('serve');
		assert.equal((await doors.get(`/auth/magic?token=${canary}`)).status,
			502);
		await each();
		await own.start('serve');
		const text = everything();
		assert.match(text, /\/auth\/magic/);
		assert.ok(!text.includes(canary));
	});
});
