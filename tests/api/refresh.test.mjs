// Refresh tokens: each is good once, and what a family came from ends it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf, parts } from '../lib/tokens.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const demo = { email: 'demo@c-imap.local', password: 'demo123' };
const other = { email: 'other@c-imap.local', password: 'other123' };

async function enter(who = demo, more = {}) {
	const answer = await api.post('/auth/sign-in', { ...who, ...more });
	assert.equal(answer.status, 200, answer.text);
	return { ...answer.json.tokens, cookie: cookieOf(answer), answer };
}

const refresh = (token, headers) =>
	api.post('/auth/refresh', { refresh_token: token }, headers);

async function refused(token) {
	const answer = await refresh(token);
	assert.equal(answer.status, 401, answer.text);
	assert.equal(answer.json.code, 'unauthorized');
}

const alive = async (token) =>
	(await api.as({ token }).get('/auth/me')).status === 200;
const hash = (token) => createHash('sha256').update(token).digest('hex');
const session = (tokens) =>
	Number(parts(tokens.access_token).payload.sid.slice('ses_'.length));

describe('POST /auth/refresh', () => {
	test('gives new tokens of the same session, and another to refresh by',
		async () => {
			const first = await enter();
			assert.match(first.refresh_token, /^[A-Za-z0-9_-]{43}$/);
			const answer = await refresh(first.refresh_token);
			assert.equal(answer.status, 200, answer.text);
			const { tokens, ...bare } = answer.json;
			assert.deepEqual(tokens, bare);
			assert.equal(tokens.token_type, 'Bearer');
			assert.equal(tokens.expires_in, 600);
			assert.notEqual(tokens.refresh_token, first.refresh_token);
			assert.equal(session(tokens), session(first));
			assert.ok(await alive(tokens.access_token));
			assert.equal((await refresh(tokens.refresh_token)).status, 200);
		});
	test('is known to the database by its hash only', async () => {
		const { refresh_token: token } = await enter();
		assert.equal(sql(house, `SELECT count(*) FROM refresh_token
			WHERE hash = '\\x${hash(token)}'`), '1');
		assert.ok(!sql(house, `SELECT string_agg(t::text, ' ')
			FROM refresh_token t`).includes(token));
	});
	test('one that comes again ends everything of its family', async () => {
		const first = await enter();
		const { json } = await refresh(first.refresh_token);
		await refused(first.refresh_token);
		await refused(json.refresh_token);
		assert.ok(!await alive(json.access_token));
		assert.ok(!await alive(first.access_token));
		assert.equal(sql(house, `SELECT count(*) FROM audit
			WHERE action = 'token.refuse_reuse'
			AND subject = 'ses_${session(first)}' AND user_id = 2`), '1');
	});
	test('two at once: one has its answer, and then nobody', async () => {
		for (let i = 0; i < 5; i++) {
			const { refresh_token: token } = await enter();
			const answers = await Promise.all([1, 2, 3]
				.map(() => refresh(token)));
			const won = answers.filter((a) => a.status === 200);
			assert.equal(won.length, 1);
			for (const answer of answers)
				assert.ok([200, 401].includes(answer.status), answer.text);
			await refused(won[0].json.refresh_token);
			assert.ok(!await alive(won[0].json.access_token));
		}
	});
	test('used while its session is signed out, it leaves nothing alive',
		async () => {
			for (let i = 0; i < 5; i++) {
				const { cookie, refresh_token: token } = await enter();
				const [out, ...answers] = await Promise.all([
					api.as({ cookie }).post('/auth/sign-out'),
					refresh(token), refresh(token)]);
				assert.equal(out.status === 204 || out.status === 401, true);
				for (const answer of answers) {
					assert.ok([200, 401].includes(answer.status), answer.text);
					if (answer.status !== 200)
						continue;
					await refused(answer.json.refresh_token);
					assert.ok(!await alive(answer.json.access_token));
				}
			}
		});
	test('one family ends, another of the same user goes on', async () => {
		const [one, two] = [await enter(), await enter()];
		await refresh(one.refresh_token);
		await refused(one.refresh_token);
		assert.equal((await refresh(two.refresh_token)).status, 200);
	});
	test('by its cookie, which goes nowhere else', async () => {
		const { answer } = await enter();
		const cookie = answer.headers['set-cookie'][1];
		for (const word of ['Path=/auth/refresh;', 'HttpOnly',
			'SameSite=Strict', 'Max-Age=1209600'])
			assert.ok(cookie.includes(word), cookie);
		const pair = cookie.split(';')[0];
		assert.equal((await api.post('/auth/refresh', {}, { cookie: pair,
			origin: 'https://evil.example' })).status, 403);
		const again = await api.post('/auth/refresh', undefined,
			{ cookie: pair });
		assert.equal(again.status, 200, again.text);
		assert.ok(again.headers['set-cookie'][0]
			.startsWith(`refresh=${again.json.refresh_token};`));
		assert.equal((await api.post('/auth/refresh', {}, { cookie: pair }))
			.status, 401);
	});
	test('the token of the body goes before the cookie', async () => {
		const [one, two] = [await enter(), await enter()];
		assert.equal((await refresh(one.refresh_token,
			{ cookie: `refresh=${two.refresh_token}` })).status, 200);
		assert.equal((await refresh(two.refresh_token)).status, 200);
	});
	for (const [name, body] of Object.entries({
		'no token': {},
		'null': { refresh_token: null },
		'an empty one': { refresh_token: '' },
		'a number': { refresh_token: 7 },
		'a list': { refresh_token: ['x'] },
		'one too long': { refresh_token: 'x'.repeat(257) },
	}))
		test(`${name} is 422 and named`, async () => {
			const answer = await api.post('/auth/refresh', body);
			assert.equal(answer.status, 422, answer.text);
			assert.equal(answer.json.errors[0].field, 'refresh_token');
		});
	for (const [name, token] of Object.entries({
		'one of nobody': 'A'.repeat(43),
		'a short one': 'A',
		'one with a quote': `${'A'.repeat(42)}'`,
	}))
		test(`${name} is 401`, () => refused(token));
	test('an access token is none, and a refresh token is no access token',
		async () => {
			const tokens = await enter();
			assert.ok([401, 422].includes(
				(await refresh(tokens.access_token)).status));
			assert.ok(!await alive(tokens.refresh_token));
			assert.equal((await refresh(tokens.refresh_token)).status, 200);
		});
	test('is the public client\'s own, and asks for no secret', async () => {
		const tokens = await enter(demo, { client_id: 'cid_demo' });
		const { json } = await refresh(tokens.refresh_token);
		assert.equal(parts(json.access_token).payload.cid, 'cid_demo');
	});
	test('of a client with a secret is refused without it', async () => {
		const tokens = await enter(demo, { client_id: 'cid_backend' });
		await refused(tokens.refresh_token);
		const answer = await api.post('/oauth2/token', {
			grant_type: 'refresh_token', client_id: 'cid_backend',
			client_secret: 'backend-secret',
			refresh_token: tokens.refresh_token });
		assert.equal(answer.status, 200, answer.text);
	});
});

describe('a refresh token ends', () => {
	const ways = {
		'by POST /auth/sign-out with the cookie': ({ cookie }) =>
			api.as({ cookie }).post('/auth/sign-out'),
		'by POST /auth/sign-out with the access token': (tokens) =>
			api.as({ token: tokens.access_token }).post('/auth/sign-out'),
		'by POST /auth/logout': ({ cookie }) =>
			api.as({ cookie }).post('/auth/logout'),
		'with its session': (tokens) => sql(house, `UPDATE session
			SET ended_at = now() WHERE id = ${session(tokens)}`),
		'with its own time': ({ refresh_token: token }) => sql(house,
			`UPDATE refresh_token SET expires_at = now()
			WHERE hash = '\\x${hash(token)}'`),
	};
	for (const [name, end] of Object.entries(ways))
		test(name, async () => {
			const tokens = await enter();
			await end(tokens);
			await refused(tokens.refresh_token);
		});
	const changes = {
		'while its user is disabled': ['UPDATE app_user SET is_active = false',
			'UPDATE app_user SET is_active = true', 'id = 4'],
		'while its account is suspended': [
			`UPDATE account SET status = 'suspended'`,
			`UPDATE account SET status = 'active'`, 'id = 2'],
	};
	for (const [name, [bad, good, where]] of Object.entries(changes))
		test(name, async () => {
			const { refresh_token: token } = await enter(other);
			sql(house, `${bad} WHERE ${where}`);
			await refused(token);
			sql(house, `${good} WHERE ${where}`);
			assert.equal((await refresh(token)).status, 200);
		});
	test('with its user\'s membership', async () => {
		const { refresh_token: token } = await enter(other);
		sql(house, `DELETE FROM membership WHERE user_id = 4`);
		await refused(token);
		sql(house, `INSERT INTO membership (application_id, account_id, user_id,
			role) VALUES (1, 2, 4, 'owner')`);
	});
	test('signing out takes the cookie away', async () => {
		const { cookie } = await enter();
		const answer = await api.as({ cookie }).post('/auth/sign-out');
		assert.ok(answer.headers['set-cookie'].some((c) =>
			/^refresh=;.*Path=\/auth\/refresh;.*Max-Age=0/.test(c)));
	});
});

describe('who was away', () => {
	test('for longer than a session lives gets another session', async () => {
		for (const change of [`last_seen_at = now() - interval '13 hours'`,
			'expires_at = now()']) {
			const first = await enter();
			sql(house, `UPDATE session SET ${change}
				WHERE id = ${session(first)}`);
			assert.ok(!await alive(first.access_token));
			const { json } = await refresh(first.refresh_token);
			assert.notEqual(session(json), session(first));
			assert.ok(await alive(json.access_token));
			assert.equal((await api.as({ cookie: first.cookie })
				.get('/auth/me')).status, 401);
			await refused(first.refresh_token);
			assert.ok(!await alive(json.access_token));
		}
	});
	test('finds the present role in the new token', async () => {
		const first = await enter(other);
		sql(house, `UPDATE membership SET role = 'viewer' WHERE user_id = 4`);
		const { json } = await refresh(first.refresh_token);
		assert.equal(parts(json.access_token).payload.role, 'viewer');
		assert.ok(await alive(json.access_token));
		sql(house, `UPDATE membership SET role = 'owner' WHERE user_id = 4`);
	});
});
