// The list of emails: its share of what PostgreSQL can give, against PHP, what
// the guard costs, deep pages, and a responder's memory.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { load, pgbench, statement } from './load.mjs';
import { median, memory, ratio, responders, rounds, spending }
	from './measure.mjs';
import { php, phpProgram } from './php.mjs';

const LIMIT = 50;
const WALK = 200; // the largest page
const NEWEST = Date.UTC(2026, 0, 1) / 1000;
const STEP = 31; // seconds between two emails, as emails.sql has it

// ---- the house ----

export function seed(house, who, rows) {
	execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1',
		'-d', house.database_super,
		'-v', `application=${who.application}`,
		'-v', `account=${who.account}`, '-v', `rows=${rows}`,
		'-f', fileURLToPath(new URL('emails.sql', import.meta.url))]);
}

export async function token(house, who) {
	const answer = await fetch(`${house.url}/api/accounts/${who.account}/token`,
		{ method: 'POST', headers: { cookie: `session=${who.owner.cookie}` } });
	const text = await answer.text();
	if (!answer.ok)
		throw new Error(`no token: ${text}`);
	return JSON.parse(text).access_token;
}

/** The cursors of all pages, by walking along them. */
async function walk(get, path) {
	const cursors = [];
	for (let cursor = ''; ;) {
		const page = await get(`${path}?limit=${WALK}${cursor}`);
		const next = /"next_cursor":"([^"]+)"/.exec(page.slice(-400));
		if (!next)
			return cursors;
		cursors.push(next[1]);
		cursor = `&cursor=${next[1]}`;
	}
}

function shuffled(list) {
	const copy = [...list];
	let seed = 1;
	for (let i = copy.length - 1; i > 0; i--) {
		seed = (seed * 48271) % 2147483647;
		const j = seed % (i + 1);
		[copy[i], copy[j]] = [copy[j], copy[i]];
	}
	return copy;
}

const phpCursor = (n) => Buffer.from(`${new Date((NEWEST - n * STEP) * 1000)
	.toISOString()} 0`).toString('base64url');

function writePaths(bench) {
	const { house, cursors, path, rows } = bench;
	bench.paths = `${house.state}/paths`;
	writeFileSync(bench.paths, shuffled(cursors).map((c) =>
		`${path}?limit=${LIMIT}&cursor=${c}`).join('\n'));
	bench.phpPaths = `${house.state}/php-paths`;
	writeFileSync(bench.phpPaths, shuffled(cursors).map((_, i) =>
		`/list?cursor=${phpCursor((i * WALK) % rows)}`).join('\n'));
}

// The cursor is made of a random place, as the pages' are.
const place = (rows) => `\\set place random(0, ${Math.floor(rows / WALK) - 1})
\\set at ${NEWEST} - :place * ${WALK * STEP}
`;

const list = (bench) => statement('email', 'email_list',
	[':account', 'to_timestamp(:at)', '0', LIMIT + 1, 0]);

function writeScripts(bench) {
	const { house, who, rows } = bench;
	const set = `\\set account ${who.account}\n`;
	const session = sql(house,
		`SELECT id FROM session WHERE user_id = ${who.owner.user}`);
	const version = sql(house, `SELECT version FROM rights_of(
		${who.application}, ${who.account}, ${who.owner.user})`);
	bench.plain = `${house.state}/plain.pgbench`;
	writeFileSync(bench.plain, place(rows) + set + list(bench));
	const behind = (guard) => `${place(rows)}${set}\\startpipeline
${guard}
${list(bench)}
\\endpipeline
`;
	bench.asked = `${house.state}/asked.pgbench`;
	writeFileSync(bench.asked, behind(statement('session', 'guard_token',
		[who.application, ':account', who.owner.user, session, version])));
	bench.scoped = `${house.state}/scoped.pgbench`;
	writeFileSync(bench.scoped, behind(statement('session', 'guard_scope',
		[who.application, ':account', who.owner.user, "''"])));
}

/** Everything the figures need, made once. */
export async function open({ quick, say }) {
	const rows = quick ? 50_000 : 1_000_000;
	const house = await stack({ own: true, set: ['access_token_life = 1h'],
		postgres: ['shared_buffers=2GB', 'max_wal_size=8GB',
			'checkpoint_timeout=1h', 'autovacuum=off',
			'random_page_cost=1.1'] });
	const bench = { house, rows, quick };
	try {
		say(`${rows} emails are made`);
		bench.who = people(house);
		seed(house, bench.who, rows);
		// nginx's log costs both sides of a comparison the same, but not
		// PostgreSQL alone.
		writeFileSync(`${house.state}/etc/proxies-quiet.conf`,
			'access_log off;\n');
		bench.path = `/api/accounts/acc_${bench.who.account}/emails`;
		bench.headers = { authorization:
			`Bearer ${await token(house, bench.who)}` };
		bench.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		bench.get = (path) => get(bench, path);
		if (phpProgram())
			bench.php = await php(house, bench.who,
				responders(house, 'emails').length);
		await house.stop('nginx');
		await house.start('nginx');
		say('all pages are walked along');
		bench.cursors = await walk(bench.get, bench.path);
		writePaths(bench);
		writeScripts(bench);
		await compare(bench);
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

function get(bench, path, url = bench.house.url) {
	return new Promise((resolve, reject) => {
		http.get(url + path, { agent: bench.agent, headers: bench.headers,
			timeout: 10000 }, (answer) => {
			const chunks = [];
			answer.on('data', (chunk) => chunks.push(chunk));
			answer.on('end', () => {
				const text = Buffer.concat(chunks).toString();
				if (answer.statusCode === 200)
					resolve(text);
				else
					reject(new Error(`${path}: ${text}`));
			});
			answer.on('error', reject);
		}).on('error', reject);
	});
}

/** PHP must do the same work: its rows are those of the API. */
async function compare(bench) {
	if (!bench.php)
		return;
	const ours = JSON.parse(await bench.get(
		`${bench.path}?limit=${LIMIT}&cursor=${bench.cursors[0]}`));
	const theirs = JSON.parse(await get(bench,
		`/list?cursor=${phpCursor(WALK - 1)}`, bench.php.url));
	const same = (rows) => JSON.stringify(rows.map((row) =>
		Object.entries(row).sort()));
	if (same(ours.data) !== same(theirs.data))
		throw new Error(`PHP answers something else:\n${
			JSON.stringify(ours.data[0])}\n${
			JSON.stringify(theirs.data[0])}`);
}

// ---- the figures ----

const port = (url) => new URL(url).port;

const emails = (bench, connections, seconds) => () => load(bench.house,
	port(bench.house.url), bench.paths, { connections, seconds,
		header: `Authorization: ${bench.headers.authorization}` });

const phpList = (bench, connections, seconds) => () => load(bench.house,
	port(bench.php.url), bench.phpPaths, { connections, seconds });

const rates = (list) => list.map((r) => r.rate);

/** Rate ÷ the best of pgbench, and ÷ PHP. */
export async function listing(bench) {
	const { house, quick } = bench;
	const seconds = 1;
	const counts = [1, 2, 4, 8];
	const takers = {
		...Object.fromEntries(counts.map((clients) => [`pg${clients}`, () =>
			pgbench(house.database_owner, bench.plain,
				{ who: bench.who, clients, seconds })])),
		8: emails(bench, 8, seconds),
		64: emails(bench, 64, seconds),
	};
	if (bench.php)
		Object.assign(takers, { php8: phpList(bench, 8, seconds),
			php64: phpList(bench, 64, seconds) });
	const got = await rounds(quick ? 3 : 7, takers);
	const best = counts.map((n) => `pg${n}`).sort((a, b) =>
		median(rates(got[b])) - median(rates(got[a])))[0];
	const perSecond = (name) => Math.round(median(rates(got[name])));
	const rows = [{
		figure: 'list of 50 ÷ best pgbench TPS, 8 connections',
		value: ratio(rates(got[8]), rates(got[best])), least: 0.55, aim: 0.70,
		note: `${perSecond(8)}/s ÷ ${perSecond(best)}/s `
			+ `(${best.slice(2)} clients), ${bench.rows} rows`,
	}, {
		figure: 'list of 50 ÷ best pgbench TPS, 64 connections',
		value: ratio(rates(got[64]), rates(got[best])),
		note: `${perSecond(64)}/s`,
	}];
	if (!bench.php)
		return [...rows, { figure: 'list of 50 ÷ PHP-FPM',
			note: 'skipped: PHP-FPM is not here' }];
	return [...rows, ...[8, 64].map((n) => ({
		figure: `list of 50 ÷ PHP-FPM, ${n} connections`,
		value: ratio(rates(got[n]), rates(got[`php${n}`])),
		...(n === 8 ? { least: 1.6, aim: 2.2 } : {}),
		note: `${perSecond(n)}/s ÷ ${perSecond(`php${n}`)}/s; `
			+ 'PHP checks no caller',
	})), {
		figure: 'p99 ÷ PHP-FPM, 64 connections',
		value: ratio(got[64].map((r) => r.p99), got.php64.map((r) => r.p99)),
		most: 0.7, aim: 0.6,
		note: `${median(got[64].map((r) => r.p99)).toFixed(1)} ms ÷ ${
			median(got.php64.map((r) => r.p99)).toFixed(1)} ms`,
	}];
}

/**
 * CPU time a request, which does not depend on what else the machine does: for
 * the rate it sets the limit on a machine that has nothing else to do.
 */
export async function cpu(bench) {
	const { house, quick } = bench;
	const { take, sum, spent } = spending(house, 'emails', bench.php);
	const got = await rounds(quick ? 3 : 7, {
		pg: take(() => pgbench(house.database_owner, bench.plain,
			{ who: bench.who, clients: 2, seconds: 1 })),
		http: take(emails(bench, 8, 1)),
		...bench.php && { php: take(phpList(bench, 8, 1)) },
	});
	return [{
		figure: 'pgbench ÷ list of 50, CPU time',
		value: ratio(sum(got.pg), sum(got.http)), least: 0.55, aim: 0.70,
		note: `µs: ${spent(got.pg)} ÷ ${spent(got.http)}`,
	}, ...got.php ? [{
		figure: 'PHP-FPM ÷ list of 50, CPU time',
		value: ratio(sum(got.php), sum(got.http)), least: 1.6, aim: 2.2,
		note: `µs: ${spent(got.php)}`,
	}] : [], {
		figure: 'responder ÷ PostgreSQL, CPU time of a list',
		value: ratio(got.http.map((used) => used[1]),
			got.http.map((used) => used[0])), most: 0.55, aim: 0.4,
	}];
}

/**
 * Authorisation and row-level security on one connection: of a read whose
 * rights were confirmed within the second, and of one that asks for them.
 */
export async function guard(bench) {
	const { house, quick } = bench;
	const one = { who: bench.who, clients: 1, seconds: 1 };
	const got = await rounds(quick ? 5 : 9, {
		plain: () => pgbench(house.database_owner, bench.plain, one),
		asked: () => pgbench(house.database, bench.asked, one),
		scoped: () => pgbench(house.database, bench.scoped, one),
	});
	const ms = (name) => (1000 / median(rates(got[name]))).toFixed(3);
	const row = (name, figure, what) => ({ figure,
		value: ratio(rates(got.plain), rates(got[name])),
		most: 1.25, aim: 1.12,
		note: `${ms(name)} ms ÷ ${ms('plain')} ms: pgbench, one client, `
			+ `${what} and list in a pipeline ÷ list as owner`,
	});
	return [
		row('scoped', 'auth + RLS, share of database time', 'guard_scope'),
		row('asked', 'the same, the first read of a second', 'guard_token'),
	];
}

/** The page after 400 pages against the first. */
export async function pages(bench) {
	const behind = bench.cursors.at(400 * LIMIT / WALK - 1)
		?? bench.cursors.at(-1);
	const first = `${bench.path}?limit=${LIMIT}`;
	const deep = `${first}&cursor=${behind}`;
	const time = (path) => async () => {
		const start = process.hrtime.bigint();
		await bench.get(path);
		return Number(process.hrtime.bigint() - start) / 1e6;
	};
	const got = await rounds(bench.quick ? 300 : 1000,
		{ first: time(first), deep: time(deep) });
	return [{
		figure: 'page 400 ÷ page 1 latency',
		value: median(got.deep) / median(got.first), most: 1.2, aim: 1.0,
		note: `${median(got.deep).toFixed(2)} ms ÷ ${
			median(got.first).toFixed(2)} ms`,
	}];
}

/** Memory after what the figures before it have asked for. */
export async function pss(bench) {
	await emails(bench, 8, 1)();
	const list = responders(bench.house, 'emails').map((pid) =>
		memory(pid, 'smaps_rollup', 'Pss') / 1024);
	return [{
		figure: 'PSS of a responder after lists, MB',
		value: Math.max(...list), most: 3, aim: 2,
		note: `${list.length} processes`,
	}];
}

export const figures = { list: listing, cpu, guard, pages, pss };
