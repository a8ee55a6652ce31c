// letterrack-sync by hand: who names what is not there is told so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, p, job;

before(async () => {
	house = await stack();
	p = people(house);
	job = sql(house, `WITH t AS (INSERT INTO task (application_id, account_id,
		task_type, state) VALUES (${p.application}, ${p.account},
		'imap_sync_messages', 'succeeded') RETURNING id)
		INSERT INTO job (application_id, account_id, task_id, action, state)
		SELECT ${p.application}, ${p.account}, id, 'imap_sync_messages',
		'succeeded' FROM t RETURNING id`);
});

function sync(...args) {
	const run = spawnSync('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/bin/letterrack-sync`, '--quiet', ...args], {
		encoding: 'utf8', timeout: 10000,
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf },
	});
	return { status: run.status, err: run.stderr, out: run.stdout };
}

describe('what is not there', () => {
	for (const [args, why] of [
		[['--job', '987654321'], /there is no job job_987654321\b/],
		[['--job', 'job_987654321'], /there is no job job_987654321\b/],
		[['--account', '987654321'], /there is no account acc_987654321\b/],
		[['--account', '987654321', '--stay'], /there is no account acc_/],
		[['--account', '987654321', '--dry-run'], /there is no account acc_/],
	])
		test(`${args.join(' ')} is said to be so, and ends with 67`, () => {
			const run = sync(...args);
			assert.equal(run.status, 67, run.err);
			assert.match(run.err, why);
		});

	test('a job of another account is none of this one', () => {
		const run = sync('--account', p.other, '--job', job);
		assert.equal(run.status, 67, run.err);
		assert.match(run.err, new RegExp(
			`there is no job job_${job} of account acc_${p.other}\\b`));
	});
});

describe('what is there', () => {
	test('an account without mail accounts is no fault', () => {
		const run = sync('--account', p.account);
		assert.equal(run.status, 0, run.err);
		assert.equal(run.err, '');
	});

	test('a job that is not to be run is said to be so', () => {
		const run = sync('--account', p.account, '--job', job);
		assert.equal(run.status, 0, run.err);
		assert.match(run.err, /not run job=\d+ state=succeeded/);
	});
});

describe('what is no id', () => {
	for (const args of [['--job', 'acc_1'], ['--account', 'x']])
		test(`${args.join(' ')} is a wrong command line`, () => {
			assert.equal(sync(...args).status, 64);
		});
});
