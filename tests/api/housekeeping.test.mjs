// What letterrack-sync clears away, and what it leaves.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
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

/* Grants and links: what the door leaves behind. */
const client = () => sql(house, `INSERT INTO client (id, application_id, name,
	redirect_uris) VALUES ('cid_old', ${p.application}, 'old', '{}')`);
const grant = (name, days) => sql(house, `INSERT INTO refresh_family
	(application_id, account_id, user_id, client, scope, auth_time, expires_at)
	VALUES (${place}, ${p.member.user}, 'cid_old', '${name}', now(),
	${ago(days)});
	INSERT INTO refresh_token (hash, family_id, expires_at)
	SELECT sha256('${name}'), id, expires_at FROM refresh_family
	WHERE scope = '${name}'`);
const code = (name, days) => sql(house, `INSERT INTO oauth_code (hash,
	application_id, account_id, user_id, session_id, client, redirect_uri,
	challenge, scope, expires_at) SELECT sha256('${name}'), ${place},
	${p.member.user}, min(id), 'cid_old', '', '', '${name}', ${ago(days)}
	FROM session WHERE user_id = ${p.member.user} AND ended_at IS NULL
	AND expires_at > now()`);
const device = (name, days) => sql(house, `INSERT INTO oauth_device (hash,
	user_code_hash, application_id, client, scope, expires_at)
	VALUES (sha256('${name}'), sha256('${name}'), ${p.application}, 'cid_old',
	'${name}', ${ago(days)})`);
const link = (name, days) => sql(house, `INSERT INTO one_time (application_id,
	kind, hash, address, expires_at) VALUES (${p.application}, 'magic',
	sha256('${name}'), '${name}', ${ago(days)})`);

const half = (name, days) => sql(house, `INSERT INTO half_sign_in (hash,
	application_id, user_id, expires_at) VALUES (sha256('${name}'),
	${p.application}, ${p.member.user}, ${ago(days)})`);

/* A thread that was deleted, with one that was merged into it, a note, mail and
 * what leads to it. */
const deleted = (name, days) => {
	const id = sql(house, `INSERT INTO thread (application_id, account_id,
		subject, removed_at) VALUES (${place}, '${name}', ${ago(days)})
		RETURNING id`);
	sql(house, `INSERT INTO thread (application_id, account_id, subject,
		merged_into) VALUES (${place}, '${name}', ${id});
		INSERT INTO note (application_id, account_id, thread_id, content,
		position) VALUES (${place}, ${id}, '${name}', 1);
		INSERT INTO thread_key (application_id, account_id, key, thread_id)
		VALUES (${place}, ${id}, ${id});
		INSERT INTO email (application_id, account_id, message_id, subject,
		snippet, received_at, thread_id, thread_rule, removed_at, removed_why)
		VALUES (${place}, '<${name}@x.test>', '${name}', '${name}', now(),
		${id}, 'started', ${ago(days)}, 'deleted')`);
	return id;
};
const leaves = (id) => sql(house, `SELECT
	(SELECT count(*) FROM thread WHERE (id = ${id} OR merged_into = ${id})
		AND subject <> ''),
	(SELECT count(*) FROM note WHERE thread_id = ${id}),
	(SELECT count(*) FROM thread_key WHERE thread_id = ${id}),
	(SELECT count(*) FROM email WHERE thread_id = ${id}
		AND snippet IS NOT NULL),
	(SELECT count(*) FROM email WHERE thread_id = ${id}
		AND message_id IS NOT NULL AND removed_why = 'deleted'),
	(SELECT count(*) FROM thread WHERE id = ${id}
		AND removed_at IS NOT NULL)`);

const told = (name, days) => sql(house, `INSERT INTO billing_event (event_id,
	type, created_at) VALUES ('${name}', 'x', ${ago(days)})`);
const asked = (name, days, state = 'done') => sql(house, `INSERT INTO
	billing_intent (application_id, account_id, method, path, form, state,
	created_at) VALUES (${place}, 'POST', '${name}', '', '${state}',
	${ago(days)})`);

/* Files of the raw store, as the proxy keeps them. */
function raw(name, days) {
	const dir = `${house.state}/data/raw/${p.account}`;
	const hash = createHash('sha256').update(name).digest('hex');
	const path = `${dir}/${name.startsWith('new-') ? name : hash}`;
	const at = new Date(Date.now() - days * DAY * 1000);
	execFileSync('install', ['-d', '-o', house.user, '-g', house.user,
		'-m', '700', `${house.state}/data/raw`, dir]);
	writeFileSync(path, name);
	utimesSync(path, at, at);
	execFileSync('chown', [`${house.user}:${house.user}`, path]);
	return { path, hash };
}

describe('files of the raw store', () => {
	test('go when no row names them any more, and not before', () => {
		const there = { sent: raw('sent', 9), held: raw('held', 9),
			young: raw('young', 0.5), half: raw('new-young', 0.5) };
		const gone = { lost: raw('lost', 2), over: raw('over', 40),
			old: raw('new-old', 2) };
		const email = (n) => sql(house, `INSERT INTO email (application_id,
			account_id, credential_id, subject, received_at) SELECT ${place},
			c.id, '${n}', now() FROM c RETURNING id`.replace('INSERT', `WITH c AS (
			INSERT INTO credential (application_id, account_id, provider_kind,
			label, host, port, security_mode, auth_kind, email_address,
			hold_policy) VALUES (${place}, 'smtp', '${n}', '127.0.0.1', 1,
			'none', 'password', '${n}@x.test', 'all') RETURNING id) INSERT`));
		const bytes = (f) => `'\\x${f.hash}'`;
		const held = (f, n, ended) => sql(house, `INSERT INTO hold
			(application_id, account_id, email_id, credential_id, state, why,
			sha256, ended_at, bytes_gone_at) SELECT ${place}, id,
			credential_id, '${ended ? 'discarded' : 'held'}', 'policy',
			${bytes(f)}, ${ended}, ${ended} FROM email WHERE id = ${email(n)}`);
		held(there.held, 'held', 'NULL');
		held(gone.over, 'over', ago(35));
		const id = email('sent');
		sql(house, `WITH t AS (INSERT INTO task (application_id, account_id,
			task_type, state) VALUES (${place}, 'smtp_send_message', 'queued')
			RETURNING id) INSERT INTO submission (application_id, account_id,
			credential_id, email_id, task_id, message_id, raw_sha256, sender)
			SELECT ${place}, credential_id, e.id, t.id, '<a@b>',
			${bytes(there.sent)}, 'a@x.test' FROM email e, t
			WHERE e.id = ${id}`);
		pass();
		for (const [name, { path }] of Object.entries(there))
			assert.ok(existsSync(path), name);
		for (const [name, { path }] of Object.entries(gone))
			assert.ok(!existsSync(path), name);
	});
	test('of what expires at an address that only sends, a job looks', () => {
		sql(house, `INSERT INTO review_setting (application_id, account_id,
			hold_expiry_days, hold_expiry_action) VALUES (${place}, 1,
			'discard'); UPDATE hold SET held_at = ${ago(2)}
			WHERE account_id = ${p.account} AND state = 'held'`);
		pass();
		pass();
		assert.equal(sql(house, `SELECT state FROM hold h JOIN email e
			ON e.id = h.email_id WHERE h.account_id = ${p.account}
			AND e.subject = 'held'`), 'discarded');
	});
});

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
			['oauth_code', 'scope', () => {
				client();
				code('gone', 1.1);
				code('kept', 0.9);
			}],
			['oauth_device', 'scope', () => {
				device('gone', 1.1);
				device('kept', 0.9);
			}],
			['refresh_family', 'scope', () => {
				grant('gone', 31);
				grant('kept', 29);
				grant('kept: good still', -1);
			}],
			['one_time', 'address', () => {
				link('gone', 31);
				link('kept', 29);
				link('kept: good still', -1);
			}],
			['half_sign_in', `(CASE WHEN expires_at < now()
				THEN 'gone' ELSE 'kept' END)`, () => {
				half('gone', 0.01);
				half('kept', -0.005);
			}],
			['billing_event', 'event_id', () => {
				told('gone', 91);
				told('kept', 89);
			}],
			['billing_intent', 'path', () => {
				asked('gone', 91);
				asked('gone: nobody knows', 91, 'open');
				asked('kept', 89);
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
		assert.equal(sql(house, `SELECT count(*) FROM refresh_token`), '2');
		for (const [table] of rows)
			assert.notEqual(sql(house, `SELECT count(*) FROM ${table}`), '0',
				table);
	});
	test('empties threads that were deleted, and remembers that they were',
		() => {
			const old = deleted('old', 31), young = deleted('young', 29);
			const there = sql(house, `INSERT INTO thread (application_id,
				account_id, subject) VALUES (${place}, 'there')
				RETURNING id`);
			assert.equal(leaves(old), '2|1|1|1|1|1');
			pass();
			assert.equal(leaves(old), '0|0|0|0|1|1');
			assert.equal(leaves(young), '2|1|1|1|1|1');
			assert.equal(sql(house, `SELECT subject FROM thread
				WHERE id = ${there}`), 'there');
			const version = () => sql(house, `SELECT version FROM thread
				WHERE id = ${old}`);
			const then = version();
			pass();
			assert.equal(version(), then);
		});
	test('of grants and links is nobody else\'s', () => {
		for (const f of ['door_code_add', 'door_device_add',
			'refresh_family_add', 'door_one_time_add'])
			assert.doesNotMatch(sql(house, `SELECT prosrc FROM pg_proc
				WHERE proname = '${f}'`), /DELETE/);
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
