// Webhooks told to a fast receiver, beside a client that only posts.
import { once } from 'node:events';
import http from 'node:http';
import { Worker } from 'node:worker_threads';
import { aside } from '../tests/lib/ctl.mjs';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { median, ratio, rounds } from './measure.mjs';

const LANES = 16; // as many as one webhook has under way

/* In a thread of its own, so that it waits for nobody. */
const receiver = `
	const http = require('node:http');
	const { parentPort } = require('node:worker_threads');
	const server = http.createServer((request, answer) => {
		request.resume();
		request.on('end', () => answer.end('OK'));
	});
	server.listen(0, '127.0.0.1', () =>
		parentPort.postMessage(server.address().port));`;

export async function open({ quick }) {
	const house = await stack({ own: true,
		postgres: ['synchronous_commit=on', 'max_wal_size=4GB'] });
	const worker = new Worker(receiver, { eval: true });
	const [port] = await once(worker, 'message');
	const who = people(house);
	const made = await fetch(`${house.url}/api/webhooks`, {
		method: 'POST',
		headers: { cookie: `session=${who.owner.cookie}`,
			'content-type': 'application/json' },
		body: JSON.stringify({ url: `http://127.0.0.1:${port}/`,
			events: ['*'] }),
	});
	if (made.status !== 201)
		throw new Error(`no webhook: ${await made.text()}`);
	return { house, worker, port, who, n: quick ? 2_000 : 20_000 };
}

export async function close(bench) {
	await bench.worker.terminate();
	await bench.house.end();
}

const rate = async (n, work) => {
	const start = process.hrtime.bigint();
	await work();
	return n / (Number(process.hrtime.bigint() - start) / 1e9);
};

/** From rows that wait to rows that say it was delivered. */
async function told({ house, who, n }) {
	sql(house, `TRUNCATE webhook_delivery; INSERT INTO event (application_id,
		account_id, name, data) SELECT ${who.application}, ${who.account},
		'note.added', json_build_object('note_id', i, 'thread_id', i,
		'subject', 'About the order of yesterday')
		FROM generate_series(1, ${n}) i; ANALYZE webhook_delivery`);
	const result = await rate(n, async () => {
		const { status, err } = await aside(house, 'bin/letterrack-sync',
			['--only', 'deliver']);
		if (status !== 0)
			throw new Error(err);
	});
	const left = sql(house, `SELECT count(*) FROM webhook_delivery
		WHERE state <> 'delivered'`);
	if (left !== '0')
		throw new Error(`${left} were not delivered`);
	return result;
}

/** The same bytes, by a client that keeps its connections. */
async function posted({ house, port, n }) {
	const body = sql(house, 'SELECT body FROM webhook_delivery LIMIT 1');
	const agent = new http.Agent({ keepAlive: true, maxSockets: LANES });
	const one = () => new Promise((resolve, reject) => http.request({
		host: '127.0.0.1', port, method: 'POST', agent,
		headers: { 'content-length': Buffer.byteLength(body) },
	}, (answer) => answer.resume().on('end', resolve))
		.on('error', reject).end(body));
	const lane = async () => {
		for (let i = 0; i < n / LANES; i++)
			await one();
	};
	const result = await rate(n, () =>
		Promise.all([...Array(LANES)].map(lane)));
	agent.destroy();
	return result;
}

export async function deliver(bench) {
	const got = await rounds(3, { told: () => told(bench),
		posted: () => posted(bench) });
	return [{
		figure: 'webhooks told ÷ posts of a plain client',
		value: ratio(got.told, got.posted), least: 0.25, aim: 0.5,
		note: `${median(got.told).toFixed(0)} ÷ ${
			median(got.posted).toFixed(0)} a second, one receiver`,
	}];
}

export const figures = { deliver };
