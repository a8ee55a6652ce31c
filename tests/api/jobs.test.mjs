// Syncs on demand, and the tasks, jobs and logs by which one watches them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { bare, connect, ended, mailbox, message }
	from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, viewer, stranger, root, credential;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	credential = await connect(member, p.account, 'support');
});
after(() => house?.end());

const ask = (what, body, who = member) =>
	who.post(`${root}/imap/sync-${what}`, body);

describe('a sync on demand', () => {
	test('is queued, told, run and logged', async () => {
		const imap = await mailbox(house, 'support');
		await imap.append('INBOX', message({ subject: 'one' }));
		await imap.logout();
		const { status, headers, json } = await ask('messages',
			{ credential_id: credential.id });
		assert.equal(status, 202);
		assert.equal(headers.location, `/api/jobs/${json.data.job_id}`);
		const job = await ended(member, json.data.job_id);
		assert.deepEqual([job.state, job.action, job.task_id],
			['succeeded', 'imap_sync_messages', json.data.task_id]);
		const task = (await viewer.get(
			`/api/tasks/${json.data.task_id}`)).json.data;
		assert.deepEqual([task.state, task.task_type,
			task.target_credential_id, task.last_job_id],
		['succeeded', 'imap_sync_messages', credential.id, job.id]);
		assert.equal((await member.get(`${root}/emails`)).json.meta.total, 1);
		const logs = (await member.get(`${root}/logs?subject=job`)).json.data;
		assert.ok(logs.some((l) => l.action === 'imap_sync_messages' &&
			l.data.credential_id === credential.id));
	});
	test('lists folders alone', async () => {
		const { json } = await ask('mailboxes',
			{ credential_id: credential.id });
		assert.equal((await ended(member, json.data.job_id)).action,
			'imap_sync_mailboxes');
	});
	test('joins one that waits; a folder\'s is its own', async () => {
		await house.stop('sync');
		const id = async (body) =>
			(await ask('messages', body)).json.data.job_id;
		const all = { credential_id: credential.id };
		const [a, b] = [await id(all), await id(all)];
		assert.equal(a, b);
		const inbox = { ...all, folder: 'INBOX' };
		const c = await id(inbox);
		assert.notEqual(c, a);
		const job = (await member.get(`/api/jobs/${c}`)).json.data;
		const task = (await member.get(`/api/tasks/${job.task_id}`)).json.data;
		assert.deepEqual(task.payload, { folder: 'INBOX' });
		assert.equal((await viewer.get(`/api/tasks/${job.task_id}`))
			.json.data.payload, null);
		await house.start('sync');
		for (const one of [a, c])
			assert.equal((await ended(member, one)).state, 'succeeded');
	});
	test('needs an IMAP credential that is switched on', async () => {
		const smtp = await connect(member, p.account, 'support',
			{ provider_kind: 'smtp' });
		const wrong = await ask('messages', { credential_id: smtp.id });
		assert.equal(wrong.status, 422);
		assert.equal(wrong.json.errors[0].code, 'not_imap');
		const off = await connect(member, p.account, 'sales',
			{ is_active: false });
		assert.equal((await ask('messages', { credential_id: off.id })).status,
			409);
		const never = await connect(member, p.account, 'sales',
			{ sync_mode: 'off' });
		assert.equal((await ask('mailboxes',
			{ credential_id: never.id })).status, 409);
		for (const body of [{}, { credential_id: 'tsk_1' },
			{ credential_id: credential.id, folder: '' },
			{ credential_id: credential.id, other: 1 }])
			assert.equal((await ask('messages', body)).status, 422);
	});
	test('is for members, and their own credentials', async () => {
		const body = { credential_id: credential.id };
		assert.equal((await ask('messages', body, viewer)).status, 403);
		assert.equal((await ask('messages', body, stranger)).status, 403);
		const there = `/api/accounts/${p.other}/imap/sync-messages`;
		assert.deepEqual(bare(await stranger.post(there, body)),
			bare(await stranger.post(there, { credential_id: 'pc_999999' })));
	});
	test('of a server that refuses says so', async () => {
		const bad = await connect(member, p.account, 'support', {
			secret: { username: 'support@letterrack.test', password: 'no' } });
		const { json } = await ask('messages', { credential_id: bad.id });
		const job = await ended(member, json.data.job_id);
		assert.deepEqual([job.state, job.last_error_code],
			['failed', 'auth_failed']);
		assert.equal((await member.get(`/api/provider-credentials/${bad.id}`))
			.json.data.status, 'invalid');
	});
});

describe('jobs', () => {
	const jobs = async (query, who = member) =>
		(await who.get(`${root}/jobs?${query}`)).json;

	test('are listed, newest first, by what one looks for', async () => {
		const all = await jobs('limit=200');
		const ids = all.data.map((j) => Number(j.id.slice(4)));
		assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
		assert.equal(all.meta.total, ids.length);
		const failed = await jobs('state=failed');
		assert.equal(failed.meta.total, 1);
		assert.equal((await jobs(`task_id=${failed.data[0].task_id}`))
			.data[0].id, failed.data[0].id);
		assert.ok((await jobs('action=imap_sync_mailboxes')).meta.total > 0);
		assert.equal((await jobs('q=auth_failed')).meta.total, 1);
		assert.equal((await member.get(`${root}/jobs?state=x`)).status, 422);
	});
	test('go on by cursor', async () => {
		const seen = [];
		for (let cursor = ''; cursor !== null;) {
			const { data, meta } = await jobs(`limit=3${cursor}`);
			seen.push(...data.map((j) => j.id));
			cursor = meta.next_cursor && `&cursor=${meta.next_cursor}`;
		}
		assert.deepEqual(seen, (await jobs('limit=200')).data.map((j) => j.id));
	});
	test('that failed are tried again, others are not', async () => {
		const [bad] = (await jobs('state=failed')).data;
		const [good] = (await jobs('state=succeeded')).data;
		const no = await member.post(`/api/jobs/${good.id}/retry`);
		assert.deepEqual([no.status, no.json.code], [409, 'conflict']);
		assert.equal((await viewer.post(`/api/jobs/${bad.id}/retry`)).status,
			403);
		const yes = await member.post(`/api/jobs/${bad.id}/retry`, {});
		assert.equal(yes.status, 202);
		assert.equal((await ended(member, bad.id)).attempt_count, 1);
	});
	test('that wait run now when told', async () => {
		const later = sql(house, `UPDATE job SET state = 'queued',
			run_at = now() + interval '1 hour' WHERE id = (SELECT max(id)
			FROM job WHERE action = 'imap_sync_mailboxes') RETURNING id`);
		const { status } = await member.post(`/api/jobs/${later}/trigger`);
		assert.equal(status, 202);
		assert.equal((await ended(member, later)).state, 'succeeded');
		assert.equal((await member.post(`/api/jobs/${later}/trigger`)).status,
			409);
	});
	test('of another account do not exist', async () => {
		const [{ id, task_id }] = (await jobs('limit=1')).data;
		for (const [there, nowhere, method] of [
			[`/api/jobs/${id}`, '/api/jobs/job_999999', 'get'],
			[`/api/jobs/${id}/retry`, '/api/jobs/job_999999/retry', 'post'],
			[`/api/jobs/${id}/trigger`, '/api/jobs/job_999999/trigger', 'post'],
			[`/api/tasks/${task_id}`, '/api/tasks/tsk_999999', 'get']])
			assert.deepEqual(bare(await stranger[method](there)),
				bare(await stranger[method](nowhere)));
		assert.equal((await stranger.get(`${root}/jobs`)).status, 403);
		assert.equal((await stranger.get(`${root}/tasks`)).status, 403);
	});
});

describe('tasks and logs', () => {
	test('are listed', async () => {
		const { json } = await viewer.get(
			`${root}/tasks?task_type=imap_sync_messages&state=succeeded`);
		assert.ok(json.data.length > 0);
		assert.ok(json.data.every((t) => t.task_type === 'imap_sync_messages'));
		const mine = await member.get(
			`${root}/tasks?target_credential_id=${credential.id}`);
		assert.ok(mine.json.meta.total >= json.meta.total);
	});
	test('tell what happened, but viewers no words of servers', async () => {
		const { json } = await member.get(`${root}/logs?level=error`);
		assert.ok(json.data.length > 0 && json.data[0].message);
		const [line] = json.data;
		const seen = (await viewer.get(`/api/logs/${line.id}`)).json.data;
		assert.equal(seen.message, null);
		assert.equal(seen.action, line.action);
		assert.ok((await member.get(`${root}/logs?q=imap_sync`)).json.data
			.length > 0);
		assert.deepEqual(bare(await stranger.get(`/api/logs/${line.id}`)),
			bare(await stranger.get('/api/logs/log_999999')));
	});
});
