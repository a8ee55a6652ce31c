// Workers that are killed while they copy mail into a shared inbox: it lies there
// once, and says so.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { connect, mailbox, message } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, p, member, imap, shared, mine, target, letters = 0;

/** letterrack-sync as the service's user; killed after `ms`, if that is said. */
async function pass(env = {}, ms = 0) {
	const child = spawn('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/bin/letterrack-sync`, '--quiet'], {
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf, ...env },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let err = '';
	child.stderr.on('data', (piece) => { err += piece; });
	const timer = ms > 0 && setTimeout(() => child.kill('SIGKILL'), ms);
	const [status, signal] = await once(child, 'close');
	clearTimeout(timer);
	return { status, signal, err };
}

/** Runs until nothing is due. */
async function settle() {
	for (let i = 0; i < 100; i++) {
		sql(house, `UPDATE job SET run_at = now() WHERE state = 'queued'
			AND run_at > now()`);
		const { status, err } = await pass();
		assert.ok([0, 69].includes(status), err);
		if (sql(house, `SELECT count(*) FROM job
			WHERE state IN ('queued', 'running')`) === '0')
			return;
	}
	assert.fail('jobs wait for ever');
}

before(async () => {
	house = await stack({ own: true, with: ['dovecot'] });
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	imap = await mailbox(house, 'anna');
	shared = await mailbox(house, 'support');
	target = await connect(member, p.account, 'support');
	const { json } = await member.post('/api/user/imap-accounts', {
		email: 'anna@letterrack.test', password: 'letterrack',
		imap_host: '127.0.0.1', imap_port: Number(house.imap_port),
		imap_encryption: 'none' });
	mine = json.data;
});
after(async () => {
	await imap?.logout();
	await shared?.logout();
	await house?.end();
});

/** New mail of the personal account, known here. */
async function mails(n) {
	const names = [];
	for (let i = 0; i < n; i++) {
		names.push(`copy ${++letters}`);
		await imap.append('INBOX', message({ subject: names.at(-1) }));
	}
	await member.post(`/api/accounts/${p.account}/imap/sync-messages`,
		{ credential_id: mine.id });
	await settle();
	return names.map((subject) => [subject, Number(sql(house, `SELECT id
		FROM email WHERE subject = '${subject}'
		AND credential_id = ${mine.id}`))]);
}

/** A wish without the worker that a request starts: as the request's
 * transaction leaves it. */
function wish(list) {
	const account = `${p.application}, ${p.account}`;
	sql(house, `WITH t AS (INSERT INTO task (application_id, account_id,
		task_type, target_credential_id, state) VALUES (${account},
		'imap_transfer', ${target.id.slice(3)}, 'queued') RETURNING id),
	j AS (INSERT INTO job (application_id, account_id, task_id, credential_id,
		action, exclusion) SELECT ${account}, id, ${target.id.slice(3)},
		'imap_transfer', 'imap:${target.id.slice(3)}' FROM t)
	INSERT INTO transfer (application_id, account_id, credential_id, email_id,
		target_credential_id, folder, task_id)
	SELECT ${account}, ${mine.id}, e, ${target.id.slice(3)}, 'INBOX', t.id
	FROM t, unnest(ARRAY[${list.map(([, id]) => id)}]::bigint[]) AS e`);
}

async function check(list) {
	await settle();
	const seen = new Map();
	const lock = await shared.getMailboxLock('INBOX');
	try {
		await shared.noop();
		for await (const m of shared.fetch('1:*', { envelope: true }))
			seen.set(m.envelope.subject,
				(seen.get(m.envelope.subject) ?? 0) + 1);
	} finally {
		lock.release();
	}
	for (const [subject, id] of list) {
		assert.equal(seen.get(subject), 1, subject);
		assert.equal(sql(house, `SELECT state FROM transfer
			WHERE email_id = ${id}`), 'done', subject);
	}
}

describe('killed at', () => {
	for (const point of ['transfer-intent-before', 'transfer-effect-before',
		'transfer-effect-after', 'transfer-confirm-after',
		'job-finish-before', 'job-finish-after'])
		test(`${point} it lies there once`, async () => {
			const list = await mails(2);
			wish(list);
			const dead = await pass({ LETTERRACK_FAILPOINT: point });
			assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
			await check(list);
		});
});

test('killed at random', async () => {
	const all = [];
	console.log(`seed ${seed}`);
	for (const n of rounds(10)) {
		const list = await mails(4);
		wish(list);
		await pass({}, 20 + roll(n, 300));
		all.push(...list);
	}
	await check(all);
});
