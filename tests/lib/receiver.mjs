// Receivers of webhooks: one that writes down what it is told, and answers as
// it is asked to.
//
//	const receiver = await receive();            // 200 to all
//	const receiver = await receive((told, answer) => …);
//	receiver.url, receiver.told, await receiver.until(3), receiver.end()
//
// told: { id, headers, body, at }: `id` is webhook-id, `body` bytes.
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Webhook } from 'standardwebhooks';

const open = new Set();

/** Ends those that a test which failed has left. */
export const endAll = () => Promise.all([...open].map((one) => one.end()));

function kept(one) {
	const { end } = one;
	one.end = async () => {
		open.delete(one);
		await end();
	};
	open.add(one);
	return one;
}

export async function receive(answers = (_, answer) => answer.end('OK')) {
	const told = [];
	const waiting = new Set();
	const server = http.createServer((request, answer) => {
		const chunks = [];
		request.on('error', () => {});
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('end', () => {
			const one = { id: request.headers['webhook-id'],
				headers: request.headers, path: request.url,
				body: Buffer.concat(chunks), at: Date.now() };
			told.push(one);
			answers(one, answer, request.socket);
			for (const look of waiting)
				look();
		});
	});
	server.keepAliveTimeout = 60000;
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	return kept({
		port, told,
		url: `http://127.0.0.1:${port}/hook`,
		/** Waits until it was told `n` things, or what `holds`. */
		until(wanted, seconds = 20) {
			const holds = typeof wanted === 'function' ? wanted
				: () => told.length >= wanted;
			return new Promise((resolve, reject) => {
				const look = () => {
					if (!holds())
						return;
					clearTimeout(timer);
					waiting.delete(look);
					resolve(told);
				};
				const timer = setTimeout(() => {
					waiting.delete(look);
					reject(new Error(`was told ${told.length} things`));
				}, seconds * 1000);
				waiting.add(look);
				look();
			});
		},
		async end() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	});
}

/** One that speaks bytes: `talk(socket)` when the request has come. */
export async function receiveRaw(talk) {
	const sockets = new Set();
	const server = net.createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
		socket.once('data', () => talk(socket));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return kept({
		url: `http://127.0.0.1:${server.address().port}/`,
		async end() {
			for (const socket of sockets)
				socket.destroy();
			server.close();
			await once(server, 'close');
		},
	});
}

/** By the convention's own library: throws where it is not signed so. */
export const verified = (secret, { headers, body }) =>
	new Webhook(secret, secret.startsWith('whsec_') ? {}
		: { format: 'raw' }).verify(body.toString(), headers);

/** As older receivers do it, GitHub's way. */
export function isHexSigned(key, { headers, body }) {
	const mac = createHmac('sha256', key).update(body).digest();
	const got = Buffer.from(headers['x-webhook-signature'], 'hex');
	return got.length === mac.length && timingSafeEqual(mac, got);
}

export const keyOf = (secret) => secret.startsWith('whsec_')
	? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);

export function signedWell(secret, told) {
	verified(secret, told);
	assert.ok(isHexSigned(keyOf(secret), told));
}
