// The SMTP proxy beside Postfix: messages taken a second, each of them durable
// before it is answered for; and what a large one costs.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { people } from '../tests/lib/people.mjs';
import { dial, signedOn } from '../tests/lib/smtp.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { made, median, memory, partPid, ratio, rounds } from './measure.mjs';

const FROM = 'bench@letterrack.test', TO = 'someone@elsewhere.test';
const CONNECTIONS = 16, BYTES = 4096;

/* Postfix keeps what it takes and delivers nothing meanwhile; neither do we. */
const HOLDS = `
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_mynetworks, reject
smtpd_client_message_rate_limit = 0
`;

export async function open({ quick }) {
	const house = await stack({ own: true,
		with: ['dovecot', 'postfix', 'smtpd'],
		set: ['smtp_connections_address = 2000', 'smtp_connections = 2000'],
		postgres: ['fsync=on', 'synchronous_commit=on',
			'full_page_writes=on', 'max_wal_size=4GB'] });
	const postfix_ = `${dirname(house.conf)}/postfix`;
	appendFileSync(`${postfix_}/main.cf`, HOLDS);
	execFileSync('postfix', ['-c', postfix_, 'reload'], { stdio: 'ignore' });
	const who = people(house);
	sql(house, `INSERT INTO credential (application_id, account_id,
		provider_kind, label, host, port, security_mode, auth_kind,
		email_address) VALUES (${who.application}, ${who.account}, 'smtp',
		'bench', '127.0.0.1', 1, 'none', 'password', '${FROM}')`);
	const id = `cid_${randomBytes(8).toString('hex')}`;
	sql(house, `INSERT INTO client (id, application_id, account_id, name, role,
		secret_hash) VALUES ('${id}', ${who.application}, ${who.account},
		'bench', 'member', '\\x${createHash('sha256').update('secret')
			.digest('hex')}')`);
	return { house, id, n: quick ? 500 : 3000, quick };
}

export const close = ({ house }) => house.end();

/* Beside us, so that the house can talk meanwhile. */
function load(house, port, n, more = []) {
	const child = spawn(made(house, 'smtp-load'), [...more, '--tag',
		randomBytes(8).toString('hex'), FROM, TO, String(port),
		String(CONNECTIONS), String(n), String(BYTES)],
	{ stdio: ['ignore', 'pipe', 'inherit'] });
	return new Promise((resolve, reject) => {
		let out = '';
		child.stdout.on('data', (piece) => { out += piece; });
		child.on('close', (status) => {
			if (status !== 0)
				return reject(new Error('smtp-load failed'));
			const { taken, faults, us } = JSON.parse(out);
			return faults > 0 ? reject(new Error(`${faults} were refused`))
				: resolve(taken / (us / 1e6));
		});
	});
}

const ours = ({ house, id, n }) => load(house, house.smtpd_port, n,
	['--auth', `${id}:secret`]);
const postfix = ({ house, n }) => load(house, house.submission_port, n);

async function taken(bench) {
	const got = await rounds(bench.quick ? 1 : 3, {
		ours: () => ours(bench), postfix: () => postfix(bench) });
	const of = (list) => median(list).toFixed(0);
	return [{
		figure: 'durable messages taken by SMTP ÷ Postfix\'s',
		value: ratio(got.ours, got.postfix), least: 1, aim: 1.5,
		note: `${of(got.ours)} ÷ ${of(got.postfix)} a second, ${
			CONNECTIONS} connections, ${BYTES >> 10} kB each`,
	}];
}

/** The most that was resident while something was done, in kB. */
async function peak(pid, work) {
	execFileSync('sh', ['-c', `echo 5 >/proc/${pid}/clear_refs`]);
	await work();
	return memory(pid, 'status', 'VmHWM');
}

async function large({ house, id }) {
	const pid = partPid(house, 'smtpd');
	const give = async (size) => {
		const c = await signedOn(house.smtpd_port, id, 'secret');
		for (const line of [`MAIL FROM:<${FROM}>`, `RCPT TO:<${TO}>`, 'DATA'])
			await c.ask(line);
		const line = Buffer.from(`${'x'.repeat(76)}\r\n`);
		const many = Buffer.concat(Array(840).fill(line));
		c.write(`From: ${FROM}\r\nMessage-ID: <${randomBytes(8)
			.toString('hex')}@letterrack.test>\r\n\r\n`);
		for (let n = 0; n < size; n += many.length)
			await c.drain(many);
		c.write('.\r\n');
		const { code, text } = await c.reply();
		if (code !== 250)
			throw new Error(text);
		c.destroy();
	};
	await give(100 << 10);
	const idle = memory(pid, 'status', 'VmRSS');
	const most = await peak(pid, () => give(49 << 20));
	return [{
		figure: 'memory of a message of 50 MB, in MB above idle',
		value: (most - idle) / 1024, most: 8, aim: 4,
		note: `${idle} kB without, ${most} kB at most`,
	}];
}

/** A thousand clients that say half a word, and what others wait meanwhile. */
async function slow(bench) {
	const { house, quick } = bench, n = quick ? 200 : 1000, list = [];
	const alone = await ours(bench);
	for (let i = 0; i < n; i += 50)
		list.push(...await Promise.all(Array.from({ length: 50 },
			() => dial(house.smtpd_port))));
	for (const c of list)
		c.write('EHL');
	await pause(200);
	const pid = partPid(house, 'smtpd');
	const rss = memory(pid, 'status', 'VmRSS');
	const beside = await ours(bench);
	for (const c of list)
		c.destroy();
	return [{
		figure: `messages a second beside ${n} slow clients ÷ alone`,
		value: beside / alone, least: 0.8, aim: 0.95,
		note: `${beside.toFixed(0)} ÷ ${alone.toFixed(0)} a second; ${
			rss} kB in all`,
	}];
}

export const figures = { smtpd: taken, large, slow };
