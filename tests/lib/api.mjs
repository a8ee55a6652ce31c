// Asking the API, and writing down what it says.
//
//	const house = await stack();
//	const api = client(house);
//	const { status, json } = await api.get('/api/system/health');
//	const member = api.as({ cookie });          // or { token }
//	await member.post('/api/threads', { subject: 'x' });
//
// The path goes out as it stands: neither dots nor slashes are tidied up. Every
// exchange is checked against the description of the API at once (an answer that
// it does not know fails the test) and written to the house's directory, where
// zz-openapi.test.mjs counts them. { record: false } does neither. { agent } is
// one of node:http that keeps connections.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Description } from './openapi.mjs';

function send(url, { method, path, headers, body, agent = false }) {
	const { hostname, port } = new URL(url);
	return new Promise((resolve, reject) => {
		const request = http.request(
			{ hostname, port, method, path, headers, agent },
			(answer) => {
				const chunks = [];
				answer.on('data', (chunk) => chunks.push(chunk));
				answer.on('error', reject);
				answer.on('end', () => resolve({
					status: answer.statusCode,
					headers: answer.headers,
					bytes: Buffer.concat(chunks),
				}));
			});
		request.setTimeout(30000, () =>
			request.destroy(new Error(`no answer: ${method} ${path}`)));
		request.on('error', reject);
		request.end(body);
	});
}

/** What node:http would not send: a request as bytes; the answer as text. */
export function rawRequest(url, text) {
	const { hostname, port } = new URL(url);
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, hostname, () => socket.write(text));
		let answer = '';
		socket.setTimeout(30000, () =>
			socket.destroy(new Error('no answer to raw bytes')));
		socket.on('data', (chunk) => { answer += chunk; });
		socket.on('error', reject);
		socket.on('close', () => resolve(answer));
	});
}

const isJson = (type = '') => /^application\/(.*\+)?json\b/.test(type);

function encode(body, headers) {
	if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body))
		return body;
	if (body instanceof URLSearchParams) {
		headers['content-type'] ??= 'application/x-www-form-urlencoded';
		return body.toString();
	}
	headers['content-type'] ??= 'application/json';
	return JSON.stringify(body);
}

const descriptions = new Map();

function described(house) {
	if (!descriptions.has(house.url))
		descriptions.set(house.url, Description.read(house.url, send));
	return descriptions.get(house.url);
}

/** Throws where an answer is not what the description says. */
async function record(house, exchange) {
	const known = await described(house);
	const { operation, fault } = known.judge(exchange);
	assert.ok(!fault, `${exchange.method} ${exchange.path} ${exchange.status}, ` +
		`against the description: ${fault}\n${exchange.text}`);
	if (!operation)
		return;
	mkdirSync(`${house.state}/exchanges`, { recursive: true });
	appendFileSync(`${house.state}/exchanges/${process.pid}.txt`,
		`${operation} ${exchange.status}\n`);
}

/** Asks until it is refused, a second at most: the last answer. */
export async function refusedWithinSecond(ask) {
	const end = Date.now() + 1000;
	let answer = await ask();
	while (answer.status === 200 && Date.now() < end)
		answer = await ask();
	return answer;
}

export function client(house, who = {}, options = {}) {
	const base = options.url ?? house.url;

	async function request(method, path, body, more = {}) {
		const headers = { ...more };
		if (who.token)
			headers.authorization ??= `Bearer ${who.token}`;
		if (who.cookie)
			headers.cookie ??= `session=${who.cookie}`;
		const bytes = encode(body, headers);
		if (bytes !== undefined)
			headers['content-length'] ??= Buffer.byteLength(bytes);
		const answer = await send(base, { method, path, headers, body: bytes,
			agent: options.agent });
		answer.text = answer.bytes.toString();
		answer.json = isJson(answer.headers['content-type']) && answer.text
			? JSON.parse(answer.text) : undefined;
		if (options.record !== false)
			await record(house, { method, path, ...answer });
		return answer;
	}

	return {
		house,
		request,
		get: (path, more) => request('GET', path, undefined, more),
		head: (path, more) => request('HEAD', path, undefined, more),
		post: (path, body, more) => request('POST', path, body, more),
		put: (path, body, more) => request('PUT', path, body, more),
		patch: (path, body, more) => request('PATCH', path, body, more),
		delete: (path, body, more) => request('DELETE', path, body, more),
		as: (other) => client(house, other, options),
		at: (url) => client(house, who, { ...options, url }),
	};
}
