// Jobs: claimed and finished a second, and what a claim costs where few wait and
// where many do.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { client } from '../tests/lib/api.mjs';
import { aside, pass } from '../tests/lib/ctl.mjs';
import { connect, mailbox, message } from '../tests/lib/mail.mjs';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { median, ratio, rounds } from './measure.mjs';
import { pgbench } from './load.mjs';

/* An email that has been read: a job that brings it into the cache finds it
 * there, and is little but a job. */
export async function open({ quick }) {
	const house = await stack({ own: true, with: ['dovecot'],
		postgres: ['synchronous_commit=on', 'max_wal_size=4GB',
			'shared_buffers=1GB'] });
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	const who = people(house);
	const owner = client(house, { cookie: who.owner.cookie },
		{ record: false });
	const imap = await mailbox(house, 'support');
	await imap.append('INBOX', message({ subject: 'a job' }));
	await imap.logout();
	const credential = await connect(owner, who.account, 'support');
	await owner.post(`/api/accounts/${who.account}/imap/sync-messages`,
		{ credential_id: credential.id });
	pass(house);
	const [{ id }] = (await owner.get(
		`/api/accounts/${who.account}/emails`)).json.data;
	const read = await owner.get(
		`/api/accounts/${who.account}/emails/${id}/raw`);
	if (read.status !== 200)
		throw new Error(`the message cannot be read: ${read.text}`);
	return { house, who, id, credential: credential.id.slice(3),
		n: quick ? 500 : 5_000, many: quick ? 100_000 : 1_000_000 };
}

export const close = (bench) => bench.house.end();

/** So many jobs wait, of several mail accounts' worth of lanes. */
function queue({ house, who, id, credential }, n) {
	sql(house, `SET client_min_messages = warning;
		TRUNCATE task CASCADE; TRUNCATE log;
		WITH t AS (INSERT INTO task (application_id, account_id, task_type,
		state, payload, target_credential_id) SELECT ${who.application},
		${who.account}, 'imap_fetch_body', 'queued',
		'{"email_id": "${id}"}', ${credential} FROM generate_series(1, ${n})
		RETURNING application_id, account_id, id)
		INSERT INTO job (application_id, account_id, task_id, action,
		credential_id) SELECT application_id, account_id, id,
		'imap_fetch_body', ${credential} FROM t; ANALYZE task; ANALYZE job`);
}

/** From rows that wait to rows that have succeeded, by so many workers. */
async function done(bench, workers) {
	const { house, n } = bench;
	queue(bench, n);
	const start = process.hrtime.bigint();
	const ended = await Promise.all(Array.from({ length: workers }, () =>
		aside(house, 'bin/letterrack-sync', ['--quiet', '--only', 'imap'])));
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	const bad = ended.find(({ status }) => status !== 0);
	if (bad)
		throw new Error(bad.err);
	const left = sql(house, `SELECT count(*) FROM job
		WHERE state <> 'succeeded' OR attempt_count <> 1`);
	if (left !== '0')
		throw new Error(`${left} were not done, or not once`);
	return n / seconds;
}

export async function jobs(bench) {
	const got = await rounds(3, { one: () => done(bench, 1),
		four: () => done(bench, 4) });
	return [{
		figure: 'jobs finished by four workers ÷ by one',
		value: ratio(got.four, got.one), least: 1, aim: 1.5,
		note: `${median(got.four).toFixed(0)} ÷ ${
			median(got.one).toFixed(0)} a second`,
	}];
}

/** Claims a second; each is rolled back. */
async function claims(bench, n) {
	const { house, who } = bench;
	queue(bench, n);
	const script = `${house.state}/claim.sql`;
	writeFileSync(script, `BEGIN;
SELECT id FROM job_claim('w', 180, NULL, 0, 0);
ROLLBACK;
`);
	execFileSync('chmod', ['644', script]);
	const { rate } = await pgbench(house.database_super, script,
		{ who, clients: 1, seconds: 4 });
	return rate;
}

export async function claim(bench) {
	const few = [], many = [];
	for (let round = 0; round < 3; round++) {
		few.push(await claims(bench, 100));
		many.push(await claims(bench, bench.many));
	}
	return [{
		figure: `claim, ${bench.many} waiting ÷ 100 waiting`,
		value: ratio(few, many), most: 1.5, aim: 1.1,
		note: `${(1000 / median(many)).toFixed(2)} ÷ ${
			(1000 / median(few)).toFixed(2)} ms`,
	}];
}

export const figures = { jobs, claim };
