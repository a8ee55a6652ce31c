// The sync against a warm Dovecot: to committed rows, beside the same answers
// read and thrown away and beside imapflow; its memory; a poll of nothing new.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { made, median, memory, ratio, rounds } from './measure.mjs';
import { proxy } from './proxy.mjs';

const exec = promisify(execFile);
const password = 'letterrack';
const folders = 50;

// Two of the house's mailboxes: one with much mail, one with many folders.
const much = 'support@letterrack.test';
const many = 'sales@letterrack.test';
// Less mail: imapflow takes as long for it as the sync for all.
const few = 'review@letterrack.test';

// ---- the house ----

function mail(house, user, count, folder = '') {
	const dir = `${house.state}/mail/${user.split('@')[0]}/Maildir${folder}`;
	execFileSync('setpriv', [`--reuid=${house.user}`, `--regid=${house.user}`,
		'--init-groups', made(house, 'mailgen'), '--maildir', dir,
		'--for', user, '--count', count]);
}

async function credential(bench, user, port, mode) {
	const { house } = bench;
	const text = await post(bench, 'provider-credentials', {
		provider_kind: 'imap', label: user, host: '127.0.0.1', port,
		security_mode: mode, secret: { username: user, password } });
	const id = Number(/"pc_(\d+)"/.exec(text)[1]);
	// The words of the texts are another job's.
	sql(house, `UPDATE credential SET body_policy = 'metadata'
		WHERE id = ${id}`);
	return id;
}

export async function open({ quick, say }) {
	const house = await stack({ own: true, with: ['dovecot'],
		// A commit is waited for, but not the disk: the house has WAL files
		// of 1 MB, and to make one would cost a sync for each 500 messages.
		// Like a server's that has run for a day, they are written again
		// (forget): a new one is filled with zeros first.
		postgres: ['shared_buffers=1GB', 'min_wal_size=1GB',
			'max_wal_size=8GB', 'synchronous_commit=on',
			'full_page_writes=on', 'autovacuum=off'] });
	const bench = { house, quick, messages: quick ? 5_000 : 50_000 };
	try {
		bench.who = people(house);
		say(`${bench.messages} messages are made`);
		mail(house, much, bench.messages);
		mail(house, few, Math.max(bench.messages / 10, 2000));
		bench.proxy = await proxy(Number(house.imap_port));
		bench.plain = await credential(bench, much, bench.proxy.port, 'none');
		await first(bench);
	} catch (error) {
		await close(bench);
		throw error;
	}
	return bench;
}

/** Warms Dovecot's index up and writes the sync's commands down. */
async function first(bench) {
	const { house } = bench;
	await sync(bench, bench.plain);
	bench.commands = `${house.state}/commands`;
	writeFileSync(bench.commands, bench.proxy.commands().filter((line) =>
		/^(SELECT|EXAMINE|UID FETCH) /.test(line))
		.map((line) => line.replace(/^(SELECT|EXAMINE) (\S+).*/, '$1 $2'))
		.map((line) => `${line}\n`).join(''));
	sql(house, `UPDATE credential SET port = ${house.imap_port}
		WHERE id = ${bench.plain}`);
}

export async function close(bench) {
	await bench.proxy?.end();
	await bench.house.end();
}

// ---- runs ----

async function post(bench, path, body) {
	const { house, who } = bench;
	const answer = await fetch(
		`${house.url}/api/accounts/acc_${who.account}/${path}`, {
			method: 'POST',
			headers: { cookie: `session=${who.owner.cookie}`,
				'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
	const text = await answer.text();
	if (!answer.ok)
		throw new Error(`${path}: ${text}`);
	return text;
}

/** One job: { seconds, rss } of the process, in kB: 0 where nobody watches,
 * since that takes time from a machine of two cores. */
async function run(bench, job, watched = false) {
	const { house } = bench;
	const start = process.hrtime.bigint();
	const child = spawn(`${house.prefix}/bin/letterrack-sync`,
		['--config', house.conf, '--job', job, '--quiet'],
		{ stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '', rss = 0;
	child.stderr.on('data', (data) => { said += data; });
	const watch = watched && setInterval(() => {
		try {
			rss = Math.max(rss, memory(child.pid, 'status', 'VmHWM'));
		} catch {
			// it has ended
		}
	}, 20);
	const [code] = await once(child, 'exit');
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	clearInterval(watch);
	if (code !== 0)
		throw new Error(`letterrack-sync ended with ${code}: ${said}`);
	return { seconds, rss };
}

/** One sync of one credential. What it leaves to other jobs is theirs. */
async function sync(bench, id, watched = false) {
	const text = await post(bench, 'imap/sync-messages',
		{ credential_id: `pc_${id}` });
	return run(bench, /"job_(\d+)"/.exec(text)[1], watched);
}

/** As if the account had never been seen. */
function forget(bench) {
	sql(bench.house, `SET client_min_messages = warning;
		TRUNCATE email, placement, mailbox, email_part,
		flag_intent, expunge_intent, thread,
		counter, job, task CASCADE`);
	sql(bench.house, 'CHECKPOINT');
}

async function afresh(bench, id, messages, watched = false) {
	forget(bench);
	const run = await sync(bench, id, watched);
	const stored = Number(sql(bench.house, 'SELECT count(*) FROM email'));
	if (stored !== messages)
		throw new Error(`${stored} of ${messages} messages are stored`);
	return run;
}

async function raw(bench, port, options) {
	const child = exec('sh', ['-c', 'exec "$0" "$@" <"$commands"',
		made(bench.house, 'imap-raw'), ...options, '--user', much,
		'--password', password, port],
	{ env: { ...process.env, commands: bench.commands } });
	return JSON.parse((await child).stdout);
}

const seconds = (list) => list.map((run) => run.seconds);
const rate = (n, list) => `${(n / median(seconds(list)) / 1000).toFixed(1)}k/s`;

// ---- the figures ----

/** Messages a second to committed rows ÷ the same answers thrown away. */
async function stream(bench, name, id, port, options, goals) {
	const got = await rounds(bench.quick ? 4 : 6, {
		raw: () => raw(bench, port, options),
		sync: () => afresh(bench, id, bench.messages),
	});
	return {
		figure: `first sync ÷ raw stream, ${name}`,
		value: ratio(seconds(got.raw), seconds(got.sync)), ...goals,
		note: `${rate(bench.messages, got.sync)} ÷ ${
			rate(bench.messages, got.raw)}, ${bench.messages} messages, ${
			Math.round(median(got.raw.map((r) => r.bytes))
				/ bench.messages)} bytes each`,
		got,
	};
}

export async function first_plain(bench) {
	return [await stream(bench, 'plain', bench.plain, bench.house.imap_port, [],
		{ least: 0.80, aim: 0.95 })];
}

export async function first_tls(bench) {
	const { house } = bench;
	bench.tls ??= await credential(bench, much, Number(house.imaps_port),
		'ssl_tls');
	return [await stream(bench, 'TLS', bench.tls, house.imaps_port,
		['--tls', house.ca], { least: 0.70, aim: 0.85 })];
}

export async function imapflow(bench) {
	const { house } = bench;
	const count = Math.max(bench.messages / 10, 2000);
	const got = await rounds(bench.quick ? 3 : 5, {
		sync: () => afresh(bench, bench.plain, bench.messages),
		imapflow: async () => JSON.parse((await exec(process.execPath,
			[fileURLToPath(new URL('imapflow.mjs', import.meta.url)),
				house.imap_port, few, password])).stdout),
	});
	if (got.imapflow.some((run) => run.messages !== count))
		throw new Error('imapflow has not seen all messages');
	return [{
		figure: 'first sync ÷ imapflow, plain',
		value: ratio(got.sync.map((run) => bench.messages / run.seconds),
			got.imapflow.map((run) => count / run.seconds)),
		least: 10, aim: 15,
		note: `${rate(bench.messages, got.sync)} ÷ ${
			rate(count, got.imapflow)}; imapflow stores nothing`,
	}];
}

/** What a first sync leaves to jobs of their own. */
export async function behind(bench) {
	const { house, quick, messages } = bench;
	const job = (action) => sql(house,
		`SELECT max(id) FROM job WHERE action = '${action}'`);
	const got = { words: [], threads: [] };
	for (let n = quick ? 1 : 3; n > 0; n--) {
		await afresh(bench, bench.plain, messages);
		got.words.push(await run(bench, job('imap_fetch_text')));
		got.threads.push(await run(bench, job('thread_mail')));
		for (const table of ['email_text', 'email WHERE thread_rule NOTNULL'])
			if (Number(sql(house, `SELECT count(*) FROM ${table}`)) !== messages)
				throw new Error(`not all are in ${table}`);
	}
	return Object.entries(got).map(([name, list]) => ({
		figure: `${name} behind a first sync, messages a second`,
		value: messages / median(seconds(list)),
		note: `${messages} messages${
			name === 'words' ? ', whose bodies are not fetched' : ''}`,
	}));
}

/** The largest RSS of a first sync. */
export async function rss(bench) {
	const { house, quick } = bench;
	const count = quick ? bench.messages : 100_000;
	const dir = `${house.state}/mail/anna/Maildir`;
	mail(house, 'anna@letterrack.test', count);
	const id = await credential(bench, 'anna@letterrack.test',
		Number(house.imaps_port), 'ssl_tls');
	const run = await afresh(bench, id, count, true);
	execFileSync('rm', ['-rf', dir]);
	return [{
		figure: `memory of a sync of ${count} messages, MB`,
		value: run.rss / 1024, most: 20, aim: 12,
		note: `peak RSS, TLS, Dovecot's cache cold: ${
			(count / run.seconds / 1000).toFixed(1)}k/s`,
	}];
}

/** An account of 50 folders in which nothing has changed. */
export async function poll(bench) {
	const { house, quick } = bench;
	mail(house, many, 20);
	for (let n = 1; n <= folders - 6; n++)
		mail(house, many, 20, `/.folder-${n}`);
	const id = await credential(bench, many, bench.proxy.port, 'none');
	forget(bench);
	await sync(bench, id);
	await sync(bench, id);
	bench.proxy.forget();
	const got = await rounds(quick ? 5 : 15, { poll: async () => {
		bench.proxy.forget();
		return { ...await sync(bench, id), turns: bench.proxy.turns() };
	} });
	const after = got.poll.map(({ turns }) => turns.length - 1
		- turns.findLastIndex((text) => /AUTHENTICATE|LOGIN/i.test(text)));
	const count = sql(house, `SELECT count(*) FROM mailbox
		WHERE credential_id = ${id}`);
	return [{
		figure: 'round trips of a poll after login',
		value: median(after), most: 1,
		note: `${count} folders, ${Math.round(median(seconds(got.poll)) * 1000)
		} ms from start to end of the program; ${
			got.poll[0].turns.slice(-median(after)).map((text) =>
				text.replace(/\r\n/g, ' | ').slice(0, 100)).join(' // ')}`,
	}];
}

export const figures = { plain: first_plain, tls: first_tls, imapflow, behind,
	rss, poll };
