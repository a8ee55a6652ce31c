// The shared inbox: lists by status with labels, against PostgreSQL alone and PHP;
// details, bulk, threading, and what growth costs.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { client } from '../tests/lib/api.mjs';
import { aside } from '../tests/lib/ctl.mjs';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { token } from './http.mjs';
import { load, pgbench, statement } from './load.mjs';
import { median, ratio, responders, rounds, spending } from './measure.mjs';
import { php, phpProgram } from './php.mjs';

const LIMIT = 50, ALL = '/api/threads';
const BASE = 10_000_000;
const NEWEST = Date.UTC(2026, 0, 1);
const STEP = 310_000; // milliseconds between two threads, as threads.sql has it

function seed(house, who, base, rows) {
	execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1',
		'-d', house.database_super, '-v', `application=${who.application}`,
		'-v', `account=${who.account}`, '-v', `rows=${rows}`,
		'-v', `base=${base}`,
		'-f', fileURLToPath(new URL('threads.sql', import.meta.url))]);
}

/** Cursors of the list of open threads, of so many pages. */
async function cursors(bench, pages) {
	const list = [];
	for (let cursor = ''; list.length < pages;) {
		const { meta } = JSON.parse(await get(bench,
			`${ALL}?status=open&limit=200${cursor}`));
		if (!meta.next_cursor)
			break;
		list.push(meta.next_cursor);
		cursor = `&cursor=${meta.next_cursor}`;
	}
	return list;
}

const phpCursor = (n) => Buffer.from(`${new Date(NEWEST - n * STEP)
	.toISOString()} 0`).toString('base64url');

function writeLoads(bench) {
	const { house, threads } = bench;
	const places = Array.from({ length: bench.cursors.length }, (_, i) =>
		(i * 7919) % threads);
	bench.paths = `${house.state}/thread-paths`;
	writeFileSync(bench.paths, bench.cursors.map((c) =>
		`${ALL}?status=open&limit=${LIMIT}&cursor=${c}`).join('\n'));
	bench.phpPaths = `${house.state}/thread-php-paths`;
	writeFileSync(bench.phpPaths, places.map((n) =>
		`/list?cursor=${phpCursor(n)}`).join('\n'));
	bench.plain = `${house.state}/threads.pgbench`;
	writeFileSync(bench.plain, `\\set place random(0, ${threads - 1})
\\set at ${NEWEST / 1000} - :place * ${STEP / 1000}
\\set account ${bench.who.account}
${statement('thread', 'thread_list_status', [':account', 'to_timestamp(:at)', '0',
	LIMIT + 1, 0, "'open'"])}
`);
}

export async function open({ quick, say }) {
	const rows = quick ? 50_000 : 1_000_000;
	const house = await stack({ own: true, set: ['access_token_life = 1h'],
		postgres: ['shared_buffers=2GB', 'max_wal_size=8GB',
			'checkpoint_timeout=1h', 'autovacuum=off',
			'random_page_cost=1.1'] });
	const bench = { house, rows, quick, threads: rows / 10 };
	try {
		say(`${rows} emails in ${rows / 10} threads are made`);
		bench.who = people(house);
		bench.small = people(house);
		seed(house, bench.who, BASE, rows);
		seed(house, bench.small, 2 * BASE, quick ? 2_000 : 10_000);
		writeFileSync(`${house.state}/etc/proxies-quiet.conf`,
			'access_log off;\n');
		bench.headers = { authorization:
			`Bearer ${await token(house, bench.who)}` };
		bench.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		if (phpProgram())
			bench.php = await php(house, bench.who,
				responders(house, 'threads').length,
			'threads.php', statement('thread', 'thread_list_status',
				['$1', '$2', '$3', '$4', '$5', '$6']));
		await house.stop('nginx');
		await house.start('nginx');
		bench.cursors = await cursors(bench, 150);
		writeLoads(bench);
	} catch (error) {
		await close(bench);
		throw error;
	}
	return bench;
}

export async function close(bench) {
	bench.agent?.destroy();
	await bench.php?.end();
	await bench.house.end();
}

function get(bench, path, headers = bench.headers) {
	return new Promise((resolve, reject) => {
		http.get(bench.house.url + path, { agent: bench.agent, headers,
			timeout: 30000 }, (answer) => {
			const chunks = [];
			answer.on('data', (chunk) => chunks.push(chunk));
			answer.on('end', () => {
				const text = Buffer.concat(chunks).toString();
				if (answer.statusCode === 200)
					resolve(text);
				else
					reject(new Error(`${path}: ${text}`));
			});
		}).on('error', reject);
	});
}

const ms = async (work) => {
	const start = process.hrtime.bigint();
	await work();
	return Number(process.hrtime.bigint() - start) / 1e6;
};
const rates = (list) => list.map((r) => r.rate);
const at99 = (list) => [...list].sort((a, b) => a - b)[
	Math.min(list.length - 1, Math.floor(list.length * 0.99))];

const port = (url) => new URL(url).port;

const ours = (bench, connections) => () => load(bench.house,
	port(bench.house.url), bench.paths, { connections, seconds: 1,
		header: `Authorization: ${bench.headers.authorization}` });

/** Lists by status with labels. */
async function lists(bench) {
	const { house, who } = bench;
	const counts = [1, 2, 4, 8];
	const takers = { 8: ours(bench, 8), 64: ours(bench, 64),
		...Object.fromEntries(counts.map((clients) => [`pg${clients}`, () =>
			pgbench(house.database_owner, bench.plain,
				{ who, clients, seconds: 1 })])) };
	if (bench.php)
		takers.php64 = () => load(house, port(bench.php.url),
			bench.phpPaths, { connections: 64, seconds: 1 });
	const got = await rounds(bench.quick ? 3 : 7, takers);
	const best = counts.map((n) => `pg${n}`).sort((a, b) =>
		median(rates(got[b])) - median(rates(got[a])))[0];
	const out = [{ figure: 'threads by status, labels ÷ best pgbench TPS',
		value: ratio(rates(got[8]), rates(got[best])), least: 0.55,
		note: `${Math.round(median(rates(got[8])))}/s ÷ ${
			Math.round(median(rates(got[best])))}/s, ${bench.threads} threads` }];
	if (!bench.php)
		return [...out, { figure: 'threads, p99 ÷ PHP-FPM, 64 connections',
			note: 'skipped: PHP-FPM is not here' }];
	return [...out, { figure: 'threads, p99 ÷ PHP-FPM, 64 connections',
		value: ratio(got[64].map((r) => r.p99), got.php64.map((r) => r.p99)),
		most: 0.7, note: `${median(got[64].map((r) => r.p99)).toFixed(1)} ms ÷ ${
			median(got.php64.map((r) => r.p99)).toFixed(1)} ms; PHP checks ` +
			'no caller' }];
}

/**
 * CPU time of one of them, which does not depend on what else the machine does:
 * where it has nothing else to do, this is what the rate is, too.
 */
async function cpu(bench) {
	const { house, who } = bench;
	const { take, sum, spent } = spending(house, 'threads');
	const got = await rounds(bench.quick ? 3 : 7, {
		pg: take(() => pgbench(house.database_owner, bench.plain,
			{ who, clients: 2, seconds: 1 })),
		http: take(ours(bench, 8)) });
	return { figure: 'pgbench ÷ threads by status, CPU time',
		value: ratio(sum(got.pg), sum(got.http)), least: 0.55,
		note: `µs: ${spent(got.pg)} ÷ ${spent(got.http)}` };
}

/** A thread of twenty mails, with all that hangs on it. */
async function details(bench) {
	const { house, who } = bench;
	const api = client(house, { cookie: who.owner.cookie }, { record: false });
	const answer = await api.post(`${ALL}/${BASE + 1}/merge`,
		{ source_thread_id: BASE + 2 });
	if (answer.status !== 200)
		throw new Error(answer.text);
	const times = [];
	for (let i = 0; i < (bench.quick ? 200 : 1000); i++)
		times.push(await ms(() => get(bench, `${ALL}/${BASE + 1}/details`)));
	return { figure: 'details of a thread with 20 mails, ms',
		value: median(times), note: `p99 ${at99(times).toFixed(1)} ms` };
}

/** A status for a thousand threads, in one transaction, with their events. */
async function bulk(bench) {
	const { house, who } = bench;
	const api = client(house, { cookie: who.owner.cookie }, { record: false });
	const ids = Array.from({ length: 1000 }, (_, i) => BASE + 10 + i);
	const times = [];
	for (let i = 0; i < 9; i++)
		times.push(await ms(async () => {
			const { status, text, json } = await api.post(`${ALL}/bulk/status`,
				{ thread_ids: ids, status: i % 2 ? 'open' : 'closed' });
			if (status !== 200 || json.result.updated !== 1000)
				throw new Error(text);
		}));
	return { figure: 'a status for 1,000 threads, ms', value: median(times),
		note: `slowest ${Math.max(...times).toFixed(0)} ms` };
}

/** Mail that nobody has looked at: conversations of ten, newest to oldest. */
async function threading(bench) {
	const { house } = bench;
	const n = bench.quick ? 5_000 : 100_000;
	const who = people(house);
	sql(house, `SET session_replication_role = replica;
		INSERT INTO email (application_id, account_id, message_id, in_reply_to,
		"references", subject, from_json, received_at)
		SELECT ${who.application}, ${who.account}, format('<%s@x>', n),
		CASE WHEN n % 10 > 0 THEN format('<%s@x>', n - 1) END,
		CASE WHEN n % 10 > 0 THEN format('<%s@x> <%s@x>', n - n % 10, n - 1) END,
		CASE WHEN n % 10 > 0 THEN 'Re: ' ELSE '' END || 'Order ' || n / 10,
		'[{"name":null,"address":"a@x.test"}]', timestamptz '2026-01-01Z'
		+ n * interval '1 s' FROM generate_series(0, ${n - 1}) AS n;
		SET session_replication_role = origin;
		WITH t AS (INSERT INTO task (application_id, account_id, task_type,
		state) VALUES (${who.application}, ${who.account}, 'thread_mail',
		'queued') RETURNING id) INSERT INTO job (application_id, account_id,
		task_id, action) SELECT ${who.application}, ${who.account}, id,
		'thread_mail' FROM t`);
	const time = await ms(async () => {
		const { status, err } = await aside(house, 'bin/letterrack-sync',
			['--quiet']);
		if (status !== 0)
			throw new Error(err);
	});
	const made = sql(house, `SELECT count(*) FROM thread
		WHERE account_id = ${who.account} AND email_count = 10`);
	if (Number(made) !== n / 10)
		throw new Error(`${made} threads of ten`);
	return { figure: 'mails threaded a second', value: 1000 * n / time,
		note: `${n} in ${(time / 1000).toFixed(1)} s, one worker` };
}

/** The list where the account has little, against one that has much. */
async function growth(bench) {
	const headers = { authorization:
		`Bearer ${await token(bench.house, bench.small)}` };
	const path = `${ALL}?status=open&limit=${LIMIT}`;
	const got = await rounds(bench.quick ? 200 : 1000, {
		small: () => ms(() => get(bench, path, headers)),
		large: () => ms(() => get(bench, path)) });
	return { figure: 'list of threads, 1 M emails ÷ 10 k',
		value: median(got.large) / median(got.small), most: 1.3,
		note: `${median(got.large).toFixed(2)} ms ÷ ${
			median(got.small).toFixed(2)} ms` };
}

export const threads = async (bench) => [
	...await lists(bench),
	await cpu(bench),
	await details(bench),
	await growth(bench),
	await bulk(bench),
	await threading(bench),
];

export const figures = { threads };
