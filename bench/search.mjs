// The search: what words take that each mail, few or no mail has, through nginx
// and with extracts.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { people } from '../tests/lib/people.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { seed, token } from './http.mjs';

/* Of sixty words each: w1 is in nine mails of ten, w300 in one of fifty. */
const frequent = ['w1', 'w2', 'w5', 'w20', 'w50', 'w1 w2', 'w1 -w7',
	'from:anna', 'subject:invoice', '"w1 w2"', 'invoice'];
const others = ['w150', 'w200', 'w300', 'w500', 'w1000', 'w3000', 'w10000',
	'w30000', 'w100 w101', 'w1 w30000', '"w100 w101"', 'from:anna.7',
	'w300 is:unread', 'w1000 has:attachment', 'nothingofthekind', 'w400*'];

export async function open({ quick, say }) {
	const rows = quick ? 50_000 : 1_000_000;
	const house = await stack({ own: true, set: ['access_token_life = 1h'],
		postgres: ['shared_buffers=2GB', 'max_wal_size=8GB',
			'checkpoint_timeout=1h', 'autovacuum=off',
			'random_page_cost=1.1'] });
	const bench = { house, rows, quick };
	try {
		say(`${rows} emails and their words are made`);
		const who = people(house);
		seed(house, who, rows);
		execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1',
			'-d', house.database_super, '-v', `account=${who.account}`,
			'-f', fileURLToPath(new URL('search.sql', import.meta.url))]);
		bench.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		bench.headers = { authorization: `Bearer ${await token(house, who)}` };
	} catch (error) {
		await close(bench);
		throw error;
	}
	return bench;
}

export async function close(bench) {
	bench.agent?.destroy();
	await bench.house.end();
}

/** Milliseconds from question to answer. */
function ask(bench, q, more = '') {
	const begun = process.hrtime.bigint();
	return new Promise((resolve, reject) => {
		http.get(`${bench.house.url}/api/search?q=${encodeURIComponent(q)}` +
			`${more}`, { agent: bench.agent, headers: bench.headers,
			timeout: 30000 }, (answer) => {
			answer.resume();
			answer.on('end', () => answer.statusCode === 200
				? resolve(Number(process.hrtime.bigint() - begun) / 1e6)
				: reject(new Error(`${q}: ${answer.statusCode}`)));
		}).on('error', reject);
	});
}

const at = (list, share) => [...list].sort((a, b) => a - b)[
	Math.min(list.length - 1, Math.floor(list.length * share))];

/** The slowest of them, and all in turns; the first round warms up. */
async function figure(bench, name, words, most, more) {
	const times = [];
	let slowest = [0, ''];
	for (let n = 0; n <= (bench.quick ? 10 : 30); n++)
		for (const q of words) {
			const ms = await ask(bench, q, more);
			if (n === 0)
				continue;
			times.push(ms);
			if (ms > slowest[0])
				slowest = [ms, q];
		}
	return { figure: name, value: at(times, 0.95), most,
		note: `median ${at(times, 0.5).toFixed(1)} ms, slowest ${
			slowest[0].toFixed(0)} ms (${slowest[1]}), ${bench.rows} rows` };
}

export const search = async (bench) => [
	await figure(bench, 'search, frequent words, p95 in ms', frequent, 5),
	await figure(bench, 'search, all kinds of words, p95 in ms',
		[...frequent, ...others], 200),
	await figure(bench, 'the same by relevance', [...frequent, ...others], 200,
		'&sort=relevance'),
];

export const figures = { search };
