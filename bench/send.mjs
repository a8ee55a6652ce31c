// Mail handed to a server that takes all, beside libcurl that does the same in a
// loop; and how long it takes from the request to the server's word.
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { client } from '../tests/lib/api.mjs';
import { aside } from '../tests/lib/ctl.mjs';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { median, ratio, rounds } from './measure.mjs';

/* In a thread of its own, so that it waits for nobody. It tells of each message
 * when it has taken it. */
const server = `
	const net = require('node:net');
	const { parentPort } = require('node:worker_threads');
	const hello = '250-here\\r\\n250-PIPELINING\\r\\n250-AUTH PLAIN\\r\\n' +
		'250 SIZE 50000000\\r\\n';
	const words = { EHLO: hello, AUTH: '334 \\r\\n', DATA: '354 go\\r\\n',
		QUIT: '221 bye\\r\\n' };
	net.createServer({ noDelay: true }, (socket) => {
		let text = '', body = false, secret = false;
		socket.setEncoding('latin1').write('220 here\\r\\n');
		socket.on('error', () => {});
		socket.on('data', (piece) => {
			text += piece;
			for (;;) {
				const end = body ? '\\r\\n.\\r\\n' : '\\r\\n';
				const at = text.indexOf(end);
				if (at < 0)
					return;
				const word = text.slice(0, 4).toUpperCase();
				text = text.slice(at + end.length);
				if (body) {
					parentPort.postMessage(performance.timeOrigin +
						performance.now());
					socket.write('250 taken\\r\\n');
					body = false;
					continue;
				}
				socket.write(secret ? '235 in\\r\\n'
					: words[word] ?? '250 fine\\r\\n');
				secret = word === 'AUTH';
				body = word === 'DATA';
			}
		});
	}).listen(0, '127.0.0.1', function () {
		parentPort.postMessage(this.address().port);
	});`;

export async function open({ quick }) {
	const house = await stack({ own: true,
		postgres: ['synchronous_commit=on', 'max_wal_size=4GB'] });
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	const worker = new Worker(server, { eval: true });
	const [port] = await once(worker, 'message');
	const took = new EventEmitter(); // also while nobody listens
	worker.on('message', (at) => took.emit('message', at));
	const who = people(house);
	const owner = client(house, { cookie: who.owner.cookie },
		{ record: false });
	const made = await owner.post(
		`/api/accounts/${who.account}/provider-credentials`, {
			provider_kind: 'smtp', label: 'bench', host: '127.0.0.1', port,
			security_mode: 'none', email_address: 'bench@letterrack.test',
			secret: { username: 'bench', password: 'secret' } });
	if (made.status !== 201)
		throw new Error(made.text);
	return { house, worker, took, port, who, owner, credential: made.json.data.id,
		n: quick ? 200 : 2000, times: quick ? 40 : 200 };
}

export async function close(bench) {
	await bench.worker.terminate();
	await bench.house.end();
}

const text = 'Hello,\n\nwe have sent your order today.\n'.repeat(20);

async function post({ owner, who, credential }) {
	const answer = await owner.post(
		`/api/accounts/${who.account}/smtp/messages`, {
			credential_id: credential, subject: 'About the order',
			to_json: [{ address: 'bert@elsewhere.test' }], text_body: text });
	if (answer.status !== 202)
		throw new Error(answer.text);
}

const rate = async (n, work) => {
	const start = process.hrtime.bigint();
	await work();
	return n / (Number(process.hrtime.bigint() - start) / 1e9);
};

/** From rows that wait to rows that say they were accepted. */
async function handed(bench) {
	const { house, n } = bench;
	sql(house, `SET client_min_messages = warning; TRUNCATE task CASCADE;
		TRUNCATE log`);
	for (let i = 0; i < n; i += 8)
		await Promise.all(Array.from({ length: 8 }, () => post(bench)));
	const result = await rate(n, async () => {
		const { status, err } = await aside(house, 'bin/letterrack-sync',
			['--quiet', '--only', 'send']);
		if (status !== 0)
			throw new Error(err);
	});
	const left = sql(house, `SELECT count(*) FROM submission
		WHERE state <> 'accepted'`);
	if (left !== '0')
		throw new Error(`${left} were not accepted`);
	return result;
}

/** The same bytes, by libcurl over one connection; each of them again by a
 * program of its own, as scripts do it. */
const one = ({ port }, file) => `url = "smtp://127.0.0.1:${port}"
user = "bench:secret"
mail-from = "bench@letterrack.test"
mail-rcpt = "bert@elsewhere.test"
upload-file = "${file}"
silent
`;

function prepare(bench) {
	const { house, n } = bench;
	const file = `${house.state}/letter.eml`, config = `${house.state}/curl`;
	writeFileSync(file, Buffer.from(sql(house, `SELECT encode(message, 'hex')
		FROM submission LIMIT 1`), 'hex'));
	writeFileSync(`${config}.one`, one(bench, file));
	writeFileSync(config, Array(n).fill(one(bench, file)).join('next\n'));
	return config;
}

function looped(bench) {
	const config = prepare(bench);
	return rate(bench.n, () =>
		execFileSync('curl', ['-K', config], { stdio: 'ignore' }));
}

function started(bench) {
	const config = prepare(bench), n = Math.ceil(bench.n / 10);
	return rate(n, () => {
		for (let i = 0; i < n; i++)
			execFileSync('curl', ['-K', `${config}.one`],
				{ stdio: 'ignore' });
	});
}

async function send(bench) {
	const got = await rounds(3, { handed: () => handed(bench),
		looped: () => looped(bench), started: () => started(bench) });
	const of = (list) => median(list).toFixed(0);
	return [{
		figure: 'messages handed over ÷ libcurl, one connection',
		value: ratio(got.handed, got.looped), least: 0.1, aim: 0.25,
		note: `${of(got.handed)} ÷ ${of(got.looped)} a second, one worker`,
	}, {
		figure: 'messages handed over ÷ a curl for each',
		value: ratio(got.handed, got.started), least: 1, aim: 2,
		note: `${of(got.handed)} ÷ ${of(got.started)} a second`,
	}];
}

const now = () => performance.timeOrigin + performance.now();

/** From the request to the server's word, of a worker that stays. */
async function journey(bench) {
	const began = now();
	const taken = once(bench.took, 'message',
		{ signal: AbortSignal.timeout(10_000) });
	await post(bench);
	return (await taken)[0] - began;
}

async function accepted(bench) {
	const stays = aside(bench.house, 'bin/letterrack-sync',
		['--quiet', '--stay']);
	const took = [];
	for (let i = 0; i < bench.times + 5; i++) {
		const ms = await journey(bench);
		if (i >= 5)
			took.push(ms);
		await pause(20 + i % 7 * 10);
	}
	stays.child.kill('SIGTERM');
	await stays;
	const sorted = took.sort((a, b) => a - b);
	return [{
		figure: 'ms from POST to acceptance, p50', value: median(took),
		most: 50, aim: 20,
		note: `p95 ${sorted[Math.floor(sorted.length * 0.95)].toFixed(0)
		} ms, ${sorted.length} messages, --stay`,
	}];
}

export const figures = { send, accepted };
