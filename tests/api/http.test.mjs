// What is refused before anybody's work begins, as a client sees it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client, rawRequest } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, them;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
});

const envelopes = {
	data: (a) => {
		assert.equal(a.headers['content-type'], 'application/problem+json');
		assert.equal(a.json.status, a.status);
		for (const name of ['type', 'title', 'detail', 'code', 'request_id'])
			assert.equal(typeof a.json[name], 'string', name);
	},
	success: (a) => {
		assert.equal(a.json.success, false);
		assert.match(a.json.code, /^[A-Z_]+$/);
	},
	ok: (a) => {
		assert.equal(a.json.ok, false);
		assert.match(a.json.code, /^[A-Z_]+$/);
	},
};

describe('paths', () => {
	const rows = [
		['/api/accounts/../accounts', 400],
		['/api/./accounts', 400],
		['/api/accounts/%2e%2e/x', 400],
		['/api/accounts/.%2E', 400],
		['/api//accounts', 400],
		['//api/accounts', 400],
		['/api/accounts/a%2fb', 400],
		['/api/accounts/a%5Cb', 400],
		['/api/accounts/a%00b', 400],
		['/api/accounts/a%0d%0ab', 400],
		['/api/accounts/%', 400],
		['/api/nothing', 404],
		['/', 404],
		['/api/', 404],
		['/api/accounts/', 404],
	];
	for (const [path, status] of rows)
		test(`${path} is ${status}`, async () => {
			const answer = await api.get(path);
			assert.equal(answer.status, status);
			envelopes.data(answer);
		});

	test('a path of 9 KiB is refused in JSON', async () => {
		const answer = await api.get(`/api/${'a'.repeat(9000)}`);
		assert.ok([400, 414].includes(answer.status), answer.status);
		assert.ok(answer.json);
	});

	test('control bytes do not pass', async () => {
		const answer = await rawRequest(house.url,
			'GET /api/a\x01b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
		assert.match(answer, /^HTTP\/1\.1 400/);
		assert.doesNotMatch(answer, /<html/i);
	});
});

describe('methods', () => {
	const rows = [
		['DELETE', '/api/accounts', 'data', 'GET, HEAD'],
		['POST', '/healthz', 'ok', 'GET, HEAD'],
		['PUT', '/api/system/health', 'success', 'GET, HEAD'],
		['PATCH', '/api/accounts/search', 'data', 'POST'],
		['OPTIONS', '/api/accounts', 'data', 'GET, HEAD'],
		['BREW', '/api/accounts', 'data', 'GET, HEAD'],
	];
	for (const [method, path, envelope, allow] of rows)
		test(`${method} ${path} is 405 with Allow`, async () => {
			const answer = method === 'BREW'
				? await raw(method, path)
				: await api.request(method, path);
			assert.equal(answer.status, 405);
			assert.ok(answer.headers.allow.startsWith(allow));
			envelopes[envelope](answer);
		});

	async function raw(method, path) {
		const text = await rawRequest(house.url, `${method} ${path} ` +
			'HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
		const [head, body] = text.split('\r\n\r\n');
		const headers = Object.fromEntries(head.split('\r\n').slice(1)
			.map((line) => line.split(': '))
			.map(([name, value]) => [name.toLowerCase(), value]));
		return { status: Number(head.split(' ')[1]), headers,
			json: JSON.parse(body) };
	}

	test('HEAD is GET without the body', async () => {
		const get = await api.get('/api');
		const head = await api.head('/api');
		assert.equal(head.status, 200);
		assert.equal(head.text, '');
		assert.equal(head.headers.etag, get.headers.etag);
		assert.equal(head.headers['content-length'],
			get.headers['content-length']);
	});
});

describe('parameters', () => {
	test('one that comes twice is 400', async () => {
		const answer = await api.as(them.member)
			.get('/api/accounts?limit=1&limit=2');
		assert.equal(answer.status, 400);
		assert.match(answer.json.detail, /limit/);
	});
	test('also an unknown one', async () => {
		const answer = await api.as(them.member).get('/api/accounts?x=1&x=1');
		assert.equal(answer.status, 400);
	});
	test('an unknown one is ignored', async () => {
		const answer = await api.as(them.member).get('/api/accounts?x=1');
		assert.equal(answer.status, 200);
	});
	test('a limit beyond the most is lowered and shown', async () => {
		const answer = await api.as(them.member).get('/api/accounts?limit=900');
		assert.equal(answer.json.meta.limit, 200);
	});
	test('a mangled cursor is 400', async () => {
		const answer = await api.as(them.member)
			.get('/api/accounts?cursor=AAAA');
		assert.equal(answer.status, 400);
	});
});

describe('bodies', () => {
	const path = '/api/accounts/search';
	const json = { 'content-type': 'application/json' };
	const post = (body, more = json) =>
		api.as(them.member).post(path, body, more);

	test('absent and empty ones count as {}', async () => {
		assert.equal((await post(undefined, {})).status, 200);
		assert.equal((await post('', { 'content-type': 'text/plain' })).status,
			200);
	});
	test('another type is 415', async () => {
		const answer = await post('{}', { 'content-type': 'text/plain' });
		assert.equal(answer.status, 415);
		envelopes.data(answer);
	});
	test('a fault names its line', async () => {
		const answer = await post('{\n"limit": 1,\n"limit": 2}');
		assert.equal(answer.status, 400);
		assert.match(answer.json.detail, /line 3/);
		assert.match(answer.json.detail, /limit/);
	});
	test('an invalid field is named, all of them', async () => {
		const answer = await post('{"limit": "5", "nope": 1}');
		assert.equal(answer.status, 422);
		assert.deepEqual(answer.json.errors.map((e) => [e.field, e.code]), [
			['limit', 'wrong_type'], ['nope', 'unknown_field']]);
	});
	test('more than 1 MiB is 413, in the envelope', async () => {
		for (const size of [1 << 20, 2 << 20]) {
			const answer = await post(
				JSON.stringify({ query: 'x'.repeat(size) }));
			assert.equal(answer.status, 413);
			envelopes.data(answer);
		}
	});
	test('deep nesting is refused quickly', async () => {
		const answer = await post('['.repeat(100000));
		assert.equal(answer.status, 400);
	});
});

describe('answers', () => {
	test('carry a request id, nosniff and a length', async () => {
		const { headers } = await api.get('/api');
		assert.match(headers['x-request-id'], /^[A-Za-z0-9._-]{1,64}$/);
		assert.equal(headers['x-content-type-options'], 'nosniff');
		assert.ok(Number(headers['content-length']) > 0);
	});
	test('an entity tag spares the body', async () => {
		const { headers } = await api.get('/api');
		const again = await api.get('/api',
			{ 'if-none-match': headers.etag });
		assert.equal(again.status, 304);
		assert.equal(again.text, '');
	});
});

describe('who may', () => {
	test('nobody: 401 with a challenge', async () => {
		const answer = await api.get('/api/accounts');
		assert.equal(answer.status, 401);
		assert.match(answer.headers['www-authenticate'], /^Bearer/);
	});
	for (const cookie of ['x', 'A'.repeat(43), 'A'.repeat(4000)])
		test(`a made-up cookie of ${cookie.length} bytes`, async () => {
			const answer = await api.as({ cookie }).get('/api/accounts');
			assert.equal(answer.status, 401);
		});
	test('a foreign account is 403 ACCOUNT_MISMATCH', async () => {
		const answer = await api.as(them.member)
			.get(`/api/accounts/acc_${them.other}/members`);
		assert.equal(answer.status, 403);
		assert.equal(answer.json.code, 'account_mismatch');
	});
	test('a write from another site is refused, a program passes', async () => {
		const member = api.as(them.member);
		const path = '/api/accounts/search';
		for (const [headers, status] of [
			[{ origin: 'http://evil.test' }, 403],
			[{ 'sec-fetch-site': 'cross-site' }, 403],
			[{ 'x-csrf-token': 'wrong' }, 403],
			[{ 'sec-fetch-site': 'same-origin' }, 200],
			[{}, 200],
		])
			assert.equal((await member.post(path, {}, headers)).status, status,
				JSON.stringify(headers));
	});
});
