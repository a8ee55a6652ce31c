// What nginx does of its own: refusals in the envelope of the path's family,
// a read tried again when its worker dies, request ids, limits, compression.
import assert from 'node:assert';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import test, { after, before, describe } from 'node:test';
import { stack } from '../lib/stack.mjs';

let house;
before(async () => {
	house = await stack({ own: true });
});
after(() => house?.end());

const shapes = {
	problem: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
	success: ['success', 'error', 'code', 'details'],
	ok: ['ok', 'error', 'code'],
	oauth: ['error', 'error_description'],
};

const rows = [
	{ path: '/api/accounts', shape: 'problem', code: 'bad_gateway' },
	{ path: '/nothing', shape: 'problem', code: 'bad_gateway' },
	{ path: '/api/system/health', shape: 'success', code: 'BAD_GATEWAY' },
	{ path: '/api/threads', shape: 'success', code: 'BAD_GATEWAY' },
	{ path: '/healthz', shape: 'ok', code: 'BAD_GATEWAY' },
	{ path: '/api/accounts/1/monitor/start', shape: 'ok', code: 'BAD_GATEWAY' },
	{ path: '/oauth2/token', shape: 'oauth', code: undefined },
];

function check(response, text, status, shape, code) {
	const body = JSON.parse(text);
	const id = response.headers['x-request-id'];
	assert.equal(response.statusCode, status);
	assert.deepEqual(Object.keys(body), shapes[shape]);
	assert.equal(body.code, code);
	assert.match(id, /^[0-9a-f]{32}$/);
	assert.equal(response.headers['content-type'],
		shape === 'problem' ? 'application/problem+json' : 'application/json');
	if (shape === 'problem') {
		assert.equal(body.request_id, id);
		assert.equal(body.status, status);
	}
}

/** Sends a request as it is; fetch would tidy the path up. */
function send(path, options = {}) {
	return new Promise((resolve, reject) => {
		const { hostname, port } = new URL(house.url);
		const request = http.request(
			{ hostname, port, path, agent: false, ...options },
			(response) => {
				let text = '';
				response.setEncoding('utf8');
				response.on('data', (part) => (text += part));
				response.on('end', () => resolve({ response, text }));
			});
		request.on('error', reject);
		request.end(options.body);
	});
}

/** Bytes in, bytes out, for what no client library would send. */
function raw(bytes) {
	return new Promise((resolve, reject) => {
		let text = '';
		const socket = net.connect(new URL(house.url).port, '127.0.0.1');
		socket.on('data', (part) => (text += part));
		socket.on('end', () => resolve(text));
		socket.on('error', reject);
		socket.end(bytes);
	});
}

describe('without responders', () => {
	before(() => house.stop('serve'));
	after(() => house.start('serve'));
	for (const { path, shape, code } of rows)
		for (const method of ['GET', 'POST'])
			test(`${method} ${path} is a 502 in the envelope ${shape}`, async () => {
				const { response, text } = await send(path, { method });
				check(response, text, 502, shape, code);
			});
	test('HEAD has no body', async () => {
		const { response, text } = await send('/healthz', { method: 'HEAD' });
		assert.equal(response.statusCode, 502);
		assert.equal(text, '');
	});
});

test('a body beyond any limit is a 413 in the envelope', async () => {
	for (const [path, shape, code] of [
		['/api/accounts', 'problem', 'too_large'],
		['/api/threads', 'success', 'TOO_LARGE'],
		['/api/inbox', 'ok', 'TOO_LARGE'],
	]) {
		const { response, text } = await send(path, {
			method: 'POST',
			headers: { 'content-length': 40 << 20, expect: '100-continue' },
		});
		check(response, text, 413, shape, code);
	}
});

test('attachments may be 35 MiB', async () => {
	const request = `POST /api/emails/send HTTP/1.1\r\nHost: x\r\n` +
		`Content-Length: ${35 << 20}\r\nExpect: 100-continue\r\n\r\n`;
	const socket = net.connect(new URL(house.url).port, '127.0.0.1');
	socket.write(request);
	const answer = await new Promise((r) => socket.once('data', (d) => r(`${d}`)));
	socket.destroy();
	assert.match(answer, /^HTTP\/1\.1 100 /);
});

const malformed = [
	['no HTTP at all', 'hello\r\n\r\n'],
	['a header of 9 KiB', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9000)}\r\n\r\n`],
	['no host', 'GET /api/threads HTTP/1.1\r\n\r\n'],
	['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
	['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
	['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
	['a path above the root', 'GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n'],
];
for (const [what, bytes] of malformed)
	test(`${what} is a 400 in JSON`, async () => {
		const answer = await raw(bytes);
		const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
		assert.match(answer, /^HTTP\/1\.1 400 /);
		assert.match(answer, /\r\nX-Request-Id: [0-9a-f]{32}\r\n/);
		assert.ok(body.code === 'malformed_request' ||
			body.code === 'VALIDATION_ERROR', answer);
	});

test('internal locations are not to be had from outside', async () => {
	for (const path of ['/_letterrack/problem', '/_letterrack/cache/x']) {
		const { response, text } = await send(path);
		check(response, text, 404, 'problem', 'not_found');
	}
});

test('one request id on both sides of nginx', async () => {
	const { response } = await send('/healthz');
	const id = response.headers['x-request-id'];
	await until(() => logged('access.log').includes(id), 'the access log');
	await until(() => logged('serve.log').includes(id), 'the log');
});

test('the access log keeps no query', async () => {
	await send('/webhooks/poll-emails?token=very-secret', { method: 'POST' });
	await until(() => logged('access.log').includes('POST /webhooks/poll-emails '),
		'the access log');
	assert.doesNotMatch(logged('access.log'), /very-secret/);
});

test('JSON is compressed for who asks', async () => {
	const headers = { 'accept-encoding': 'gzip' };
	const { response } = await send('/api', { headers });
	assert.equal(response.headers['content-encoding'], 'gzip');
});

test('the auth door knows only its own paths', async () => {
	const headers = { host: house.auth_host };
	const inside = await send('/auth/me', { headers });
	const outside = await send('/api/accounts', { headers });
	assert.equal(inside.response.statusCode, 401);
	assert.equal(outside.response.statusCode, 404);
});

/** Asks until the answer is true; fails after five seconds. */
async function until(condition, what) {
	for (const end = Date.now() + 5000; Date.now() < end;) {
		const answer = condition();
		if (answer)
			return answer;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	throw new Error(`waited in vain: ${what}`);
}

const logged = (name) => readFileSync(`${house.logs}/${name}`, 'utf8');

/** The processes of the last start have all said that they run. */
function started() {
	const life = logged('serve.log').split(' ended who=serve').at(-1);
	const wanted = / serving processes=(\d+)/.exec(life)?.[1];
	return life.split('responder started').length > Number(wanted);
}

/** What each worker of a family has open, by process id. */
function workers(family) {
	const command = `libexec/letterrack/${family}\0--config\0${house.conf}\0`;
	const found = new Map();
	for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
		try {
			if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(command))
				found.set(pid, readdirSync(`/proc/${pid}/fd`).map(
					(fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)));
		} catch (error) {
			if (!['ENOENT', 'ESRCH'].includes(error.code))
				throw error;
		}
	return found;
}

/** The worker that has opened something since: it took the request. */
function busy(family, before) {
	for (const [pid, files] of workers(family))
		if (files.some((file) => !before.get(pid)?.includes(file)))
			return Number(pid);
	return null;
}

/**
 * Sends a request, and kills the worker that took it. It cannot have answered:
 * the process that accepts database connections sleeps meanwhile.
 * `warm` is a request that needs no database.
 */
async function killed(family, warm, path, options) {
	await house.stop('serve');
	await house.start('serve');
	await until(started, 'responders');
	await send(warm, options);
	await house.signal('postgres', 'STOP');
	try {
		const before = workers(family);
		const answer = send(path, options);
		process.kill(await until(() => busy(family, before), 'a busy worker'),
			'SIGKILL');
		await house.signal('postgres', 'CONT');
		return await answer;
	} finally {
		await house.signal('postgres', 'CONT');
	}
}

test('a read whose worker is killed is answered by another', async () => {
	const { response } = await killed('system', '/api',
		'/api/system/health');
	assert.equal(response.statusCode, 200);
});

test('a write whose worker is killed is not sent again', async () => {
	const { response, text } = await killed('auth', '/auth/nothing', '/auth/sign-in', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ email: 'a@example.com', password: 'x'.repeat(9) }),
	});
	check(response, text, 502, 'problem', 'bad_gateway');
});
