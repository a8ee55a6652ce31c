// The door: signing in and out by page and by program, sessions, throttles,
// rights that are taken away.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf, signIn } from '../lib/tokens.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const form = (fields) => new URLSearchParams(fields);
const admin = form({ username: 'admin', password: 'admin123' });
const html = { accept: 'text/html,*/*;q=0.8' };

async function session() {
	return cookieOf(await api.post('/login', admin));
}

describe('POST /login', () => {
	test('as curl does it: 302 to /dashboard with a cookie', async () => {
		const answer = await api.post('/login', admin);
		assert.equal(answer.status, 302);
		assert.equal(answer.headers.location, '/dashboard');
		const cookie = answer.headers['set-cookie'][0];
		assert.match(cookie, /^session=[A-Za-z0-9_-]{43};/);
		for (const word of ['HttpOnly', 'SameSite=Lax', 'Path=/'])
			assert.ok(cookie.includes(word), cookie);
		assert.ok(!cookie.includes('Secure'));
		const page = await api.as({ cookie: cookieOf(answer) })
			.get('/dashboard');
		assert.equal(page.status, 200);
		assert.match(page.text, /admin@c-imap\.local/);
	});
	test('the database knows its hash only', async () => {
		const cookie = await session();
		const rows = sql(house, `SELECT string_agg(s::text, ' ') FROM session s`);
		assert.ok(!rows.includes(cookie));
	});
	test('a cookie set before is not taken over', async () => {
		const planted = 'A'.repeat(43);
		const answer = await api.post('/login', admin,
			{ cookie: `session=${planted}` });
		assert.notEqual(cookieOf(answer), planted);
		assert.equal((await api.as({ cookie: planted }).get('/auth/me'))
			.status, 401);
	});
	for (const [name, fields] of Object.entries({
		'a wrong password': { username: 'admin', password: 'wrong' },
		'a wrong user': { username: 'nobody', password: 'admin123' },
		'no password': { username: 'admin' },
		'nothing': {},
	})) {
		test(`${name} goes back to /login?error=1`, async () => {
			const answer = await api.post('/login', form(fields));
			assert.equal(answer.status, 302);
			assert.equal(answer.headers.location, '/login?error=1');
			assert.equal(answer.headers['set-cookie'], undefined);
		});
		test(`${name} is 401 for who takes JSON only`, async () => {
			const answer = await api.post('/login', form(fields),
				{ accept: 'application/json' });
			assert.equal(answer.status, 401);
			assert.equal(answer.json.ok, false);
			assert.equal(answer.json.code, 'AUTH_REQUIRED');
		});
	}
	test('/auth/login is the same with a mail address', async () => {
		const answer = await api.post('/auth/login', form({
			email: 'demo@c-imap.local', password: 'demo123' }));
		assert.equal(answer.headers.location, '/dashboard');
		const wrong = await api.post('/auth/login', form({
			email: 'demo@c-imap.local', password: 'x' }));
		assert.equal(wrong.headers.location, '/auth/login?error=1');
	});
	test('the page says what was wrong, runs no script', async () => {
		for (const path of ['/login', '/auth/login']) {
			const page = await api.get(`${path}?error=1`);
			assert.equal(page.status, 200);
			assert.match(page.text, /role="alert"/);
			assert.match(page.text, new RegExp(`action="${path}"`));
			assert.match(page.headers['content-security-policy'],
				/default-src 'none'/);
			assert.ok(!page.headers['content-security-policy']
				.includes('script-src'));
			assert.ok(!/role="alert"/.test((await api.get(path)).text));
		}
	});
});

describe('sign-in of programs', () => {
	test('/auth/sign-in answers tokens and profile', async () => {
		const answer = await api.post('/auth/sign-in', { client_id: 'cid_demo',
			email: 'viewer@c-imap.local', password: 'viewer123' });
		assert.equal(answer.status, 200);
		assert.equal(answer.json.tokens.token_type, 'Bearer');
		assert.equal(answer.json.tokens.expires_in, 600);
		assert.equal(answer.json.profile.id, 'uid_3');
		assert.equal(answer.json.profile.active_membership.account_id, 'acc_1');
		assert.equal(answer.json.profile.active_membership.role, 'viewer');
		const me = await api.as({ cookie: cookieOf(answer) }).get('/auth/me');
		assert.deepEqual(me.json, answer.json.profile);
	});
	test('a client of nobody is as a wrong password', async () => {
		const answer = await api.post('/auth/sign-in', { client_id: 'cid_x',
			email: 'demo@c-imap.local', password: 'demo123' });
		assert.equal(answer.status, 401);
		assert.equal(answer.json.code, 'invalid_credentials');
	});
	test('/api/auth/login answers a token and no cookie', async () => {
		const answer = await api.post('/api/auth/login', {
			email: 'demo@c-imap.local', password: 'demo123' });
		assert.equal(answer.status, 200);
		assert.equal(answer.json.success, true);
		assert.equal(answer.json.data.user.id, 2);
		assert.equal(answer.headers['set-cookie'], undefined);
		const me = await api.as({ token: answer.json.data.token })
			.get('/api/auth/me');
		assert.equal(me.json.data.email, 'demo@c-imap.local');
	});
	test('a password in a query, a NUL, a number are refused', async () => {
		for (const body of ['{"email":"a@b","password":7}',
			'{"email":"a\\u0000@b","password":"x"}', '{"email":"a@b"}'])
			assert.ok([400, 422].includes((await api.post('/auth/sign-in',
				body, { 'content-type': 'application/json' })).status), body);
	});
	test('an inactive user is as a wrong password', async () => {
		sql(house, `UPDATE app_user SET is_active = false WHERE id = 4`);
		const answer = await api.post('/auth/sign-in', {
			email: 'other@c-imap.local', password: 'other123' });
		sql(house, `UPDATE app_user SET is_active = true WHERE id = 4`);
		assert.equal(answer.status, 401);
	});
});

describe('signing out', () => {
	const alive = async (cookie) => (await api.as({ cookie })
		.post('/api/accounts/search', {})).status === 200;

	test('GET /logout of a program ends the session at once', async () => {
		const cookie = await session();
		assert.ok(await alive(cookie));
		const answer = await api.as({ cookie }).get('/logout');
		assert.equal(answer.status, 302);
		assert.match(answer.headers['set-cookie'][0], /^session=;.*Max-Age=0/);
		assert.ok(!await alive(cookie));
	});
	for (const [name, headers, ends] of [
		['another site', { 'sec-fetch-site': 'cross-site' }, false],
		['a typed address or a mail', { 'sec-fetch-site': 'none' }, false],
		['the same site', { 'sec-fetch-site': 'same-origin' }, true],
		['a browser that does not say', { 'user-agent': 'Mozilla/5.0' }, false],
		['a prefetch', { 'sec-fetch-site': 'same-origin',
			'sec-purpose': 'prefetch' }, false],
	])
		test(`GET /logout from ${name}: ${ends ? 'ends' : 'asks'}`, async () => {
			const cookie = await session();
			const answer = await api.as({ cookie }).get('/logout', headers);
			assert.equal(answer.status, ends ? 302 : 200);
			assert.equal(await alive(cookie), !ends);
			if (!ends)
				assert.match(answer.text, /action="\/auth\/logout"/);
		});
	test('HEAD /logout ends nothing', async () => {
		const cookie = await session();
		await api.as({ cookie }).head('/logout');
		assert.ok(await alive(cookie));
	});
	for (const [path, status] of [['/auth/logout', 302],
		['/api/auth/logout', 200], ['/auth/sign-out', 204]])
		test(`POST ${path}`, async () => {
			const cookie = await session();
			assert.equal((await api.as({ cookie }).post(path)).status, status);
			assert.ok(!await alive(cookie));
		});
	test('the tokens of the session die with it', async () => {
		const token = await signIn(api, 'demo@c-imap.local', 'demo123');
		const mine = api.as({ token });
		assert.equal((await mine.get('/auth/me')).status, 200);
		assert.equal((await mine.post('/auth/sign-out')).status, 204);
		assert.equal((await mine.get('/auth/me')).status, 401);
	});
	test('one session ends, the other lives', async () => {
		const [one, two] = [await session(), await session()];
		await api.as({ cookie: one }).post('/auth/logout');
		assert.ok(await alive(two));
	});
	test('without a session: to the sign-in page', async () => {
		assert.equal((await api.get('/logout')).headers.location, '/login');
		assert.equal((await api.get('/dashboard', html)).headers.location,
			'/login');
		assert.equal((await api.get('/dashboard')).status, 401);
	});
	test('too long idle, or too old: refused', async () => {
		for (const change of [
			`last_seen_at = now() - interval '13 hours'`,
			`expires_at = now()`]) {
			const token = await signIn(api, 'demo@c-imap.local', 'demo123');
			sql(house, `UPDATE session SET ${change} WHERE user_id = 2`);
			assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		}
	});
});

describe('requests of other sites', () => {
	const unsafe = [
		['POST', '/auth/logout', undefined],
		['POST', '/api/auth/logout', undefined],
		['POST', '/auth/sign-out', undefined],
		['POST', '/api/accounts/1/token', {}],
		['POST', '/api/accounts/1/provider-credentials', {}],
		['POST', '/login', admin],
	];
	const foreign = {
		'a foreign Origin': () => ({ origin: 'https://evil.example' }),
		'Origin null': () => ({ origin: 'null' }),
		'our host on another port': () => ({ origin: `${house.url}1` }),
		'Sec-Fetch-Site cross-site': () => ({ 'sec-fetch-site': 'cross-site' }),
		'Sec-Fetch-Site same-site': () => ({ 'sec-fetch-site': 'same-site' }),
		'a wrong token': () => ({ 'x-csrf-token': 'a'.repeat(64) }),
	};
	for (const [method, path, body] of unsafe)
		for (const [name, headers] of Object.entries(foreign))
			test(`${method} ${path} with ${name}`, async () => {
				const cookie = await session();
				const answer = await api.as({ cookie })
					.request(method, path, body, headers());
				assert.equal(answer.status, 403);
				assert.match(answer.json.code, /^csrf_refused$/i);
				assert.equal((await api.as({ cookie })
					.post('/api/accounts/search', {})).status, 200);
			});
	test('a form of another site cannot say what JSON would', async () => {
		const cookie = await session();
		for (const type of ['text/plain', 'application/x-www-form-urlencoded',
			'multipart/form-data'])
			assert.equal((await api.as({ cookie }).post(
				'/api/accounts/1/token', '{}', { 'content-type': type }))
				.status, 415, type);
	});
	for (const [name, headers] of Object.entries({
		'our own Origin': () => ({ origin: house.url }),
		'same-origin': () => ({ 'sec-fetch-site': 'same-origin' }),
		'nothing at all': () => ({}),
	}))
		test(`${name} passes`, async () => {
			const cookie = await session();
			assert.equal((await api.as({ cookie })
				.post('/api/auth/logout', undefined, headers())).status, 200);
		});
	test('a token needs none of it', async () => {
		const token = await signIn(api, 'demo@c-imap.local', 'demo123');
		assert.equal((await api.as({ token }).post('/api/accounts/1/token', {},
			{ origin: 'https://app.example' })).status, 200);
	});
});

describe('rights that are taken away', () => {
	const cases = {
		'a demotion': (p) => `UPDATE membership SET role = 'viewer'
			WHERE user_id = ${p.member.user}`,
		'a removal': (p) => `DELETE FROM membership
			WHERE user_id = ${p.member.user}`,
		'an inactive user': (p) => `UPDATE app_user SET is_active = false
			WHERE id = ${p.member.user}`,
		'a suspended account': (p) => `UPDATE account SET status = 'suspended'
			WHERE id = ${p.account}`,
		'a session ended elsewhere': (p) => `UPDATE session
			SET ended_at = now() WHERE user_id = ${p.member.user}`,
	};
	for (const [name, change] of Object.entries(cases))
		test(`${name} is felt by the next write, and within a second by reads`,
			async () => {
				const p = people(house);
				const cookie = { cookie: p.member.cookie };
				const write = `/api/accounts/${p.account}/provider-credentials`;
				const token = { token: (await api.as(cookie).post(
					`/api/accounts/${p.account}/token`, {}))
					.json.data.access_token };
				assert.equal((await api.as(cookie).get(write)).status, 200);
				assert.equal((await api.as(token).get(write)).status, 200);
				sql(house, change(p));
				assert.ok([401, 403].includes((await api.as(cookie)
					.post(write, {})).status));
				assert.equal((await api.as(token).post(
					`/api/accounts/${p.account}/emails`, {
						direction: 'inbound', from_json: [{ address: 'a@b.test' }],
					})).status, 401);
				assert.equal((await refusedWithinSecond(() =>
					api.as(token).get(write))).status, 401);
				if (name === 'a demotion')
					return;
				assert.equal((await refusedWithinSecond(() =>
					api.as(cookie).get(write))).status, 401);
			});
	test('an admin who is one no more', async () => {
		const p = people(house);
		const mine = api.as({ cookie: p.admin.cookie });
		assert.equal((await mine.get(`/api/accounts/${p.account}`)).status, 200);
		sql(house, `UPDATE app_user SET role = 'user'
			WHERE id = ${p.admin.user}`);
		assert.equal((await mine.post('/api/accounts/search', {})).status, 401);
	});
});

describe('throttles', () => {
	let strict;
	before(async () => {
		strict = await stack({ own: true, trustProxy: true,
			set: ['login_rate = 5', 'token_rate = 20', 'password_cost = 1'] });
	});
	after(() => strict?.end());

	const wrong = { email: 'demo@c-imap.local', password: 'wrong' };

	/* The minute of the clock must not turn in the middle. */
	const early = async () => {
		const left = 60 - (Date.now() / 1000) % 60;
		if (left < 10)
			await new Promise((done) => setTimeout(done, left * 1000 + 50));
	};

	test('five a minute an address, whatever the door', async () => {
		await early();
		const doors = client(strict, {}, { record: false });
		const from = { 'x-forwarded-for': '198.51.100.7' };
		const tries = ['/auth/sign-in', '/api/auth/login', '/auth/sign-in',
			'/api/auth/login', '/auth/sign-in'];
		for (const path of tries)
			assert.equal((await doors.post(path, wrong, from)).status, 401);
		const sixth = await doors.post('/auth/sign-in', wrong, from);
		assert.equal(sixth.status, 429);
		assert.ok(Number(sixth.headers['retry-after']) <= 60);
		assert.equal(sixth.headers['x-ratelimit-remaining'], '0');
		const page = await doors.post('/login', admin, { ...from, ...html });
		assert.equal(page.status, 429);
		assert.match(page.text, /role="alert"/);
		assert.notEqual((await doors.post('/auth/sign-in', wrong,
			{ 'x-forwarded-for': '198.51.100.8' })).status, 429);
	});
	test('cookies of nobody are not looked up once their address is known',
		async () => {
			await early();
			const doors = client(strict, {}, { record: false });
			const from = { 'x-forwarded-for': '198.51.100.20' };
			const guess = (headers = from) => doors.as({
				cookie: randomBytes(32).toString('base64url') })
				.get('/api/accounts', headers);
			const p = people(strict);
			const mine = doors.as({ cookie: p.member.cookie });
			/* Every process that might answer has seen it. */
			for (let i = 0; i < 4; i++)
				assert.equal((await mine.get('/api/accounts', from)).status, 200);
			for (let i = 0; i < 20; i++)
				assert.equal((await guess()).status, 401);
			await strict.stop('postgres');
			try {
				assert.equal((await guess()).status, 429);
				assert.equal((await guess({
					'x-forwarded-for': '198.51.100.21' })).status, 503);
			} finally {
				await strict.start('postgres');
			}
			assert.equal((await mine.get('/api/accounts', from)).status, 200);
		});
	test('an account backs off, wherever the tries come from', async () => {
		const doors = client(strict, {}, { record: false });
		const attempt = (n, password) => doors.post('/auth/sign-in',
			{ email: 'viewer@c-imap.local', password },
			{ 'x-forwarded-for': `203.0.113.${n}` });
		for (let n = 1; n <= 6; n++)
			assert.equal((await attempt(n, 'wrong')).status, 401);
		const locked = await attempt(7, 'viewer123');
		assert.equal(locked.status, 401);
		assert.equal(locked.json.code, 'invalid_credentials');
		sql(strict, `UPDATE app_user SET locked_until = now() WHERE id = 3`);
		assert.equal((await attempt(8, 'viewer123')).status, 200);
		assert.equal(sql(strict, `SELECT failed_logins FROM app_user
			WHERE id = 3`), '0');
	});
	test('unknown users take as long as known ones, and are told the same ' +
		'to the byte', async () => {
		const doors = client(strict, {}, { record: false });
		/* Apart from what differs from one request to the next anyway. */
		const told = new Set();
		const bare = ({ text, json, headers }) => {
			const { date, 'x-request-id': id, 'x-ratelimit-remaining': left,
				'x-ratelimit-reset': reset, ...rest } = headers;
			assert.equal(json.request_id, id);
			assert.ok(date && left && reset);
			return JSON.stringify([text.replace(id, ''), rest]);
		};
		let n = 0;
		const time = async (email) => {
			const begun = performance.now();
			const answer = await doors.post('/auth/sign-in',
				{ email, password: 'wrong' },
				{ 'x-forwarded-for': `192.0.2.${++n}` });
			const took = performance.now() - begun;
			assert.equal(answer.status, 401);
			told.add(bare(answer));
			return took;
		};
		const known = [], unknown = [];
		for (let i = 0; i < 40; i++) {
			known.push(await time('admin@c-imap.local'));
			unknown.push(await time('nobody@c-imap.local'));
		}
		const median = (a) => a.sort((x, y) => x - y)[a.length >> 1];
		const ratio = median(known) / median(unknown);
		assert.ok(ratio > 0.6 && ratio < 1.6, `${ratio}`);
		assert.equal(told.size, 1, [...told].join('\n'));
	});
	test('unknown users are written of as known ones, in rows that do not grow ' +
		'more', async () => {
		const doors = client(strict, {}, { record: false });
		let n = 0;
		const fail = (email) => doors.post('/auth/sign-in',
			{ email, password: 'wrong' },
			{ 'x-forwarded-for': `198.18.1.${++n}` });
		/* Failures and rows of a table, and where the changed ones lie. */
		const rows = (table) => sql(strict, `SELECT sum(failed_logins),
			count(*) FROM ${table}`).split('|').map(Number);
		const pages = (table) => sql(strict, `SELECT string_agg(DISTINCT
			split_part(ctid::text, ',', 1), ' ') FROM ${table}`);
		const written = (user) => Number(sql(strict, `SELECT count(*) FROM audit
			WHERE action = 'login.refused' AND (user_id IS NULL) = ${user}`));
		const state = () => ['app_user', 'login_nobody'].map((table, i) =>
			({ failures: rows(table)[0], rows: rows(table)[1],
				pages: pages(table), written: written(i === 1) }));
		const was = state();
		for (let i = 0; i < 10; i++) {
			assert.equal((await fail('other@c-imap.local')).status, 401);
			assert.equal((await fail(`x${i}@nowhere.test`)).status, 401);
		}
		for (const [i, now] of state().entries())
			assert.deepEqual(now, { ...was[i],
				failures: was[i].failures + 10,
				written: was[i].written + 10 });
	});
});
