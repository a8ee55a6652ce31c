// Mail comes into threads, and people move it between them: what is read again
// behind each step, and what a recount says.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl } from '../lib/ctl.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { recount } from '../lib/recount.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const all = '/api/threads';

let house, api, them, who, serial = 0;

before(async () => {
	house = await stack();
	api = client(house);
});

function fresh() {
	them = people(house);
	who = api.as(them.member);
	serial += 1000;
}
const id = (n) => `<${n}.${serial}@x.test>`;

/** A mail that comes; { id, thread }. */
async function comes(n, { re, refs, subject = re ? 'Re: Hello' : 'Hello',
	at = 60 * n, direction = 'inbound', as = who, p = them } = {}) {
	const answer = await as.post(`/api/accounts/acc_${p.account}/emails`, {
		direction, subject, message_id: n === null ? null : id(n),
		in_reply_to: re ? id(re) : null,
		references: refs ? refs.map(id).join(' ') : null,
		from_json: [{ name: 'John', address: 'john@x.test' }],
		to_json: [{ name: null, address: 'support@x.test' }],
		received_at: new Date(1763000000000 + 1000 * at).toISOString(),
	});
	assert.equal(answer.status, 201, answer.text);
	return { id: Number(answer.json.data.id.slice(4)),
		thread: answer.json.data.thread_id };
}
const shown = async (t, as = who) => (await as.get(`${all}/${t}`)).json.thread;
const mails = async (t) => (await shown(t)).emails.map((e) => e.id);
const threadOf = async (mail) => (await who.get(`/api/emails/eml_${mail}`))
	.json.data.thread_id;
const events = (name) => sql(house, `SELECT data FROM event
	WHERE account_id = ${them.account} AND name = '${name}' ORDER BY id`)
	.split('\n').filter((l) => l).map((l) => JSON.parse(l));

describe('mail that comes', () => {
	test('joins what it answers, and begins a thread where there is none',
		async () => {
			fresh();
			const a = await comes(1);
			const b = await comes(2, { re: 1, refs: [1] });
			const other = await comes(3);
			assert.equal(b.thread, a.thread);
			assert.notEqual(other.thread, a.thread);
			const t = await shown(a.thread);
			assert.deepEqual([t.subject, t.email_count, t.unread_count,
				t.status, t.sender_email], ['Hello', 2, 2, 'open',
				'john@x.test']);
			assert.deepEqual(t.emails.map((e) => [e.id, e.thread_rule]),
				[[a.id, 'started'], [b.id, 'reply']]);
			assert.deepEqual(events('thread.created').map((e) => e.thread_id),
				[a.thread, other.thread]);
			assert.deepEqual(events('thread.updated').map((e) => e.thread_id),
				[a.thread]);
			recount(house, them.account);
		});
	/* Who holds the account's threads changes its totals, too: waiting with
	 * these in hand would be a deadlock. */
	test('holds nothing while it waits for threads', async () => {
		fresh();
		await comes(1);
		const db = psql(house);
		await db.ask(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended(
			'thread', ${them.account}))`);
		const pid = Number(await db.ask('SELECT pg_backend_pid()'));
		const coming = comes(2, { re: 1 });
		for (const end = Date.now() + 60000; sql(house, `SELECT count(*)
			FROM pg_stat_activity WHERE ${pid} = ANY (pg_blocking_pids(pid))`)
			=== '0';) {
			assert.ok(Date.now() < end, 'it does not wait');
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		await db.ask(`SET LOCAL lock_timeout = '30s'; UPDATE counter
			SET n = n WHERE account_id = ${them.account}; COMMIT`);
		db.end();
		assert.ok((await coming).thread);
	});
	test('late joins what named it, and brings threads together', async () => {
		fresh();
		const late = await comes(1, { re: 9, subject: 'Re: Hello' });
		const root = await comes(9, { at: 1 });
		assert.equal(root.thread, late.thread);
		const a = await comes(20);
		const c = await comes(22, { re: 21 });
		assert.notEqual(a.thread, c.thread);
		const b = await comes(21, { re: 20 });
		assert.equal(b.thread, a.thread);
		assert.equal(await threadOf(c.id), a.thread);
		assert.deepEqual(await mails(c.thread), [a.id, b.id, c.id]);
		const refused = await who.put(`${all}/${c.thread}`,
			{ status: 'closed' });
		assert.equal(refused.status, 409);
		assert.deepEqual([refused.json.code, refused.json.merged_into],
			['THREAD_MERGED', a.thread]);
		assert.equal(events('thread.merged')[0].merged_into, a.thread);
		recount(house, them.account);
	});
	test('that is a forward, a newsletter or only looks alike stays apart',
		async () => {
			fresh();
			const a = await comes(1);
			const f = await comes(2, { re: 1, refs: [1], subject: 'Fwd: Hello' });
			const g = await comes(3, { re: 1, refs: [1], subject: 'WG: Hello' });
			const answer = await comes(4, { re: 2, refs: [1, 2],
				subject: 'Re: Fwd: Hello' });
			assert.equal(new Set([a, f, g].map((m) => m.thread)).size, 3);
			assert.equal(answer.thread, f.thread);
			const one = await comes(null, { subject: 'News' });
			const two = await comes(null, { subject: 'News' });
			const none = await comes(null, { subject: '' });
			const again = await comes(null, { subject: '' });
			assert.equal(new Set([one, two, none, again]
				.map((m) => m.thread)).size, 4);
		});
	test('reopens what was closed, and wakes what sleeps', async () => {
		fresh();
		const a = await comes(1);
		for (const status of ['closed', 'archived']) {
			await who.put(`${all}/${a.thread}`, { status,
				snoozed_until: '2125-01-01T00:00:00Z' });
			await comes(status === 'closed' ? 2 : 3, { re: 1 });
			const t = await shown(a.thread);
			assert.deepEqual([t.status, t.snoozed_until], ['open', null]);
		}
		await who.put(`${all}/${a.thread}`, { status: 'closed' });
		await comes(4, { re: 1, direction: 'outbound' });
		assert.equal((await shown(a.thread)).status, 'closed');
		recount(house, them.account);
	});
	test('begins anew where the thread was deleted', async () => {
		fresh();
		const a = await comes(1);
		await who.delete(`${all}/${a.thread}`);
		const b = await comes(2, { re: 1 });
		assert.notEqual(b.thread, a.thread);
		assert.deepEqual(await mails(b.thread), [b.id]);
		assert.equal((await comes(3, { re: 2 })).thread, b.thread);
		recount(house, them.account);
	});
	test('is in no thread where it is personal, a draft or junk', () => {
		fresh();
		const c = (user) => sql(house, `INSERT INTO credential (application_id,
			account_id, user_id, provider_kind, host, port, security_mode)
			VALUES (${them.application}, ${them.account}, ${user}, 'imap', 'x',
			1, 'none') RETURNING id`);
		const box = (credential, use) => sql(house, `INSERT INTO mailbox
			(application_id, account_id, credential_id, name, wire_name,
			special_use) VALUES (${them.application}, ${them.account},
			${credential}, '${use}', '${use}', '${use}') RETURNING id`);
		const mine = c(them.member.user), ours = c('NULL');
		for (const [credential, use, draft] of [[mine, 'inbox', false],
			[ours, 'junk', false], [ours, 'trash', false],
			[ours, 'inbox', true], [ours, 'inbox', false]])
			sql(house, `INSERT INTO email (application_id, account_id,
				credential_id, mailbox_id, uid, is_draft, received_at) VALUES
				(${them.application}, ${them.account}, ${credential},
				${box(credential, use + serial++)}, 1, ${draft}, now())`);
		sql(house, `UPDATE mailbox SET special_use = left(special_use, -4)
			WHERE account_id = ${them.account}`);
		return comes(1).then(() => assert.equal(sql(house, `SELECT
			thread_rule FROM email WHERE account_id = ${them.account}
			AND credential_id IS NOT NULL ORDER BY id`),
		'none\nnone\nnone\nnone\nstarted'));
	});
});

describe('a thread that is split', () => {
	test('leaves mail in each, and is one again when it is undone',
		async () => {
			fresh();
			const a = await comes(1), b = await comes(2, { re: 1 }),
				c = await comes(3, { re: 2, refs: [1, 2] });
			const answer = await who.post(`${all}/${a.thread}/split`, {
				email_ids: [b.id, c.id], new_subject: 'New Thread Subject' });
			assert.equal(answer.status, 200, answer.text);
			const { original_thread: old, new_thread: made } = answer.json;
			assert.deepEqual([old.id, old.email_count, made.subject,
				made.email_count], [a.thread, 1, 'New Thread Subject', 2]);
			assert.deepEqual(await mails(old.id), [a.id]);
			assert.deepEqual(await mails(made.id), [b.id, c.id]);
			assert.equal(events('thread.split')[0].new_thread_id, made.id);
			// what answers goes after what it answers, and joins nothing
			const d = await comes(4, { re: 3, refs: [1, 2, 3] });
			assert.equal(d.thread, made.id);
			assert.deepEqual(await mails(old.id), [a.id]);
			recount(house, them.account);
			const undone = await who.post(`${all}/${a.thread}/undo`);
			assert.equal(undone.status, 200, undone.text);
			assert.deepEqual(await mails(a.thread),
				[a.id, b.id, c.id, d.id]);
			assert.equal((await shown(made.id)).id, a.thread);
			assert.equal((await shown(a.thread)).emails[1].thread_rule,
				'reply');
			const nothing = await who.post(`${all}/${a.thread}/undo`);
			assert.equal(nothing.status, 409);
			assert.equal(nothing.json.code, 'NOTHING_TO_UNDO');
			recount(house, them.account);
		});
	test('keeps one, and gives what is its own', async () => {
		fresh();
		const a = await comes(1), b = await comes(2, { re: 1 });
		const other = await comes(9);
		for (const ids of [[a.id, b.id], [], [other.id], [a.id, other.id],
			[999999999], 'x']) {
			const answer = await who.post(`${all}/${a.thread}/split`,
				{ email_ids: ids, new_subject: 'x' });
			assert.equal(answer.status, 400, answer.text);
			assert.ok(JSON.stringify(answer.json.details)
				.includes('email_ids'), answer.text);
		}
		assert.deepEqual(await mails(a.thread), [a.id, b.id]);
		recount(house, them.account);
	});
});

describe('threads that are merged', () => {
	test('are one with all they had, and two again when it is undone',
		async () => {
			fresh();
			const { json } = await who.get('/api/labels');
			const [x, y] = json.labels.map((l) => l.id);
			const a = await comes(1), b = await comes(10),
				c = await comes(11, { re: 10 });
			await who.post(`${all}/bulk/labels/add`,
				{ thread_ids: [a.thread], label_id: x });
			for (const label of [x, y])
				await who.post(`${all}/bulk/labels/add`,
					{ thread_ids: [b.thread], label_id: label });
			const note = (await who.post(`${all}/${b.thread}/notes`,
				{ content: 'of the second' })).json.note;
			const answer = await who.post(`${all}/${a.thread}/merge`,
				{ source_thread_id: b.thread });
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.json.merged_thread.email_count, 3);
			const t = await shown(a.thread);
			assert.deepEqual(t.emails.map((e) => e.id), [a.id, b.id, c.id]);
			assert.deepEqual(t.labels.map((l) => l.id), [x, y]);
			assert.deepEqual(t.notes.map((n) => n.id), [note.id]);
			assert.equal((await shown(b.thread)).id, a.thread);
			assert.equal((await comes(12, { re: 10 })).thread, a.thread);
			recount(house, them.account);
			for (const [method, path, body] of [['PUT', '', {}],
				['DELETE', ''], ['POST', '/notes', { content: 'x' }],
				['POST', '/mark-read'], ['POST', '/undo'],
				['POST', '/split', { email_ids: [a.id] }],
				['POST', '/merge', { source_thread_id: a.thread }],
				['POST', `/emails/${a.id}/assign`]]) {
				const late = await who.request(method,
					`${all}/${b.thread}${path}`, body);
				assert.deepEqual([late.status, late.json.code,
					late.json.merged_into], [409, 'THREAD_MERGED', a.thread],
				`${method} ${path} ${late.text}`);
			}
			assert.equal((await who.post(`${all}/${a.thread}/merge`,
				{ source_thread_id: b.thread })).status, 409);
			const undone = await who.post(`${all}/${a.thread}/undo`);
			assert.equal(undone.status, 200, undone.text);
			assert.deepEqual(await mails(b.thread), [b.id, c.id]);
			const first = await shown(a.thread);
			assert.deepEqual(first.labels.map((l) => l.id), [x]);
			assert.deepEqual(first.notes, []);
			assert.deepEqual((await shown(b.thread)).notes.map((n) => n.id),
				[note.id]);
			recount(house, them.account);
		});
	test('are there, and two', async () => {
		fresh();
		const a = await comes(1);
		const strange = people(house);
		const foreign = (await api.as(strange.member).post(all,
			{ subject: 'x' })).json.thread.id;
		for (const source of [a.thread, foreign, 999999999, null, 'x']) {
			const answer = await who.post(`${all}/${a.thread}/merge`,
				{ source_thread_id: source });
			assert.equal(answer.status, 400, answer.text);
			assert.ok(JSON.stringify(answer.json.details)
				.includes('source_thread_id'), answer.text);
		}
	});
});

describe('an email', () => {
	test('is put into another thread, in both ways', async () => {
		fresh();
		const a = await comes(1), b = await comes(2, { re: 1 }),
			other = await comes(9);
		const put = await who.post(
			`${all}/${other.thread}/emails/${b.id}/assign`);
		assert.equal(put.status, 200, put.text);
		assert.deepEqual([put.json.thread.id, put.json.thread.email_count],
			[other.thread, 2]);
		assert.deepEqual(await mails(a.thread), [a.id]);
		recount(house, them.account);
		for (const field of ['thread_id', 'new_thread_id']) {
			const to = field === 'thread_id' ? a.thread : other.thread;
			const moved = await who.patch(`/api/emails/${b.id}/thread`,
				{ [field]: to });
			assert.equal(moved.status, 200, moved.text);
			assert.deepEqual([moved.json.success, moved.json.email.id,
				moved.json.email.thread_id, moved.json.email.thread_rule],
			[true, b.id, to, 'moved']);
			assert.ok((await mails(to)).includes(b.id));
			recount(house, them.account);
		}
		assert.equal((await comes(3, { re: 2, refs: [1, 2] })).thread,
			other.thread);
		for (const [path, body, status] of [
			[`/api/emails/${b.id}/thread`, {}, 400],
			[`/api/emails/${b.id}/thread`, { thread_id: 999999999 }, 400],
			['/api/emails/999999999/thread', { thread_id: a.thread }, 404]])
			assert.equal((await who.patch(path, body)).status, status);
		/* Whichever of the two it is: ids of others are told as malformed ones. */
		for (const path of [`${a.thread}/emails/999999999`,
			`${a.thread}/emails/x`, `999999999/emails/${a.id}`]) {
			const missing = await who.post(`${all}/${path}/assign`);
			assert.deepEqual([missing.status, missing.json.code],
				[404, 'THREAD_NOT_FOUND']);
		}
	});
	test('is read with all of its thread', async () => {
		fresh();
		const a = await comes(1), b = await comes(2, { re: 1 });
		const read = await who.post(`${all}/${a.thread}/mark-read`);
		assert.equal(read.json.thread.unread_count, 0);
		for (const mail of [a, b])
			assert.equal((await who.get(`/api/emails/eml_${mail.id}`)).json
				.data.is_read, true);
		const back = await who.post(`${all}/${a.thread}/mark-unread`);
		assert.equal(back.json.thread.unread_count, 2);
		recount(house, them.account);
	});
});

describe('a note', () => {
	test('is written, changed and removed, by its author', async () => {
		fresh();
		const a = await comes(1);
		const where = `${all}/${a.thread}/notes`;
		const answer = await who.post(where, { content:
			'Customer called back, issue resolved',
		user_id: them.member.user, position: 1 });
		assert.equal(answer.status, 201, answer.text);
		const { note } = answer.json;
		assert.deepEqual(answer.json, { success: true, note: { id: note.id,
			thread_id: a.thread, content:
			'Customer called back, issue resolved',
			user_id: them.member.user, position: 1,
			created_at: note.created_at, updated_at: note.updated_at } });
		const last = (await who.post(where, { content: 'last\nof all' }))
			.json.note;
		await who.post(where, { content: 'first', position: 0 });
		assert.deepEqual((await shown(a.thread)).notes.map((n) => n.content),
			['first', note.content, 'last\nof all']);
		assert.ok(last.position >= 1);
		assert.equal(events('note.added').length, 3);
		const owner = api.as(them.owner), viewer = api.as(them.viewer);
		for (const [as, status] of [[owner, 200], [who, 200], [viewer, 403]])
			assert.equal((await as.put(`${where}/${note.id}`,
				{ content: 'new' })).status, status);
		const mine = (await owner.post(where, { content: 'x' })).json.note;
		assert.equal((await who.put(`${where}/${mine.id}`,
			{ content: 'y' })).status, 403);
		assert.equal((await who.post(where, { content: 'x',
			user_id: them.owner.user })).status, 403);
		const admin = await api.as(them.admin).post(where, { content: 'x',
			user_id: them.owner.user });
		assert.equal(admin.json.note.user_id, them.owner.user);
		assert.equal((await who.delete(`${where}/${note.id}`)).text,
			'{"success":true}');
		const gone = await who.put(`${where}/${note.id}`, { content: 'x' });
		assert.deepEqual([gone.status, gone.json.code],
			[404, 'NOTE_NOT_FOUND']);
		for (const content of ['', null, 7])
			assert.equal((await who.post(where, { content })).status, 400);
	});
	test('changes the version that an editor has read', async () => {
		fresh();
		const a = await comes(1);
		const { headers } = await who.get(`${all}/${a.thread}`);
		await who.post(`${all}/${a.thread}/notes`, { content: 'x' });
		assert.equal((await who.put(`${all}/${a.thread}`, { status: 'closed' },
			{ 'if-match': headers.etag })).status, 412);
	});
});

describe('many at once', () => {
	test('are changed, as the document prints it', async () => {
		fresh();
		const t = [];
		for (let i = 0; i < 3; i++)
			t.push((await comes(10 * (i + 1))).thread);
		const foreign = (await api.as(people(house).member).post(all,
			{ subject: 'x' })).json.thread.id;
		const bulk = async (what, body, result) => {
			const answer = await who.post(`${all}/bulk/${what}`, body);
			assert.equal(answer.status, 200, answer.text);
			assert.deepEqual(answer.json, { success: true, result });
			recount(house, them.account);
		};
		const now = async (field) =>
			(await Promise.all(t.map((one) => shown(one))))
				.map((one) => one[field]);
		const user = them.owner.user;
		await bulk('update', { thread_ids: t,
			updates: { status: 'closed', assigned_to: user } },
		{ updated: 3, failed: 0, total: 3, errors: [] });
		assert.deepEqual(await now('status'), Array(3).fill('closed'));
		assert.deepEqual(await now('assigned_to'), Array(3).fill(user));
		assert.equal(events('thread.assigned').length, 3);
		await bulk('update', { thread_ids: t, updates: { status: 'open' } },
			{ updated: 3, failed: 0, total: 3, errors: [] });
		assert.deepEqual(await now('assigned_to'), Array(3).fill(user));
		await bulk('update', { thread_ids: t, updates: { assigned_to: null } },
			{ updated: 3, failed: 0, total: 3, errors: [] });
		assert.deepEqual(await now('assigned_to'), Array(3).fill(null));
		await bulk('assign', { thread_ids: t, user_id: user },
			{ updated: 3, failed: 0 });
		assert.deepEqual(await now('assigned_to'), Array(3).fill(user));
		await bulk('assign', { thread_ids: t, user_id: null },
			{ updated: 3, failed: 0 });
		assert.deepEqual(await now('assigned_to'), Array(3).fill(null));
		await bulk('status', { thread_ids: [...t, t[0]], status: 'archived' },
			{ updated: 3, failed: 0 });
		assert.deepEqual(await now('status'), Array(3).fill('archived'));
		const label = (await who.get('/api/labels')).json.labels[4].id;
		await bulk('labels/add', { thread_ids: t, label_id: label },
			{ added: 3, failed: 0 });
		assert.deepEqual((await now('labels')).map((l) => l[0].id),
			Array(3).fill(label));
		assert.equal(events('label.added').length, 3);
		await bulk('labels/add', { thread_ids: t, label_id: label },
			{ added: 0, failed: 0 });
		await bulk('labels/remove', { thread_ids: t.slice(1),
			label_id: label }, { removed: 2, failed: 0 });
		assert.deepEqual((await now('labels')).map((l) => l.length),
			[1, 0, 0]);
		assert.equal(events('label.removed').length, 2);
		const error = (one) => ({ thread_id: one, error: 'Thread not found' });
		await bulk('status', { thread_ids: [foreign, t[0], 999999999],
			status: 'open' }, { updated: 1, failed: 2,
			errors: [error(foreign), error(999999999)] });
		await bulk('delete', { thread_ids: [t[0], foreign] },
			{ deleted: 1, failed: 1, total: 2, errors: [error(foreign)] });
		assert.equal((await who.get(`${all}/${t[0]}`)).status, 404);
		assert.equal((await shown(t[1])).status, 'archived');
		assert.equal(events('thread.deleted').length, 1);
		assert.equal(sql(house, `SELECT status FROM thread
			WHERE id = ${foreign}`), 'open');
	});
	test('are a thousand at most, and what is asked is known', async () => {
		fresh();
		const t = [(await comes(1)).thread];
		for (const [what, body, field] of [
			['status', { thread_ids: t, status: 'new' }, 'status'],
			['status', { thread_ids: [], status: 'open' }, 'thread_ids'],
			['status', { thread_ids: Array.from({ length: 1001 },
				(_, i) => i + 1), status: 'open' }, 'thread_ids'],
			['assign', { thread_ids: t, user_id: 999999999 }, 'user_id'],
			['assign', { thread_ids: t }, 'user_id'],
			['update', { thread_ids: t, updates: {} }, 'updates'],
			['update', { thread_ids: t }, 'updates'],
			['labels/add', { thread_ids: t, label_id: 999999999 },
				'label_id']]) {
			const answer = await who.post(`${all}/bulk/${what}`, body);
			assert.equal(answer.status, 400, answer.text);
			assert.ok(JSON.stringify(answer.json.details)
				.includes(`"${field}`), answer.text);
		}
		assert.equal((await api.as(them.viewer).post(`${all}/bulk/delete`,
			{ thread_ids: t })).status, 403);
		assert.equal((await shown(t[0])).status, 'open');
	});
});

describe('numbers', () => {
	const verify = () => ctl(house, ['verify', '--account',
		String(them.account), '--application', String(them.application)]);

	test('are verified by an operator, who is told what differs', async () => {
		fresh();
		const { json } = await who.get('/api/labels');
		const a = await comes(1);
		await comes(2, { re: 1 });
		await who.post(`${all}/bulk/labels/add`, { thread_ids: [a.thread],
			label_id: json.labels[0].id });
		assert.deepEqual([verify().status, verify().out], [0, '']);
		sql(house, `UPDATE thread SET email_count = 7, labels = labels || 1::int8
			WHERE id = ${a.thread}`);
		sql(house, `UPDATE counter SET n = n + 1 WHERE account_id =
			${them.account} AND name = 'threads:open'`);
		const { status, out, err } = verify();
		assert.equal(status, 65);
		assert.match(err, /differ/);
		assert.deepEqual(out.split('\n').map((l) => l.split('\t').slice(1)), [
			[`thread ${a.thread}`, 'email_count', '7', '2'],
			[`thread ${a.thread}`, 'labels', 'label 1', 'no such label'],
			['total', 'threads:open', '2', '1']]);
	});
	test('of mail in a thread that is gone are told, too', async () => {
		fresh();
		const a = await comes(1);
		sql(house, `UPDATE thread SET removed_at = now()
			WHERE id = ${a.thread}`);
		assert.match(verify().out,
			new RegExp(`email ${a.id}\tthread_id\t${a.thread}\tdeleted`));
	});
});

describe('threads that are made again', () => {
	const again = (...more) => {
		const { status, out, err } = ctl(house, ['threads', 'rebuild',
			'--account', String(them.account), '--application',
			String(them.application), ...more]);
		assert.equal(status, 0, err);
		const [head, ...moves] = out.split('\n');
		return { moves, numbers: head.split('\t').slice(3, 6)
			.map((text) => parseInt(text, 10)) };
	};
	/** Which mails are together: [[ids], …]. */
	const sets = () => sql(house, `SELECT string_agg(id::text, ' ' ORDER BY id)
		FROM email WHERE account_id = ${them.account} AND removed_at IS NULL
		GROUP BY thread_id ORDER BY min(id)`);
	/** Numbers 1 to `most` in an order that a seed gives. */
	function shuffled(most, seed) {
		const list = Array.from({ length: most }, (_, i) => i + 1);
		for (let i = most - 1, x = seed; i > 0; i--) {
			x = x * 48271 % 2147483647;
			const j = x % (i + 1);
			[list[i], list[j]] = [list[j], list[i]];
		}
		return list;
	}
	/** Conversations of all kinds, in any order of arrival. */
	async function box(order = shuffled(13, 7)) {
		fresh();
		const mails = [[1], [2, { re: 1 }], [3, { re: 2, refs: [1, 2] }],
			[4, { re: 2, subject: 'Fwd: Hello' }],
			[5, { re: 4, refs: [1, 2, 4], subject: 'Re: Fwd: Hello' }],
			[6], [7, { re: 66 }], [8, { re: 66 }], [9, { re: 6 }], [10],
			[11, { re: 10 }], [12, { re: 11 }], [13, { re: 10 }]];
		const came = {};
		for (const n of order)
			came[n] = await comes(n, mails[n - 1][1]);
		return came;
	}

	test('are those that mail by mail gave', async () => {
		await box();
		const before = sets();
		for (const more of [['--dry-run'], [], ['-n']])
			assert.deepEqual(again(...more), { moves: [],
				numbers: [0, 0, 0] });
		assert.equal(sets(), before);
		recount(house, them.account);
	});
	test('are the same in whatever order mail came', async () => {
		/** Which numbers are together. */
		const together = (m) => {
			const of = new Map(Object.entries(m).map(([n, { id: email }]) =>
				[String(email), n]));
			return sets().split('\n').map((line) => line.split(' ')
				.map((email) => of.get(email)).sort().join(' ')).sort();
		};
		const seed = Date.now() % 65536 + 1, right = together(await box());
		for (let n = 0; n < 8; n++) {
			const order = shuffled(13, seed + n);
			assert.deepEqual(together(await box(order)), right,
				`order ${order}`);
			assert.deepEqual(again().numbers, [0, 0, 0], `order ${order}`);
		}
	});
	test('leave what people decided', async () => {
		const m = await box();
		const first = await threadOf(m[1].id), third = await threadOf(m[10].id);
		const split = await who.post(`${all}/${third}/split`,
			{ email_ids: [m[11].id] });
		assert.equal(split.status, 200, split.text);
		await who.post(`${all}/${first}/merge`,
			{ source_thread_id: await threadOf(m[6].id) });
		await who.patch(`/api/emails/${m[8].id}/thread`,
			{ thread_id: await threadOf(m[4].id) });
		const before = sets();
		assert.deepEqual(again().numbers, [0, 0, 0]);
		assert.equal(sets(), before);
		recount(house, them.account);
	});
	test('come back where they were torn apart or thrown together', async () => {
		const m = await box();
		const before = sets();
		const thread = await threadOf(m[1].id);
		await who.put(`${all}/${thread}`, { assigned_to: them.member.user });
		/* One mail alone, two conversations in one, all ids forgotten. */
		sql(house, `WITH t AS (INSERT INTO thread (application_id, account_id,
			subject) VALUES (${them.application}, ${them.account}, 'torn')
			RETURNING id) UPDATE email SET thread_id = (SELECT id FROM t)
			WHERE id = ${m[3].id}`);
		sql(house, `UPDATE email SET thread_id = ${await threadOf(m[6].id)}
			WHERE account_id = ${them.account} AND thread_id =
			${await threadOf(m[10].id)}`);
		sql(house, `DELETE FROM thread_key WHERE account_id = ${them.account}`);
		const torn = sets();
		assert.notEqual(torn, before);
		const said = again('--dry-run');
		assert.deepEqual(said.numbers, [5, 1, 1]);
		assert.equal(said.moves.length, 5);
		assert.equal(sets(), torn);
		assert.deepEqual(again().numbers, [5, 1, 1]);
		assert.equal(sets(), before);
		recount(house, them.account);
		assert.equal((await shown(thread)).assigned_to, them.member.user);
		assert.deepEqual(again('--dry-run').numbers, [0, 0, 0]);
		/* What comes then finds its way. */
		assert.equal((await comes(30, { re: 12 })).thread,
			await threadOf(m[10].id));
		assert.match(sql(house, `SELECT string_agg(action, ' ') FROM audit
			WHERE account_id = ${them.account}`), /threads\.rebuild/);
	});
});

describe('mail that names no other', () => {
	const operate = (...words) => ctl(house, [...words, '--account',
		String(them.account), '--application', String(them.application)]);
	const says = (policy, ...more) => {
		const { status, err } = operate('threads', 'subjects', policy, ...more);
		assert.equal(status, 0, err);
	};
	const day = 86400;

	test('begins a thread, unless the account wants otherwise', async () => {
		fresh();
		const a = await comes(1, { subject: 'Order 7' });
		const b = await comes(2, { subject: 'Re: Order 7' });
		assert.notEqual(a.thread, b.thread);
		for (const [words, what] of [[['threads', 'subjects', 'some'], /off/],
			[['threads', 'subjects', 'all', '--days', '999'], /days/]])
			assert.match(operate(...words).err, what);
	});
	test('joins the latest of its subject and correspondent, within days',
		async () => {
			fresh();
			says('replies', '--days', '10');
			const a = await comes(1, { subject: 'Order 7' });
			const b = await comes(2, { subject: 'AW: re:  ORDER 7',
				at: 9 * day });
			assert.equal(b.thread, a.thread);
			assert.equal((await shown(a.thread)).emails[1].thread_rule,
				'subject');
			/* ten days behind the last, not the first */
			const c = await comes(3, { subject: 'Re: Order 7', at: 18 * day });
			assert.equal(c.thread, a.thread);
			const late = await comes(4, { subject: 'Re: Order 7',
				at: 40 * day });
			assert.notEqual(late.thread, a.thread);
			/* no answer; a forward; a short one; another subject */
			for (const [n, subject] of [[6, 'Fwd: Order 7'],
				[7, 'Re: Or'], [8, 'Re: Order 8'], [9, 'Re: Fwd: Order 7'],
				[5, 'Order 7']]) {
				const m = await comes(n, { subject, at: 18 * day + n });
				assert.notEqual(m.thread, a.thread, subject);
			}
			/* another correspondent, though to the same of ours */
			sql(house, `INSERT INTO credential (application_id, account_id,
				provider_kind, host, port, security_mode, email_address)
				VALUES (${them.application}, ${them.account}, 'smtp', 'x', 25,
				'none', 'support@x.test')`);
			const other = (await who.post(
				`/api/accounts/acc_${them.account}/emails`, {
					subject: 'Re: Order 7', message_id: '<other@x>',
					from_json: [{ name: 'Eve', address: 'eve@x.test' }],
					to_json: [{ name: null, address: 'support@x.test' }],
					received_at: new Date(1763000000000 + 18e3 * day)
						.toISOString() })).json.data;
			assert.equal((await shown(other.thread_id)).email_count, 1);
			recount(house, them.account);
		});
	test('is solved alike by a rebuild, and by the policy of then', async () => {
		fresh();
		says('all', '--days', '10');
		const news = [await comes(1, { subject: 'News' }),
			await comes(2, { subject: 'News', at: day })];
		assert.equal(news[0].thread, news[1].thread);
		const rebuilt = () => {
			const { status, out, err } = operate('threads', 'rebuild');
			assert.equal(status, 0, err);
			return out.split('\n')[0].split('\t').slice(3, 6)
				.map((text) => parseInt(text, 10));
		};
		assert.deepEqual(rebuilt(), [0, 0, 0]);
		says('replies');
		assert.deepEqual(rebuilt(), [1, 0, 1]);
		assert.notEqual(await threadOf(news[1].id), news[0].thread);
		says('all');
		assert.deepEqual(rebuilt(), [1, 1, 0]);
		assert.equal(await threadOf(news[1].id), news[0].thread);
		recount(house, them.account);
	});
	test('and mail that was put elsewhere is not pulled back', async () => {
		fresh();
		says('all');
		const a = await comes(1, { subject: 'Report' });
		const b = await comes(2, { subject: 'Report' });
		const split = await who.post(`${all}/${a.thread}/split`,
			{ email_ids: [b.id] });
		assert.equal(split.status, 200, split.text);
		const before = [await threadOf(a.id), await threadOf(b.id)];
		assert.equal(operate('threads', 'rebuild').status, 0);
		assert.deepEqual([await threadOf(a.id), await threadOf(b.id)], before);
		recount(house, them.account);
	});
});
