// What letterrack-sync clears away, and what it leaves.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { people, sql } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

const DAY = 86400;
let house, p, place;

before(async () => {
	house = await stack({ own: true, only: ['postgres'],
		set: ['job_keep = 14d', 'log_keep = 90d', 'session_keep = 30d'] });
	p = people(house);
	place = `${p.application}, ${p.account}`;
	/* Only old rows are of interest: no mail account is polled. */
	sql(house, `UPDATE credential SET sync_mode = 'off'`);
});
after(() => house?.end());

const ago = (days) => `now() - interval '${Math.round(days * DAY)} s'`;
const sync = () => spawnSync('setpriv', [`--reuid=${house.user}`,
	`--regid=${house.user}`, '--init-groups', '--', 'env',
	`LETTERRACK_CONF=${house.conf}`,
	`${house.prefix}/bin/letterrack-sync`], { encoding: 'utf8' });
const pass = () => {
	sql(house, `UPDATE housekeeping SET done_at = ${ago(1)}`);
	const { status, stderr } = sync();
	assert.equal(status, 0, stderr);
};

const key = (name, days) => sql(house, `INSERT INTO idempotency
	(application_id, account_id, actor, route, key, request_hash, created_at)
	VALUES (${place}, 'a', 'r', '${name}', decode(repeat('00', 32), 'hex'),
	${ago(days)})`);
const session = (name, days, ended = true) => sql(house, `INSERT INTO session
	(application_id, user_id, token_hash, idle_seconds, expires_at, ended_at,
	address) VALUES (${p.application}, ${p.member.user},
	sha256('${name}'), 3600, ${ended ? 'now()' : ago(days)},
	${ended ? ago(days) : 'NULL'}, '${name}')`);
const task = (name, state, days, job = state) => sql(house, `WITH t AS (
	INSERT INTO task (application_id, account_id, task_type, state, finished_at)
	VALUES (${place}, '${name}', '${state}', ${ago(days)}) RETURNING id)
	INSERT INTO job (application_id, account_id, task_id, action, state, run_at)
	SELECT ${place}, id, '${name}', '${job}', now() + interval '1 day' FROM t`);
const log = (name, days) => sql(house, `INSERT INTO log (application_id,
	account_id, subject, action, status, created_at)
	VALUES (${place}, 'x', '${name}', 'succeeded', ${ago(days)})`);

describe('housekeeping', () => {
	test('removes what is old and done with, and nothing that is needed', () => {
		const rows = [
			['idempotency', 'key', () => {
				key('gone', 1.1);
				key('kept', 0.9);
			}],
			['session', 'address', () => {
				session('gone', 31);
				session('gone too', 31, false);
				session('kept', 29);
			}],
			['log', 'action', () => {
				log('gone', 91);
				log('kept', 89);
			}],
			['task', 'task_type', () => {
				task('gone', 'succeeded', 15);
				task('gone too', 'failed', 91);
				task('kept', 'succeeded', 13);
				task('kept: may be tried again', 'failed', 89);
				task('kept: has a job to do', 'succeeded', 15, 'queued');
			}],
		];
		for (const [, , make] of rows)
			make();
		pass();
		for (const [table, name] of [...rows, ['job', 'action']])
			assert.deepEqual(sql(house, `SELECT ${name} FROM ${table}
				WHERE ${name} LIKE 'kept%' OR ${name} LIKE 'gone%'`)
				.split('\n').filter((n) => !n.startsWith('kept')), [], table);
		assert.equal(sql(house, `SELECT count(*) FROM job
			WHERE action LIKE 'kept%'`), '3');
	});
	test('takes many in many transactions', () => {
		sql(house, `DELETE FROM log; INSERT INTO log (application_id,
			account_id, subject, action, status, created_at) SELECT ${place}, 'x', 'many', 'failed',
			${ago(100)} FROM generate_series(1, 1700)`);
		const before = sql(house, 'SELECT txid_current()');
		pass();
		assert.equal(sql(house, `SELECT count(*) FROM log
			WHERE action = 'many'`), '0');
		assert.ok(Number(sql(house, 'SELECT txid_current()')) >=
			Number(before) + 4);
	});
	test('is done a few times a day, not with each pass', () => {
		key('gone', 2);
		assert.equal(sync().status, 0);
		assert.equal(sql(house, `SELECT count(*) FROM idempotency
			WHERE key = 'gone'`), '1');
		pass();
		assert.equal(sql(house, `SELECT count(*) FROM idempotency
			WHERE key = 'gone'`), '0');
	});
	test('is due once, whoever asks', () => {
		sql(house, `UPDATE housekeeping SET done_at = ${ago(1)}`);
		const ask = () => sql(house, 'SELECT housekeeping_begin(3600)',
			house.database);
		assert.deepEqual([ask(), ask()], ['t', 'f']);
	});
});
