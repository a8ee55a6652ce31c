// Syncs while the caller waits: the webcron and the sync of one mail account.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { bare, connect, mailbox, message } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, viewer, stranger, imap, credential;

before(async () => {
	house = await stack({ own: true, with: ['dovecot'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	imap = await mailbox(house, 'support');
	credential = await connect(member, p.account, 'support',
		{ sync_mode: 'poll', email_address: 'support@letterrack.test' });
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

const put = (subject) => imap.append('INBOX', message({ subject }));
const number = (id) => Number(String(id).slice(3));
const now = (id, who = member) =>
	who.post(`/api/imap/accounts/${id}/sync`);

describe('a sync of one mail account', () => {
	test('is done when it answers, without a worker', async () => {
		await put('one');
		await put('two');
		const { status, json } = await now(number(credential.id));
		assert.equal(status, 200);
		const { duration, ...data } = json.data;
		assert.ok(duration >= 0 && duration < 50);
		assert.deepEqual([json.success, data], [true, {
			account_id: number(credential.id),
			email: 'support@letterrack.test',
			new_emails: 2, processed: 2, failed: 0, errors: [] }]);
		assert.equal((await member.get(
			`/api/accounts/${p.account}/emails`)).json.meta.total, 2);
		assert.equal((await now(credential.id)).json.data.new_emails, 0);
	});
	test('says what the server has done to us', async () => {
		const bad = await connect(member, p.account, 'support', {
			secret: { username: 'support@letterrack.test', password: 'no' } });
		const { status, json } = await now(bad.id);
		assert.deepEqual([status, json.success, json.code],
			[502, false, 'AUTH_FAILED']);
	});
	test('is for members and shared IMAP accounts', async () => {
		assert.equal((await now(credential.id, viewer)).status, 403);
		const nowhere = bare(await member.post('/api/imap/accounts/999999/sync'));
		assert.equal(nowhere.status, 404);
		const theirs = bare(await now(credential.id, stranger));
		assert.deepEqual(theirs,
			bare(await now(999999, stranger)));
		const smtp = await connect(member, p.account, 'support',
			{ provider_kind: 'smtp' });
		assert.equal((await now(smtp.id)).status, 400);
		const mine = await connect(member, p.account, 'support');
		sql(house, `UPDATE credential SET user_id = ${p.member.user}
			WHERE id = ${number(mine.id)}`);
		assert.deepEqual(bare(await now(mine.id)), nowhere);
	});
	test('goes on behind an answer that does not come in time', async () => {
		const id = number(credential.id);
		// Somebody else is at work with it.
		sql(house, `WITH t AS (INSERT INTO task (application_id, account_id,
			task_type, state) SELECT application_id, id, 'imap_sync_messages',
			'running' FROM account WHERE id = ${p.account} RETURNING *)
			INSERT INTO job (application_id, account_id, task_id,
			credential_id, action, state, exclusion, lease_until, worker)
			SELECT application_id, account_id, id, ${id},
			'imap_sync_messages', 'running', 'imap:${id}',
			now() + interval '1 hour', 'elsewhere' FROM t`);
		const answer = now(credential.id);
		// Until then it waits; so does the job, which another may have.
		const waits = () => sql(house, `SELECT run_at > now() FROM job
			WHERE state = 'queued' AND credential_id = ${id}
			AND action = 'imap_sync_messages'`);
		while (waits() !== 't')
			await pause(20);
		sql(house, `DELETE FROM job WHERE worker = 'elsewhere'`);
		const { status, json } = await answer;
		assert.deepEqual([status, json.data.errors], [200, []]);
	});
});

describe('the webcron', () => {
	const path = '/webhooks/poll-emails';
	const token = () => house.webcron_token;
	const poll = (headers = { 'x-webhook-token': token() }, body, query = '') =>
		api.post(path + query, body, headers);

	test('polls and answers as written', async () => {
		await put('three');
		const { status, json } = await poll();
		assert.equal(status, 200);
		const { duration_seconds: s, ...data } = json.data;
		assert.ok(s >= 0 && s < 50);
		assert.deepEqual([json.success, data], [true,
			{ accounts_polled: 1, total_new_emails: 1, errors: [] }]);
	});
	test('takes the token in four places', async () => {
		for (const [headers, body, query] of [
			[{ 'x-webhook-token': token() }],
			[{ authorization: `Bearer ${token()}` }],
			[{}, { token: token() }],
			[{}, new URLSearchParams({ token: token() })],
			[{}, undefined, `?token=${token()}`],
			[{ 'x-webhook-token': token() }, { token: token() }]])
			assert.equal((await poll(headers, body, query)).status, 200,
				JSON.stringify([headers, body, query]));
		for (const [headers, body, query] of [
			[{}], [{ 'x-webhook-token': 'no' }],
			[{ 'x-webhook-token': `${token()}x` }],
			[{ authorization: 'Bearer no' }], [{ authorization: token() }],
			[{}, { token: 'no' }], [{}, { token: '' }],
			[{}, undefined, '?token=no'],
			[{ 'x-webhook-token': token() }, { token: 'no' }],
			[{ cookie: `session=${p.owner.cookie}` }]]) {
			const { status, json } = await poll(headers, body, query);
			assert.equal(status, 401, JSON.stringify([headers, body, query]));
			assert.deepEqual([json.success, json.error],
				[false, 'Invalid authentication token']);
		}
		assert.equal((await api.get(path)).status, 405);
	});
	test('leaves the token in no log', () => {
		assert.throws(() => execFileSync('grep', ['-rlF', token(),
			house.logs]), (error) => error.status === 1);
	});
	test('of many at once runs one', async () => {
		const jobs = () => Number(sql(house, 'SELECT count(*) FROM job'));
		const was = jobs();
		const answers = await Promise.all(
			Array.from({ length: 20 }, () => poll()));
		assert.ok(answers.every((a) => a.status === 200));
		const ran = answers.filter((a) => a.json.data.accounts_polled === 1);
		const told = answers.filter((a) =>
			a.json.data.errors[0] === 'A poll is running already.');
		assert.ok(ran.length >= 1);
		assert.equal(ran.length + told.length, 20);
		assert.equal(jobs() - was, ran.length);
	});
	test('tells which did not work, and leaves personal ones alone',
		async () => {
			const bad = await connect(member, p.account, 'sales', {
				sync_mode: 'poll', secret: {
					username: 'sales@letterrack.test', password: 'no' } });
			const mine = await connect(member, p.account, 'sales',
				{ sync_mode: 'poll' });
			sql(house, `UPDATE credential SET user_id = ${p.member.user}
				WHERE id = ${number(mine.id)}`);
			const { json } = await poll();
			assert.deepEqual([json.data.accounts_polled, json.data.errors],
				[1, [`Account ${number(bad.id)}: auth_failed`]]);
			assert.equal(sql(house, `SELECT count(*) FROM job
				WHERE credential_id = ${number(mine.id)}`), '0');
		});
});

describe('a webcron', () => {
	test('without a token is off; without the query\'s, that is', async () => {
		const off = await stack({ own: true,
			set: ['webcron_secret_token = ""'] });
		try {
			const { status, json } = await client(off).post(
				'/webhooks/poll-emails', { token: 'x' });
			assert.deepEqual([status, json.code], [503, 'NOT_CONFIGURED']);
		} finally {
			await off.end();
		}
		const strict = await stack({ own: true,
			set: ['webcron_query_token = no'] });
		try {
			const ask = (query, headers) => client(strict).post(
				`/webhooks/poll-emails${query}`, undefined, headers);
			const t = strict.webcron_token;
			assert.equal((await ask(`?token=${t}`)).status, 401);
			assert.equal((await ask('', { 'x-webhook-token': t })).status, 200);
		} finally {
			await strict.end();
		}
	});
});
