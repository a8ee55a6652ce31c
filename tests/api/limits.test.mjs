// Rate limits: who is counted as whom, what each answer says of it, and that
// nobody gets around it.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf } from '../lib/tokens.mjs';

let house, api, p;

before(async () => {
	house = await stack({ own: true, set: ['login_rate = 5',
		'session_rate = 100', 'token_rate = 1000', 'password_cost = 1'] });
	api = client(house);
	p = people(house);
});
after(() => house?.end());

/* The minute of the clock must not turn in the middle. */
async function early(seconds = 10) {
	const left = 60 - (Date.now() / 1000) % 60;
	if (left < seconds)
		await pause(left * 1000 + 50);
}

const cookie = (who) => ({ cookie: p[who].cookie });
const left = (answer) => Number(answer.headers['x-ratelimit-remaining']);

function told(answer, limit) {
	const now = Date.now() / 1000;
	const { headers } = answer;
	assert.equal(headers['x-ratelimit-limit'], String(limit));
	assert.match(headers['x-ratelimit-remaining'], /^\d+$/);
	assert.ok(left(answer) < limit);
	const reset = Number(headers['x-ratelimit-reset']);
	assert.ok(reset % 60 === 0 && reset > now - 2 && reset <= now + 60,
		headers['x-ratelimit-reset']);
}

function refused(answer, limit) {
	assert.equal(answer.status, 429, answer.text);
	told(answer, limit);
	assert.equal(left(answer), 0);
	const seconds = Number(answer.headers['retry-after']);
	assert.ok(seconds >= 1 && seconds <= 60, answer.headers['retry-after']);
	assert.ok(Math.abs(answer.json.retry_after_seconds - seconds) <= 1);
}

/** `n` times the same, over connections that stay: how often each status. */
async function often(n, path, headers, where = house, lanes = 8) {
	const agent = new http.Agent({ keepAlive: true, maxSockets: lanes });
	const seen = {};
	const one = () => new Promise((resolve, reject) => http.get(
		where.url + path, { agent, headers }, (answer) => {
			answer.resume();
			answer.on('end', () => {
				seen[answer.statusCode] = (seen[answer.statusCode] ?? 0) + 1;
				resolve();
			});
		}).on('error', reject));
	let rest = n;
	await Promise.all(Array.from({ length: lanes }, async () => {
		while (rest-- > 0)
			await one();
	}));
	agent.destroy();
	return seen;
}

describe('every answer tells the rate', () => {
	const path = () => `/api/accounts/${p.account}/emails`;
	const json = { 'content-type': 'application/json' };
	const rows = {
		'200': ['owner', 'GET', path, 100, 200],
		'HEAD': ['owner', 'HEAD', path, 100, 200],
		'400 for a parameter twice': ['owner', 'GET',
			() => `${path()}?q=a&q=b`, 100, 400],
		'400 for a body that is no JSON': ['owner', 'POST',
			() => `${path()}`, 100, 400, '{'],
		'400 for a path that nobody sends': [null, 'GET',
			() => '/api/%2e%2e/x', 1000, 400],
		'401 for nobody': [null, 'GET', path, 1000, 401],
		'401 for a made-up token': [{ token: 'a.b.c' }, 'GET', path, 1000, 401],
		'401 for a made-up cookie': [{ cookie: 'x'.repeat(43) }, 'GET', path,
			1000, 401],
		'403': ['viewer', 'POST', path, 100, 403, '{}'],
		'403 for another account': ['owner', 'GET',
			() => `/api/accounts/${p.other}/emails`, 100, 403],
		'404 for a row': ['owner', 'GET', () => '/api/jobs/999999', 100, 404],
		'404 for a path': ['owner', 'GET', () => '/api/jobs/1/nothing', 1000,
			404],
		'405': ['owner', 'DELETE', path, 1000, 405],
		'415': ['owner', 'POST', path, 100, 415, 'x',
			{ 'content-type': 'text/plain' }],
		'422': ['owner', 'POST', path, 100, 422, '{"nonsense": 1}'],
		'a page': [null, 'GET', () => '/login', 1000, 200],
		'a redirect': [null, 'GET', () => '/logout', 1000, 302],
		'health': [null, 'GET', () => '/healthz', 1000, 200],
		'keys': [null, 'GET', () => '/.well-known/jwks.json', 1000, 200],
	};
	for (const [name, [who, method, at, limit, status, body, more]] of
		Object.entries(rows))
		test(name, async () => {
			const caller = typeof who === 'string' ? cookie(who) : who ?? {};
			const answer = await api.as(caller).request(method, at(), body,
				more ?? json);
			assert.equal(answer.status, status, answer.text);
			told(answer, limit);
		});
	test('a 304', async () => {
		const mine = api.as(cookie('owner'));
		const one = `/api/accounts/${p.account}`;
		const { headers } = await mine.get(one);
		const answer = await mine.get(one, { 'if-none-match': headers.etag });
		assert.equal(answer.status, 304);
		told(answer, 100);
	});
	test('health and keys use nothing up', async () => {
		await early();
		const before_ = left(await api.get('/login'));
		for (let i = 0; i < 5; i++) {
			await api.get('/healthz');
			await api.get('/.well-known/jwks.json');
		}
		assert.equal(left(await api.get('/login')), before_ - 1);
	});
});

describe('an address', () => {
	const wrong = { email: 'demo@c-imap.local', password: 'wrong' };

	test('signs in five times a minute, whatever the door and whatever it ' +
		'claims to be', async () => {
		await early();
		sql(house, 'UPDATE app_user SET failed_logins = 0, locked_until = NULL');
		const ask = (path, n, more) => api.post(path, wrong, {
			'x-forwarded-for': `198.51.100.${n}`,
			'x-real-ip': `198.51.100.${n}`,
			forwarded: `for=198.51.100.${n}`, ...more });
		for (const [n, path] of ['/auth/sign-in', '/api/auth/login',
			'/auth/sign-in', '/api/auth/login', '/auth/sign-in'].entries()) {
			const answer = await ask(path, n);
			assert.equal(answer.status, 401, answer.text);
			told(answer, 5);
			assert.equal(left(answer), 4 - n);
		}
		refused(await ask('/auth/sign-in', 9), 5);
		refused(await ask('/api/auth/login', 9), 5);
		refused(await ask('/login', 9, { accept: 'application/json' }), 5);
		/* A right password is not looked at either. */
		assert.equal((await api.post('/auth/sign-in',
			{ email: 'demo@c-imap.local', password: 'demo123' })).status, 429);
		/* Who is signed in goes on. */
		assert.equal((await api.as(cookie('member')).get('/api/accounts'))
			.status, 200);
	});
	test('keeps its count when the responders are replaced', async () => {
		await early();
		while ((await api.post('/auth/sign-in', wrong)).status !== 429)
			continue;
		await house.stop('serve');
		await house.start('serve');
		assert.equal((await api.post('/auth/sign-in', wrong)).status, 429);
	});
});

describe('of a trusted proxy', () => {
	let behind;
	before(async () => {
		behind = await stack({ own: true, trustProxy: true,
			set: ['login_rate = 2', 'token_rate = 1000', 'session_rate = 100',
				'password_cost = 1'] });
	});
	after(() => behind?.end());

	const ask = (from) => client(behind).post('/auth/sign-in',
		{ email: 'nobody@c-imap.local', password: 'wrong' },
		{ 'x-forwarded-for': from });

	test('each client has its own count', async () => {
		await early();
		for (const from of ['198.51.100.1', '198.51.100.2']) {
			assert.equal((await ask(from)).status, 401);
			assert.equal((await ask(from)).status, 401);
			assert.equal((await ask(from)).status, 429);
		}
	});
	test('what a client puts before its own address changes nothing',
		async () => {
			await early();
			for (let n = 0; n < 2; n++)
				assert.equal((await ask(`10.9.8.${n}, 198.51.100.3`)).status,
					401);
			assert.equal((await ask('10.9.8.7, 198.51.100.3')).status, 429);
		});
	test('an IPv6 client is its network', async () => {
		await early();
		for (const host of ['1', 'ffff:1:2'])
			assert.equal((await ask(`2001:db8:1:2::${host}`)).status, 401);
		assert.equal((await ask('2001:db8:1:2:9:9:9:9')).status, 429);
		assert.equal((await ask('2001:db8:1:3::1')).status, 401);
	});
	test('an address has 1,000 requests a minute where there is neither session ' +
		'nor token, whatever they ask for', async () => {
		const them = people(behind);
		const token = (await client(behind, { cookie: them.member.cookie })
			.post(`/api/accounts/${them.account}/token`, {}))
			.json.data.access_token;
		await early(25);
		const from = { 'x-forwarded-for': '198.51.100.50' };
		const ask_ = (path, more) => client(behind).get(path,
			{ ...from, ...more });
		const some = [await often(334, '/api/accounts', from, behind),
			await often(333, '/api/nothing', from, behind),
			await often(333, '/api/accounts',
				{ ...from, authorization: 'Bearer x.y.z' }, behind)];
		assert.deepEqual(some, [{ 401: 334 }, { 404: 333 }, { 401: 333 }]);
		refused(await ask_('/api/accounts'), 1000);
		refused(await ask_('/api/nothing'), 1000);
		assert.equal((await ask_('/healthz')).status, 200);
		/* Who has a token goes on at the same address. */
		assert.equal((await ask_('/api/accounts',
			{ authorization: `Bearer ${token}` })).status, 200);
	});
	test('an account backs off in the database, so every host knows', async () => {
		sql(behind, `UPDATE app_user SET failed_logins = 9, locked_until = NULL
			WHERE id = 2`);
		const right = { email: 'demo@c-imap.local', password: 'demo123' };
		const enter = (n, more) => client(behind).post('/auth/sign-in',
			{ ...right, ...more }, { 'x-forwarded-for': `203.0.113.${n}` });
		await enter(1, { password: 'wrong' });
		const seconds = () => Number(sql(behind, `SELECT extract(epoch
			FROM locked_until - now()) FROM app_user WHERE id = 2`));
		assert.ok(seconds() > 30 && seconds() <= 900, `${seconds()}`);
		assert.equal((await enter(2)).status, 401);
		sql(behind, `UPDATE app_user SET locked_until = now() WHERE id = 2`);
		const answer = await enter(3);
		assert.equal(answer.status, 200);
		assert.ok(cookieOf(answer));
	});
});

describe('a minute has', () => {
	test('100 requests of a session, in all families together', async () => {
		await early();
		const headers = { cookie: `session=${p.owner.cookie}` };
		const used = 100 - left(await api.as(cookie('owner'))
			.get('/api/accounts'));
		const seen = [];
		for (const path of ['/api/accounts', `/api/accounts/${p.account}/jobs`])
			seen.push(await often(50, path, headers));
		const count = (status) => seen.reduce((sum, one) =>
			sum + (one[status] ?? 0), 0);
		assert.equal(count(200), 100 - used);
		assert.equal(count(429), used);
		refused(await api.as(cookie('owner')).get('/api/accounts'), 100);
		assert.equal((await api.as(cookie('member')).get('/api/accounts'))
			.status, 200);
	});
	test('1,000 requests of a token, beside those of its session', async () => {
		const { json } = await api.as(cookie('member'))
			.post(`/api/accounts/${p.account}/token`, {});
		const token = json.data.access_token;
		await early(25);
		const seen = await often(1001, '/api/accounts',
			{ authorization: `Bearer ${token}` });
		assert.deepEqual(seen, { 200: 1000, 429: 1 });
		refused(await api.as({ token }).get('/api/accounts'), 1000);
		assert.equal((await api.as(cookie('member')).get('/api/accounts'))
			.status, 200);
	});
});

test('a stream of events is one request, however long it goes on', async () => {
	await early(15);
	const look = async () => left(await api.as(cookie('viewer'))
		.get('/api/events'));
	const before = await look();
	const request = http.get(`${house.url}/api/events`, { agent: false,
		headers: { accept: 'text/event-stream',
			cookie: `session=${p.viewer.cookie}` } });
	let text = '';
	await new Promise((resolve, reject) => {
		request.on('error', reject);
		request.on('response', (answer) => {
			const raise = (n) => sql(house, `INSERT INTO event
				(application_id, account_id, name, data)
				VALUES (${p.application}, ${p.account}, 'note.added', '${n}')`);
			let n = 0;
			answer.on('data', (piece) => {
				text += piece;
				const got = text.split('data: ').length - 1;
				if (got === 4)
					resolve();
				else if (got === n)
					raise(n++);
			});
		});
	});
	request.destroy();
	assert.equal(await look(), before - 2);
});
