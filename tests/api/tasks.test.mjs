// Tasks that people make, the jobs of them, and the log: the families whole.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { bare, connect, emailOf, ended, mailbox, message, sync }
	from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, p, owner, member, viewer, stranger, root, credential, email;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	const api = client(house);
	p = people(house);
	[owner, member, viewer, stranger] = ['owner', 'member', 'viewer',
		'stranger'].map((who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	credential = await connect(member, p.account, 'support');
	const imap = await mailbox(house, 'support');
	await imap.append('INBOX', message({ subject: 'one' }));
	await imap.logout();
	await sync(member, p.account, credential);
	email = await emailOf(member, p.account, 'one');
});
after(() => house?.end());

const wanted = (more = {}) => ({ task_type: 'imap_sync_messages',
	target_credential_id: credential.id, ...more });
const make = (more, headers) =>
	member.post(`${root}/tasks`, wanted(more), headers);
const made = async (more) => {
	const { status, json, text } = await make(more);
	assert.equal(status, 201, text);
	return json.data;
};
const jobsOf = async (task) =>
	(await member.get(`${root}/jobs?task_id=${task.id}`)).json.data;
const task = async (id) => (await member.get(`/api/tasks/${id}`)).json.data;

/** A job of `task` in the state that no worker brings about when one likes. */
async function jobIn(state, more = '') {
	const t = await made();
	const id = sql(house, `INSERT INTO job (application_id, account_id, task_id,
		credential_id, action, state, run_at, finished_at, failed_at,
		last_error_code, last_error_detail)
		SELECT application_id, account_id, id, target_credential_id, task_type,
		'${state}', now() + interval '1 hour',
		CASE WHEN '${state}' IN ('succeeded', 'failed', 'resolved')
		THEN now() - interval '2 days' END,
		CASE WHEN '${state}' = 'failed' THEN now() END,
		CASE WHEN '${state}' = 'failed' THEN 'auth_failed' END,
		CASE WHEN '${state}' = 'failed' THEN 'NO zebra' END
		FROM task WHERE id = ${t.id.slice(4)} RETURNING id`);
	sql(house, `UPDATE task SET last_job_id = ${id}, state = '${
		state === 'resolved' ? 'failed' : state}' WHERE id = ${t.id.slice(4)};
		${more}`);
	return { task: t.id, job: `job_${id}` };
}

describe('a task', () => {
	test('is made and does not start', async () => {
		const t = await made({ payload: { folder: 'INBOX' }, priority: 3 });
		assert.deepEqual([t.state, t.task_type, t.target_credential_id,
			t.payload, t.priority, t.last_job_id],
		['pending', 'imap_sync_messages', credential.id,
			{ folder: 'INBOX' }, 3, null]);
		assert.deepEqual(await jobsOf(t), []);
	});
	test('is started, and started again', async () => {
		const t = await made();
		const runs = [];
		for (let i = 0; i < 2; i++) {
			const { status, headers, json } =
				await member.post(`/api/tasks/${t.id}/trigger`, {});
			assert.equal(status, 202);
			assert.deepEqual([headers.location, json.data.task_id],
				[`/api/jobs/${json.data.job_id}`, t.id]);
			const job = await ended(member, json.data.job_id);
			assert.deepEqual([job.state, job.task_id], ['succeeded', t.id]);
			runs.push(job.id);
		}
		assert.notEqual(runs[0], runs[1]);
		assert.equal((await task(t.id)).last_job_id, runs[1]);
		assert.equal((await task(t.id)).state, 'succeeded');
	});
	test('fetches a body', async () => {
		const t = await made({ task_type: 'imap_fetch_body',
			payload: { email_id: email.id } });
		const { json } = await member.post(`/api/tasks/${t.id}/trigger`);
		const job = await ended(member, json.data.job_id);
		assert.deepEqual([job.state, job.last_error_detail],
			['succeeded', null]);
		assert.equal(sql(house, `SELECT length(sha256) FROM email
			WHERE id = ${email.id.slice(4)}`), '32');
	});
	test('with one that runs is not started', async () => {
		const { task: id, job } = await jobIn('running', `UPDATE job SET
			lease_until = now() + interval '1 hour'
			WHERE state = 'running' AND lease_until IS NULL`);
		const no = await member.post(`/api/tasks/${id}/trigger`);
		assert.deepEqual([no.status, no.json.code], [409, 'job_running']);
		for (const [how, path] of [['delete', `/api/tasks/${id}`],
			['delete', `/api/jobs/${job}`]])
			assert.equal((await member[how](path)).status, 409, path);
		assert.equal((await member.patch(`/api/tasks/${id}`,
			{ priority: 1 })).status, 409);
		assert.equal((await member.patch(`/api/jobs/${job}`,
			{ priority: 1 })).status, 409);
		sql(house, `DELETE FROM job WHERE id = ${job.slice(4)}`);
	});
	test('with one that waits runs now', async () => {
		const { task: id, job } = await jobIn('queued');
		const { json } = await member.post(`/api/tasks/${id}/trigger`);
		assert.equal(json.data.job_id, job);
		assert.equal((await ended(member, job)).state, 'succeeded');
	});
	test('of wrong shape is refused before anything waits', async () => {
		const smtp = await connect(member, p.account, 'support',
			{ provider_kind: 'smtp' });
		const theirs = await connect(stranger, p.other, 'sales');
		const rows = [
			[{ task_type: 'smtp_send_message' }, 'task_type'],
			[{ task_type: 'account_remove' }, 'task_type'],
			[{ target_credential_id: undefined }, 'target_credential_id'],
			[{ target_credential_id: smtp.id }, 'target_credential_id'],
			[{ target_credential_id: theirs.id }, 'target_credential_id'],
			[{ target_credential_id: 'pc_999999' }, 'target_credential_id'],
			[{ payload: [] }, 'payload'],
			[{ payload: { folder: 7 } }, 'payload.folder'],
			[{ payload: { other: 1 } }, 'payload.other'],
			[{ payload: { email_id: email.id } }, 'payload.email_id'],
			[{ task_type: 'imap_fetch_body' }, 'payload.email_id'],
			[{ task_type: 'imap_fetch_body',
				payload: { email_id: 'eml_999999' } }, 'payload.email_id'],
			[{ task_type: 'imap_sync_mailboxes',
				payload: { folder: 'INBOX' } }, 'payload.folder'],
			[{ priority: 10 }, 'priority'],
			[{ priority: '1' }, 'priority'],
			[{ state: 'queued' }, 'state'],
		];
		const count = () => sql(house, 'SELECT count(*) FROM task');
		const was = count();
		for (const [more, field] of rows) {
			const { status, json } = await make(more);
			assert.equal(status, 422, JSON.stringify(more));
			assert.equal(json.errors[0].field, field, JSON.stringify(more));
		}
		const told = async (id) => {
			const { json } = await make({ target_credential_id: id });
			return json.errors;
		};
		assert.deepEqual(await told(theirs.id), await told('pc_999999'));
		assert.equal(count(), was);
	});
	test('is made once under one key', async () => {
		const key = { 'idempotency-key': 'task-1' };
		const first = await make({}, key), again = await make({}, key);
		assert.equal(first.json.data.id, again.json.data.id);
		assert.equal(again.headers['idempotency-replayed'], 'true');
		assert.equal((await make({ priority: 2 }, key)).status, 422);
		const start = { 'idempotency-key': 'start-1' };
		const path = `/api/tasks/${first.json.data.id}/trigger`;
		const a = await member.post(path, {}, start);
		await ended(member, a.json.data.job_id);
		const b = await member.post(path, {}, start);
		assert.equal(b.json.data.job_id, a.json.data.job_id);
		assert.equal((await jobsOf(first.json.data)).length, 1);
	});
	test('is changed while it does not run', async () => {
		const t = await made();
		const path = `/api/tasks/${t.id}`;
		const { json } = await member.patch(path,
			{ priority: 7, payload: { folder: 'INBOX' } });
		assert.deepEqual([json.data.priority, json.data.payload],
			[7, { folder: 'INBOX' }]);
		assert.equal((await member.patch(path,
			{ payload: { email_id: email.id } })).status, 422);
		const off = await member.patch(path, { state: 'cancelled' });
		assert.equal(off.json.data.state, 'cancelled');
		assert.equal((await member.patch(path, { state: 'cancelled' })).status,
			409);
		assert.equal((await member.patch(path, { state: 'running' })).status,
			422);
	});
	test('that waits is called off with its job', async () => {
		const { task: id, job } = await jobIn('queued');
		const path = `/api/tasks/${id}`;
		assert.equal((await member.patch(path, { payload: {} })).status, 409);
		await member.patch(path, { priority: 4 });
		assert.equal((await member.get(`/api/jobs/${job}`)).json.data.priority,
			4);
		await member.patch(path, { state: 'cancelled' });
		const ended = (await member.get(`/api/jobs/${job}`)).json.data;
		assert.deepEqual([ended.state, ended.note],
			['resolved', 'The task was cancelled.']);
	});
	test('goes with its jobs', async () => {
		const { task: id, job } = await jobIn('succeeded');
		assert.equal((await member.delete(`/api/tasks/${id}`)).status, 204);
		assert.equal((await member.get(`/api/tasks/${id}`)).status, 404);
		assert.equal((await member.get(`/api/jobs/${job}`)).status, 404);
	});
	test('of a program goes with what it was made for', async () => {
		const { task: id, job } = await jobIn('queued');
		const number = id.slice(4);
		sql(house, `UPDATE task SET task_type = 'smtp_send_message'
			WHERE id = ${number}; UPDATE job SET action = 'smtp_send_message'
			WHERE id = ${job.slice(4)}`);
		for (const [how, path, body] of [
			['patch', `/api/tasks/${id}`, { state: 'cancelled' }],
			['delete', `/api/tasks/${id}`], ['delete', `/api/jobs/${job}`]])
			assert.equal((await member[how](path, body)).status, 409, path);
		sql(house, `UPDATE job SET state = 'succeeded'
			WHERE id = ${job.slice(4)}; UPDATE task SET state = 'succeeded'
			WHERE id = ${number}`);
		assert.equal((await member.post(`/api/tasks/${id}/trigger`)).status,
			409);
		assert.equal((await jobsOf({ id })).length, 1);
	});
	test('is searched', async () => {
		const find = async (body, who = member) =>
			(await who.post(`${root}/tasks/search`, body)).json;
		const t = await made({ payload: { folder: 'Giraffes' } });
		assert.deepEqual((await find({ query: 'giraffe' })).data
			.map((x) => x.id), [t.id]);
		assert.equal((await find({ query: 'giraffe' }, viewer)).meta.total, 0);
		assert.ok((await find({ task_type: 'imap_fetch_body',
			state: 'succeeded', limit: 1 })).meta.total >= 1);
		assert.equal((await member.post(`${root}/tasks/search`,
			{ state: 'x' })).status, 422);
	});
});

describe('jobs', () => {
	test('are searched; the servers\' words are not a viewer\'s', async () => {
		const find = async (body, who = member) =>
			(await who.post(`${root}/jobs/search`, body)).json;
		const { job } = await jobIn('failed');
		assert.deepEqual((await find({ query: 'ZEBRA' })).data.map((x) => x.id),
			[job]);
		assert.equal((await find({ query: 'zebra' }, viewer)).meta.total, 0);
		assert.equal((await viewer.get(`${root}/jobs?q=zebra`)).json.meta.total,
			0);
		const seen = (await find({ state: 'failed' }, viewer)).data;
		assert.ok(seen.length > 0);
		assert.ok(seen.every((x) => x.last_error_detail === null));
	});
	test('that wait are changed', async () => {
		const { job } = await jobIn('queued');
		const at = '2031-01-02T03:04:05Z';
		const { json } = await member.patch(`/api/jobs/${job}`,
			{ priority: 8, run_at: at });
		assert.deepEqual([json.data.priority, Date.parse(json.data.run_at)],
			[8, Date.parse(at)]);
		assert.equal((await viewer.patch(`/api/jobs/${job}`,
			{ priority: 1 })).status, 403);
		const { job: over } = await jobIn('succeeded');
		assert.equal((await member.patch(`/api/jobs/${over}`,
			{ priority: 1 })).status, 409);
	});
	test('that failed are closed with a note', async () => {
		const { job, task: id } = await jobIn('failed');
		const path = `/api/jobs/${job}/resolve`;
		assert.equal((await member.post(path, {})).status, 422);
		const { status, json } = await member.post(path,
			{ note: 'The password was changed.' });
		assert.equal(status, 200);
		assert.deepEqual([json.data.state, json.data.note],
			['resolved', 'The password was changed.']);
		assert.ok(json.data.resolved_at);
		assert.equal((await task(id)).state, 'failed');
		assert.equal((await member.post(path, { note: 'x' })).status, 409);
	});
	test('are removed, and their tasks stay', async () => {
		const { job, task: id } = await jobIn('queued');
		assert.equal((await member.delete(`/api/jobs/${job}`)).status, 204);
		const t = await task(id);
		assert.deepEqual([t.state, t.last_job_id], ['cancelled', null]);
		assert.equal((await member.get(`/api/jobs/${job}`)).status, 404);
	});
	test('are removed by search: what has ended, and first told', async () => {
		const kept = await jobIn('queued'), gone = await jobIn('failed');
		const path = `${root}/jobs/search-delete`;
		const ask = async (body, who = member) => who.post(path, body);
		const two = { query: 'zebra',
			older_than: new Date(Date.now() - 86400000).toISOString() };
		const n = Number(sql(house, `SELECT count(*) FROM job
			WHERE last_error_detail ~ 'zebra' AND account_id = ${p.account}`));
		assert.deepEqual((await ask(two)).json,
			{ data: { matched: n, deleted: 0, dry_run: true } });
		assert.deepEqual((await ask({ ...two, dry_run: false,
			older_than: '2020-01-01T00:00:00Z' })).json.data.deleted, 0);
		assert.deepEqual((await ask({ ...two, dry_run: false })).json,
			{ data: { matched: n, deleted: n, dry_run: false } });
		assert.equal((await member.get(`/api/jobs/${gone.job}`)).status, 404);
		assert.equal((await task(gone.task)).last_job_id, null);
		await ask({ dry_run: false });
		assert.equal((await member.get(`/api/jobs/${kept.job}`)).status, 200);
		assert.equal((await member.get(`${root}/jobs`)).json.data.filter(
			(j) => !['queued', 'running'].includes(j.state)).length, 0);
		assert.equal((await ask({ state: 'queued' })).status, 422);
		assert.equal((await ask({}, viewer)).status, 403);
	});
});

describe('the log', () => {
	const write = (body, headers, who = member) =>
		who.post(`${root}/logs`, body, headers);

	test('takes lines', async () => {
		const body = { subject: 'import', action: 'start', level: 'warning',
			message: 'Two lines\nof okapi.', data: { rows: 7 } };
		const key = { 'idempotency-key': 'log-1' };
		const { status, json } = await write(body, key);
		assert.equal(status, 201);
		const { subject, action, level, message: words, data, status: s } =
			json.data;
		assert.deepEqual({ subject, action, level, message: words, data },
			body);
		assert.equal(s, 'succeeded');
		assert.equal((await write(body, key)).json.data.id, json.data.id);
		const seen = (await viewer.get(`/api/logs/${json.data.id}`)).json.data;
		assert.deepEqual([seen.action, seen.message, seen.data],
			['start', null, null]);
		for (const wrong of [{}, { ...body, data: [1] },
			{ ...body, level: 'loud' }, { ...body, user_id: 1 }])
			assert.equal((await write(wrong)).status, 422);
		assert.equal((await write(body, {}, viewer)).status, 403);
	});
	test('is searched', async () => {
		const find = async (body, who = member) =>
			(await who.post(`${root}/logs/search`, body)).json;
		assert.equal((await find({ query: 'OKAPI', limit: 20, offset: 0 }))
			.meta.total, 1);
		assert.equal((await find({ query: 'okapi' }, viewer)).meta.total, 0);
		assert.equal((await viewer.get(`${root}/logs?q=okapi`)).json.meta.total,
			0);
		assert.ok((await find({ subject: 'task' })).meta.total > 0);
	});
	test('is taken away by owners, who are remembered', async () => {
		const { json } = await write({ subject: 'a', action: 'b' });
		const one = `/api/logs/${json.data.id}`;
		assert.equal((await member.delete(one)).status, 403);
		assert.equal((await owner.delete(one)).status, 204);
		assert.equal((await owner.get(one)).status, 404);
		const path = `${root}/logs/search-delete`;
		const soon = new Date(Date.now() + 60000).toISOString();
		const body = { query: 'okapi', older_than: soon, limit: 100 };
		assert.equal((await member.post(path, body)).status, 403);
		const no = await owner.post(path, { query: 'okapi' });
		assert.deepEqual([no.status, no.json.errors[0].field],
			[422, 'older_than']);
		assert.deepEqual((await owner.post(path, body)).json,
			{ data: { matched: 1, deleted: 0, dry_run: true } });
		assert.deepEqual((await owner.post(path,
			{ ...body, dry_run: false })).json,
		{ data: { matched: 1, deleted: 1, dry_run: false } });
		const told = (await owner.get('/api/audit?limit=200')).json.data
			.map((a) => a.action);
		assert.ok(told.includes('log.delete') &&
			told.includes('log.search_delete'), told.join());
	});
});

describe('others', () => {
	test('find nothing of it', async () => {
		const { task: id, job } = await jobIn('failed');
		const { json } = await member.post(`${root}/logs`,
			{ subject: 'a', action: 'b' });
		for (const [how, there, nowhere, body] of [
			['patch', `/api/tasks/${id}`, '/api/tasks/tsk_999999',
				{ priority: 1 }],
			['delete', `/api/tasks/${id}`, '/api/tasks/tsk_999999'],
			['post', `/api/tasks/${id}/trigger`,
				'/api/tasks/tsk_999999/trigger'],
			['patch', `/api/jobs/${job}`, '/api/jobs/job_999999',
				{ priority: 1 }],
			['delete', `/api/jobs/${job}`, '/api/jobs/job_999999'],
			['post', `/api/jobs/${job}/resolve`,
				'/api/jobs/job_999999/resolve', { note: 'x' }],
			['delete', `/api/logs/${json.data.id}`, '/api/logs/log_999999']])
			assert.deepEqual(bare(await stranger[how](there, body)),
				bare(await stranger[how](nowhere, body)), there);
		for (const path of ['tasks/search', 'jobs/search', 'jobs/search-delete',
			'logs/search', 'tasks', 'logs'])
			assert.equal((await stranger.post(`${root}/${path}`, {})).status,
				403, path);
		assert.equal((await task(id)).state, 'failed');
	});
	test('do not see what is of a personal mail account', async () => {
		const { task: id, job } = await jobIn('failed');
		await member.post(`/api/jobs/${job}/retry`);
		sql(house, `UPDATE credential SET user_id = ${p.member.user}
			WHERE id = ${credential.id.slice(3)}`);
		await member.post(`/api/jobs/${job}/trigger`);
		await ended(member, job);
		await member.delete(`/api/jobs/${job}`);
		await member.post(`/api/tasks/${id}/trigger`);
		const mine = (await member.get(`/api/tasks/${id}`)).json.data;
		await ended(member, mine.last_job_id);
		assert.equal((await owner.get(`/api/tasks/${id}`)).status, 404);
		assert.equal((await owner.get(`/api/jobs/${mine.last_job_id}`)).status,
			404);
		assert.equal((await owner.delete(`/api/tasks/${id}`)).status, 404);
		assert.equal((await owner.post(`${root}/jobs/search-delete`,
			{ dry_run: false, older_than: null })).json.data.deleted, 0);
		assert.equal((await owner.post(`${root}/tasks`, wanted())).status, 422);
		const lines = async (who) => (await who.post(`${root}/logs/search`,
			{ subject: 'task', limit: 200 })).json.data
			.filter((l) => l.action === 'trigger' && l.data.task_id === id);
		assert.equal((await lines(member)).length, 1);
		assert.equal((await lines(owner)).length, 0);
	});
});
