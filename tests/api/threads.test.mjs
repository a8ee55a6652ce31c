// Threads of the shared inbox: made, listed, shown, changed and deleted, and
// what is read again behind it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const all = '/api/threads';

let house, api, them, who;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
	who = api.as(them.member);
});

async function made(more = {}, as = who) {
	const answer = await as.post(all, { subject: 'Customer Inquiry', ...more });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.thread;
}
const shown = async (id, as = who, query = '') =>
	(await as.get(`${all}/${id}${query}`)).json.thread;
const ids = (answer) => answer.json.threads.map((t) => t.id);

function named(answer, field) {
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.json.code, 'VALIDATION_ERROR');
	assert.ok(JSON.stringify(answer.json.details).includes(`"${field}`),
		answer.text);
}

/** A mail in a thread, as if it had come there; its id. */
function mail(thread, { at = '2025-11-18 14:30:00+00', from = 'john@x.test',
	name = 'John', read = false, files = false, subject = 'Hello',
	direction = 'inbound' } = {}, p = them) {
	return Number(sql(house, `WITH e AS (INSERT INTO email (application_id,
		account_id, subject, from_json, to_json, snippet, received_at, sent_at,
		is_read, has_attachments, direction) VALUES (${p.application},
		${p.account}, '${subject}', '[{"name":"${name}","address":"${from}"}]',
		'[{"address":"support@x.test"}]', 'First words', '${at}', '${at}',
		${read}, ${files}, '${direction}') RETURNING id)
		SELECT id FROM e`)) || 0;
}
function put(thread, ...mails) {
	sql(house, `UPDATE email SET thread_id = ${thread ?? 'NULL'},
		thread_rule = 'moved' WHERE id IN (${mails.join(', ')})`);
}
const numbers = ({ email_count: emails, unread_count: unread,
	has_attachments: files, last_message_at: last }) =>
	[emails, unread, files, last];

describe('a thread', () => {
	test('is made, in the document\'s shape', async () => {
		const { json } = await who.get('/api/labels');
		const [one, two] = json.labels;
		const answer = await who.post(all, { subject: 'Customer Inquiry',
			status: 'open', assigned_to: them.owner.user,
			labels: [two.id, one.id, two.id] });
		assert.equal(answer.status, 201, answer.text);
		const t = answer.json.thread;
		assert.deepEqual(answer.json, { success: true, thread: { id: t.id,
			subject: 'Customer Inquiry', status: 'open',
			assigned_to: them.owner.user, email_count: 0, unread_count: 0,
			has_attachments: false, sender_email: null, sender_name: null,
			last_message_at: null, snoozed_until: null,
			created_at: t.created_at, updated_at: t.updated_at,
			labels: [two, one].map(({ id, name, color }) =>
				({ id, name, color })) } });
		assert.match(t.created_at, /^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00$/);
		assert.deepEqual(await shown(t.id, who,
			'?with_emails=false&with_notes=false'), t);
		assert.deepEqual(await shown(t.id), { ...t, emails: [], notes: [] });
	});
	test('is made of what it needs', async () => {
		assert.equal((await made()).status, 'open');
		named(await who.post(all, {}), 'subject');
		for (const subject of ['', ' ', 7, null, 'x'.repeat(999)])
			named(await who.post(all, { subject }), 'subject');
		named(await who.post(all, { subject: 'x', status: 'new' }), 'status');
		for (const user of [them.stranger.user, 999999999])
			named(await who.post(all, { subject: 'x', assigned_to: user }),
				'assigned_to');
		named(await who.post(all, { subject: 'x', labels: [999999999] }),
			'labels[0]');
		named(await who.post(all, { subject: 'x',
			labels: Array(21).fill(1) }), 'labels');
		const headers = { 'idempotency-key': 'thread' };
		const body = { subject: 'once' };
		const first = await who.post(all, body, headers);
		const again = await who.post(all, body, headers);
		assert.equal(again.headers['idempotency-replayed'], 'true');
		assert.deepEqual(again.json, first.json);
	});
	test('may be an admin\'s who is no member', async () => {
		const t = await made({ assigned_to: them.admin.user });
		const { json } = await who.get(`${all}/${t.id}/details`);
		assert.deepEqual(json.thread.assigned_user, { id: them.admin.user,
			email: sql(house, `SELECT email FROM app_user
				WHERE id = ${them.admin.user}`), name: 'admin' });
	});
	test('follows its mail', async () => {
		const t = await made();
		const a = mail(t.id, { at: '2025-11-18 14:30:00+00' });
		const b = mail(t.id, { at: '2025-11-18 12:00:00+00', files: true,
			from: 'jane@x.test', name: 'Jane' });
		const c = mail(t.id, { at: '2025-11-18 10:00:00+00', read: true,
			from: 'support@x.test', name: 'Us', direction: 'outbound' });
		put(t.id, a, b, c);
		let now = await shown(t.id);
		assert.deepEqual(numbers(now), [3, 2, true,
			'2025-11-18T14:30:00+00:00']);
		assert.deepEqual([now.sender_email, now.sender_name],
			['jane@x.test', 'Jane']);
		assert.deepEqual(now.emails.map((e) => e.id), [c, b, a]);
		assert.deepEqual(now.emails.map((e) => e.is_outgoing),
			[true, false, false]);
		const seen = await who.patch(`/api/emails/eml_${a}`,
			{ is_read: true });
		assert.equal(seen.status, 200, seen.text);
		assert.deepEqual(numbers(await shown(t.id)), [3, 1, true,
			'2025-11-18T14:30:00+00:00']);
		assert.equal((await who.delete(`/api/emails/eml_${a}`)).status, 204);
		assert.deepEqual(numbers(await shown(t.id)), [2, 1, true,
			'2025-11-18T12:00:00+00:00']);
		put(null, b);
		now = await shown(t.id);
		assert.deepEqual(numbers(now), [1, 0, false,
			'2025-11-18T10:00:00+00:00']);
		assert.equal(now.sender_email, 'support@x.test');
		sql(house, `DELETE FROM email WHERE id = ${c}`);
		assert.deepEqual(numbers(await shown(t.id)), [0, 0, false, null]);
	});
	test('shows mail as the document does, and viewers no text', async () => {
		const t = await made();
		const id = mail(t.id);
		put(t.id, id);
		const [email] = (await shown(t.id)).emails;
		assert.deepEqual(email, { id, thread_id: t.id, thread_rule: 'moved',
			message_id: null, subject: 'Hello', from_email: 'john@x.test',
			from_name: 'John', to_addresses: ['support@x.test'],
			cc_addresses: [], bcc_addresses: [], body_html: null,
			body_text: 'First words', is_read: false, is_outgoing: false,
			has_attachments: false, status: 'DELIVERED',
			sent_at: '2025-11-18T14:30:00+00:00',
			received_at: '2025-11-18T14:30:00+00:00',
			created_at: email.created_at });
		for (const way of ['', '/details']) {
			const { json } = await api.as(them.viewer)
				.get(`${all}/${t.id}${way}`);
			assert.deepEqual(json.thread.emails,
				[{ ...email, body_text: null }]);
		}
	});
	test('is changed in part, and as it was shown', async () => {
		const t = await made();
		const { json } = await who.put(`${all}/${t.id}`, {
			subject: 'Updated Subject', status: 'closed',
			assigned_to: them.viewer.user });
		assert.equal(json.success, true);
		assert.deepEqual({ ...json.thread, updated_at: null }, { ...t,
			subject: 'Updated Subject', status: 'closed',
			assigned_to: them.viewer.user, updated_at: null });
		const all_of_it = await shown(t.id);
		const back = await who.put(`${all}/${t.id}`, all_of_it);
		assert.equal(back.status, 200, back.text);
		const nobody = await who.put(`${all}/${t.id}`, { assigned_to: null });
		assert.equal(nobody.json.thread.assigned_to, null);
		assert.equal((await shown(t.id)).status, 'closed');
		named(await who.put(`${all}/${t.id}`, { status: 'pending' }), 'status');
		named(await who.put(`${all}/${t.id}`, { subject: '' }), 'subject');
		named(await who.put(`${all}/${t.id}`,
			{ assigned_to: them.stranger.user }), 'assigned_to');
		assert.deepEqual([(await shown(t.id)).subject,
			(await shown(t.id)).assigned_to], ['Updated Subject', null]);
	});
	test('is changed by whoever has read it last', async () => {
		const t = await made();
		const read = await who.get(`${all}/${t.id}`);
		const tag = read.headers.etag;
		const bare = await who.get(`${all}/${t.id}?with_emails=false`);
		const same = await who.get(`${all}/${t.id}`, { 'if-none-match': tag });
		assert.equal(same.status, 304);
		const first = await who.put(`${all}/${t.id}`, { status: 'closed' },
			{ 'if-match': `"x", W/${tag}` });
		assert.equal(first.status, 200, first.text);
		for (const old of [tag, bare.headers.etag, '"x"']) {
			const late = await who.put(`${all}/${t.id}`, { status: 'open' },
				{ 'if-match': old });
			assert.equal(late.status, 412, late.text);
			assert.equal(late.json.code, 'PRECONDITION_FAILED');
		}
		assert.equal((await who.delete(`${all}/${t.id}`, undefined,
			{ 'if-match': tag })).status, 412);
		assert.equal((await shown(t.id)).status, 'closed');
		const fresh = await who.get(`${all}/${t.id}/details`);
		const late = await who.put(`${all}/${t.id}`, { status: 'open' },
			{ 'if-match': fresh.headers.etag });
		assert.equal(late.status, 200);
	});
	test('is nobody\'s when who has it is sent away', async () => {
		const there = people(house), owner = api.as(there.owner);
		const mine = await made({ assigned_to: there.member.user }, owner);
		const theirs = await made({ assigned_to: there.viewer.user }, owner);
		const merged = await made({ assigned_to: there.member.user }, owner);
		assert.equal((await owner.post(`${all}/${theirs.id}/merge`,
			{ source_thread_id: merged.id })).status, 200);
		const member = sql(house, `SELECT id FROM membership WHERE account_id =
			${there.account} AND user_id = ${there.member.user}`);
		const gone = await owner.delete(
			`/api/accounts/acc_${there.account}/members/mbr_${member}`);
		assert.ok(gone.status < 300, gone.text);
		assert.equal((await shown(mine.id, owner)).assigned_to, null);
		assert.equal((await shown(theirs.id, owner)).assigned_to,
			there.viewer.user);
		assert.deepEqual(ids(await owner.get(`${all}?assigned_to=none`)),
			[mine.id]);
		assert.equal((await owner.post(`${all}/${theirs.id}/undo`)).status, 200);
		assert.equal((await shown(merged.id, owner)).assigned_to, null);
		assert.deepEqual(sql(house, `SELECT data->>'thread_id',
			data->>'assigned_to' FROM event WHERE name = 'thread.assigned'
			AND account_id = ${there.account} ORDER BY id DESC LIMIT 1`),
		`${mine.id}|`);
	});
	test('is deleted with its mail here', async () => {
		const t = await made();
		const id = mail(t.id);
		put(t.id, id);
		const gone = await who.delete(`${all}/${t.id}`);
		assert.equal(gone.text, '{"success":true}');
		for (const answer of [await who.get(`${all}/${t.id}`),
			await who.put(`${all}/${t.id}`, { status: 'open' }),
			await who.delete(`${all}/${t.id}`)]) {
			assert.equal(answer.status, 404);
			assert.equal(answer.json.code, 'THREAD_NOT_FOUND');
		}
		assert.equal((await who.get(`/api/emails/eml_${id}`)).status, 404);
		assert.equal(sql(house, `SELECT removed_why FROM email
			WHERE id = ${id}`), 'deleted');
	});
	test('sleeps until its time', async () => {
		const as = api.as(people(house).member);
		const t = await made({}, as);
		await made({}, as);
		const later = '2125-01-01T00:00:00+00:00';
		const { json } = await as.put(`${all}/${t.id}`,
			{ snoozed_until: later });
		assert.equal(json.thread.snoozed_until, later);
		const awake = await as.get(`${all}?status=open`);
		assert.ok(!ids(awake).includes(t.id));
		assert.equal(awake.json.meta.total, 1);
		assert.equal((await as.get(all)).json.meta.total, 1);
		assert.deepEqual(ids(await as.get(`${all}?snoozed=true`)), [t.id]);
		sql(house, `UPDATE thread SET snoozed_until = now() - interval '1 s'
			WHERE id = ${t.id}`);
		assert.equal((await as.get(all)).json.meta.total, 2);
		assert.equal((await as.get(all)).json.threads.length, 2);
		assert.equal((await shown(t.id, as)).snoozed_until, null);
	});
	test('chooses mail by its label and by whose it is', async () => {
		const { json } = await who.get('/api/labels');
		const [label, other] = json.labels.map((l) => l.id);
		const mine = await made({ labels: [label], assigned_to: them.member.user });
		const free = await made({ labels: [label, other] });
		const [a, b, c] = [mail(), mail(), mail()];
		put(mine.id, a);
		put(free.id, b);
		put((await made({ assigned_to: them.owner.user })).id, c);
		const chosen = async (query) => {
			const answer = await who.get(`/api/accounts/${them.account}/emails?` +
				`limit=200&${query}`);
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.json.meta.total, answer.json.data.length, query);
			return answer.json.data.map((e) => Number(e.id.slice(4)))
				.filter((id) => [a, b, c].includes(id)).sort((x, y) => x - y);
		};
		for (const [query, ...found] of [[`label=${label}`, a, b],
			[`label=${other}`, b], [`assigned_to=${them.member.user}`, a],
			[`assigned_to=uid_${them.owner.user}`, c],
			['assigned_to=none', b],
			[`label=${label}&assigned_to=none`, b],
			[`label=${label}&is_read=false`, a, b],
			['label=999999999']])
			assert.deepEqual(await chosen(query), found, query);
		const wrong = await who.get(
			`/api/accounts/${them.account}/emails?assigned_to=me`);
		assert.equal(wrong.status, 422, wrong.text);
		assert.match(wrong.text, /assigned_to/);
	});
	test('is no stranger\'s, and no viewer\'s to change', async () => {
		const t = await made();
		const stranger = api.as(them.stranger);
		for (const answer of [await stranger.get(`${all}/${t.id}`),
			await stranger.get(`${all}/${t.id}/details`),
			await stranger.put(`${all}/${t.id}`, { status: 'closed' }),
			await stranger.delete(`${all}/${t.id}`)])
			assert.equal(answer.status, 404);
		const viewer = api.as(them.viewer);
		assert.equal((await viewer.put(`${all}/${t.id}`, {})).status, 403);
		assert.equal((await viewer.post(all, { subject: 'x' })).status, 403);
		assert.equal((await shown(t.id, viewer)).status, 'open');
	});
});

describe('the list of threads', () => {
	test('is filtered, counted and paged', async () => {
		const p = people(house);
		const as = api.as(p.member);
		const { json } = await as.get('/api/labels');
		const label = json.labels[0].id;
		const t = [];
		for (let i = 0; i < 5; i++)
			t.push((await made({ subject: `Thread ${i}`,
				status: ['open', 'closed', 'archived'][i % 3],
				assigned_to: i < 2 ? p.owner.user : null,
				labels: i % 2 ? [label] : [] }, as)).id);
		const mails = t.map((id, i) => mail(id, { read: i !== 3,
			files: i === 2, from: `p${i}@x.test`, subject: `word${i}`,
			at: `2025-11-1${i} 12:00:00+00` }, p));
		t.forEach((id, i) => put(id, mails[i]));
		const found = async (query, total) => {
			const answer = await as.get(`${all}?${query}`);
			assert.equal(answer.status, 200, answer.text);
			assert.equal(answer.json.meta.total, total ??
				answer.json.threads.length, query);
			return ids(answer).map((id) => t.indexOf(id));
		};
		assert.deepEqual(await found(''), [4, 3, 2, 1, 0]);
		assert.deepEqual(await found('status=open'), [3, 0]);
		assert.deepEqual(await found('status=archived'), [2]);
		assert.deepEqual(await found(`assigned_to=${p.owner.user}`), [1, 0]);
		assert.deepEqual(await found('assigned_to=none'), [4, 3, 2]);
		assert.deepEqual(await found(`label=${label}`), [3, 1]);
		assert.deepEqual(await found(`label=${label}&status=open`), [3]);
		assert.deepEqual(await found('unread=true'), [3]);
		assert.deepEqual(await found('unread=0'), [4, 2, 1, 0]);
		assert.deepEqual(await found('has_attachments=true'), [2]);
		assert.deepEqual(await found('q=WORD2'), [2]);
		assert.deepEqual(await found('q=thread%204'), [4]);
		assert.deepEqual(await found('q=%25'), []);
		assert.deepEqual(await found('correspondent=p1%40'), [1]);
		assert.deepEqual(await found('from=2025-11-12T00:00:00Z' +
			'&to=2025-11-14T00:00:00Z'), [3, 2]);
		assert.deepEqual(await found('limit=2&offset=1', 5), [3, 2]);
		const page = await as.get(`${all}?limit=2`);
		const next = page.json.meta.next_cursor;
		await made({ subject: 'newer' }, as);
		assert.deepEqual(await found(`limit=2&cursor=${next}`, 6), [2, 1]);
		const [first] = (await as.get(`${all}?q=word1`)).json.threads;
		assert.deepEqual(first, { ...first, subject: 'Thread 1',
			labels: [{ id: label, name: 'Inbox',
				color: json.labels[0].color }], email_count: 1 });
		for (const query of ['status=new', 'assigned_to=me', 'unread=maybe',
			'limit=0', 'from=yesterday'])
			named(await as.get(`${all}?${query}`), query.split('=')[0]);
		assert.deepEqual(ids(await as.get(`${all}?label=999999999`)), []);
	});
});
