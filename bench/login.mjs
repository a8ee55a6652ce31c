// Signing in: what it costs those who are signed in already, what its time
// tells of who is known, and what a token costs to check.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { load } from './load.mjs';
import { commandLine, cpuTime, family, made, median, partPid, ratio, rounds }
	from './measure.mjs';
import { seed, token } from './http.mjs';

const IN_FLIGHT = 100;
const PASSWORD = 'demo123'; // of a user whom every house has
const EMAIL = 'demo@c-imap.local';

export async function open({ quick, say }) {
	const house = await stack({ own: true, set: ['access_token_life = 1h'] });
	const bench = { house, quick };
	try {
		say('20000 emails are made');
		bench.who = people(house);
		seed(house, bench.who, 20_000);
		bench.token = await token(house, bench.who);
		bench.paths = `${house.state}/paths`;
		writeFileSync(bench.paths,
			`/api/accounts/acc_${bench.who.account}/emails?limit=50\n`);
		bench.agent = new http.Agent({ keepAlive: true,
			maxSockets: IN_FLIGHT });
		/* The hash is of today's cost from the first sign-in on. */
		await signIn(bench, EMAIL, PASSWORD, 200);
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
function signIn(bench, email, password, expected) {
	const body = JSON.stringify({ email, password });
	const begun = process.hrtime.bigint();
	return new Promise((resolve, reject) => {
		const request = http.request(`${bench.house.url}/auth/sign-in`, {
			method: 'POST', agent: bench.agent, headers: {
				'content-type': 'application/json',
				'content-length': Buffer.byteLength(body) },
		}, (answer) => {
			answer.resume();
			answer.on('end', () => answer.statusCode === expected
				? resolve(Number(process.hrtime.bigint() - begun) / 1e6)
				: reject(new Error(`sign-in: ${answer.statusCode}`)));
		});
		request.on('error', reject);
		request.end(body);
	});
}

const lists = (bench) => load(bench.house, new URL(bench.house.url).port,
	bench.paths, { connections: 2, seconds: bench.quick ? 1 : 3,
		header: `Authorization: Bearer ${bench.token}` });

/** While so many sign in, one after the other on each connection. */
async function besideLogins(bench) {
	let on = true, done = 0;
	const lane = async () => {
		while (on) {
			await signIn(bench, EMAIL, PASSWORD, 200);
			done++;
		}
	};
	const lanes = Array.from({ length: IN_FLIGHT }, lane);
	const begun = Date.now();
	try {
		const got = await lists(bench);
		return { ...got, logins: done / (Date.now() - begun) * 1000 };
	} finally {
		on = false;
		await Promise.all(lanes);
	}
}

async function p99(bench) {
	const got = await rounds(bench.quick ? 3 : 5, {
		idle: () => lists(bench),
		busy: () => besideLogins(bench),
	});
	const of = (name, what) => got[name].map((r) => r[what]);
	const ms = (name, what) => median(of(name, what)).toFixed(1);
	return [{
		figure: `p99 of a list, ${IN_FLIGHT} logins in flight ÷ none`,
		value: ratio(of('busy', 'p99'), of('idle', 'p99')), most: 2,
		note: `${ms('busy', 'p99')} ms ÷ ${ms('idle', 'p99')} ms; p50 ${
			ms('busy', 'p50')} ÷ ${ms('idle', 'p50')} ms; ${
			ms('busy', 'logins')} logins/s`,
	}];
}

// ---- what time tells ----

/**
 * Mann-Whitney: by how many standard deviations the ranks of `a` are from what
 * they were if both came from one urn. Within 2 in 95 of 100 such cases.
 */
export function ranks(a, b) {
	const all = [...a.map((v) => [v, true]), ...b.map((v) => [v, false])]
		.sort((x, y) => x[0] - y[0]);
	const sum = all.reduce((n, [, isA], i) => n + (isA ? i + 1 : 0), 0);
	const u = sum - a.length * (a.length + 1) / 2;
	const mean = a.length * b.length / 2;
	return (u - mean) / Math.sqrt(
		a.length * b.length * (a.length + b.length + 1) / 12);
}

async function attempts(bench) {
	const each = bench.quick ? 100 : 500;
	/* Users enough that few fail so often as to be locked. */
	sql(bench.house, `INSERT INTO app_user (application_id, email, name,
		password_hash) SELECT application_id, 'known-' || n || '@rack.test', 'n',
		password_hash FROM app_user, generate_series(0, ${each - 1}) n
		WHERE email = '${EMAIL}'`);
	const known = [], unknown = [];
	for (let i = -5; i < each; i++) {
		const n = (i + each) % each;
		const pair = [[known, 'known'], [unknown, 'other']];
		for (const [list, name] of i % 2 ? pair : pair.reverse()) {
			const ms = await signIn(bench, `${name}-${n}@rack.test`,
				'wrong password', 401);
			if (i >= 0)
				list.push(ms);
		}
	}
	const [a, b] = [known, unknown].map(median);
	return [{
		figure: `${2 * each} wrong sign-ins, known ÷ unknown, median`,
		value: a / b, note: `${a.toFixed(2)} ms ÷ ${b.toFixed(2)} ms, ${
			((a - b) * 1000).toFixed(0)} µs; Mann-Whitney z ${
			ranks(known, unknown).toFixed(2)} (alike: within ±2)`,
	}];
}

// ---- what a token costs ----

/** Microseconds of CPU time a check, by a program of the house's user. */
function checked(bench) {
	const dir = mkdtempSync('/tmp/bench.');
	try {
		/* The build's own directory may be closed to that user. */
		copyFileSync(made(bench.house, 'token-check'), `${dir}/token-check`);
		spawnSync('chown', ['-R', bench.house.user, dir]);
		const { stdout, stderr } = spawnSync('setpriv', [
			`--reuid=${bench.house.user}`, `--regid=${bench.house.user}`,
			'--clear-groups', '--', `${dir}/token-check`, bench.house.conf,
			'100000'], { input: bench.token, encoding: 'utf8' });
		if (!(Number(stdout) > 0))
			throw new Error(`token-check: ${stderr}`);
		return Number(stdout) / 1000;
	} finally {
		rmSync(dir, { recursive: true });
	}
}

async function tokens(bench) {
	const emails = () => family(partPid(bench.house, 'serve')).filter((pid) =>
		commandLine(pid)[0].endsWith('/emails'));
	const got = await rounds(bench.quick ? 3 : 5, {
		check: () => checked(bench),
		list: async () => {
			const before = cpuTime(emails());
			const { requests } = await lists(bench);
			return (cpuTime(emails()) - before) / requests;
		},
	});
	return [{
		figure: 'token seen before ÷ list of 50, CPU of the responder',
		value: ratio(got.check, got.list), most: 0.02,
		note: `${median(got.check).toFixed(2)} µs ÷ ${
			median(got.list).toFixed(0)} µs`,
	}];
}

export const figures = { logins: p99, attempts, tokens };
