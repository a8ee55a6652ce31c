// Emails and folders: read, flagged, made by hand; made once under one
// Idempotency-Key.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { bare, connect, emailOf, ended, mailbox, message, sync }
	from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, viewer, stranger, root, imap, credential;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	for (const subject of ['first', 'second'])
		await imap.append('INBOX', message({ subject }));
	credential = await connect(member, p.account, 'support');
	await sync(member, p.account, credential);
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

const within = async (folder, work) => {
	const lock = await imap.getMailboxLock(folder);
	try {
		return await work();
	} finally {
		lock.release();
	}
};
const uidOf = (folder, subject) => within(folder, async () => {
	await imap.noop(); // what others have done meanwhile
	return (await imap.search({ subject }, { uid: true }))[0];
});
const flagsOnServer = (subject) => within('INBOX', async () => {
	const [uid] = await imap.search({ subject }, { uid: true });
	return (await imap.fetchOne(uid, { flags: true }, { uid: true })).flags;
});

/** The folders of the server in which this message lies. */
const foldersOf = async (subject) => {
	const found = [];
	for (const { path } of await imap.list())
		if (await uidOf(path, subject) !== undefined)
			found.push(path);
	return found;
};

/** Puts messages into INBOX, and syncs them. */
const put = async (...subjects) => {
	for (const subject of subjects)
		await imap.append('INBOX', message({ subject }));
	await sync(member, p.account, credential);
};

/** Another client copies a message, once its hash is known. */
const copied = async (subject, to) => {
	for (let i = 0; sql(house, `SELECT sha256 IS NOT NULL FROM email
		WHERE subject = '${subject}'`) !== 't'; i++) {
		assert.ok(i < 1000, `${subject} gets no hash`);
		await pause(20);
	}
	const uid = await uidOf('INBOX', subject);
	await within('INBOX', () => imap.messageCopy(uid, to, { uid: true }));
	await sync(member, p.account, credential);
};

/** The last job that told the server something, when it has ended. */
const wishJob = async () => {
	const { json } = await member.get(
		`${root}/jobs?action=imap_store_flags&limit=1`);
	return ended(member, json.data[0].id);
};

describe('folders', () => {
	test('show the ledger of each', async () => {
		const { status, json } = await viewer.get(`${root}/mailboxes`);
		assert.equal(status, 200);
		const inbox = json.data.find((m) => m.name === 'INBOX');
		assert.equal(inbox.credential_id, credential.id);
		assert.equal(inbox.special_use, 'inbox');
		assert.deepEqual([inbox.server_messages, inbox.stored_messages,
			inbox.skipped_messages, inbox.missing_messages,
			inbox.last_error_code, inbox.skipped_reasons],
		[2, 2, 0, 0, null, null]);
		assert.ok(inbox.last_sync_at);
		assert.equal(json.meta.total, json.data.length);
	});
	test('say why messages were set aside', async () => {
		sql(house, `UPDATE placement SET skip_reason = 'too deep'
			WHERE account_id = ${p.account}
			AND uid = (SELECT min(uid) FROM placement);
			UPDATE mailbox SET stored_messages = 1, skipped_messages = 1
			WHERE account_id = ${p.account} AND name = 'INBOX'`);
		const { json } = await member.get(`${root}/mailboxes`);
		const inbox = json.data.find((m) => m.name === 'INBOX');
		assert.deepEqual(inbox.skipped_reasons, { 'too deep': 1 });
		assert.equal(inbox.missing_messages, 0);
		sql(house, `UPDATE placement SET skip_reason = NULL
			WHERE account_id = ${p.account};
			UPDATE mailbox SET stored_messages = 2, skipped_messages = 0
			WHERE account_id = ${p.account} AND name = 'INBOX'`);
	});
	test('are those of one credential, and go on by cursor', async () => {
		const of = (id) => member.get(`${root}/mailboxes?credential_id=${id}`);
		const all = (await of(credential.id)).json.data.map((m) => m.id);
		assert.deepEqual((await of('pc_999999')).json.data, []);
		const seen = [];
		for (let cursor = ''; cursor !== null;) {
			const { json } = await member.get(
				`${root}/mailboxes?limit=2${cursor}`);
			seen.push(...json.data.map((m) => m.id));
			const next = json.meta.next_cursor;
			cursor = next && `&cursor=${next}`;
		}
		assert.deepEqual(seen, all);
	});
	test('of a personal mail account are its owner\'s alone', async () => {
		sql(house, `UPDATE credential SET user_id = ${p.owner.user}
			WHERE account_id = ${p.account}`);
		const owner = api.as({ cookie: p.owner.cookie });
		const count = async (who) =>
			(await who.get(`${root}/mailboxes`)).json.meta.total;
		assert.ok(await count(owner) > 0);
		assert.equal(await count(member), 0);
		sql(house, `UPDATE credential SET user_id = NULL
			WHERE account_id = ${p.account}`);
	});
	test('of another account are not to be had', async () => {
		assert.equal((await stranger.get(`${root}/mailboxes`)).json.code,
			'account_mismatch');
	});
});

describe('the list of a folder', () => {
	const folder = async (name) => (await member.get(`${root}/mailboxes`))
		.json.data.find((m) => m.name === name).id;
	const list = async (name, more = '') => (await member.get(
		`${root}/emails?mailbox=${await folder(name)}${more}`)).json;
	const subjects = (answer) => answer.data.map((e) => e.subject);

	before(async () => {
		for (const i of [1, 2, 3, 4, 5])
			await imap.append('Trash', message({ subject: `bin ${i}` }), [],
				new Date(Date.UTC(2026, 9, i)));
		await put('copied', 'not copied');
		await copied('copied', 'Trash');
	});
	test('has what another client copied there, and so has the first one',
		async () => {
			const inTrash = await list('Trash', '&q=copied');
			const inInbox = await list('INBOX', '&q=copied');
			assert.deepEqual(subjects(inTrash), ['copied']);
			assert.deepEqual(subjects(inInbox).sort(),
				['copied', 'not copied']);
			assert.deepEqual([inTrash.meta.total, inInbox.meta.total], [1, 2]);
			assert.equal(inTrash.data[0].id,
				inInbox.data.find((e) => e.subject === 'copied').id);
		});
	test('is one in time, page by page', async () => {
		const whole = await list('Trash');
		assert.equal(whole.meta.total, 6);
		assert.deepEqual(subjects(whole), [...whole.data]
			.sort((a, b) => (a.received_at < b.received_at ? 1 : -1))
			.map((e) => e.subject));
		const paged = [];
		for (let cursor = ''; cursor !== null;) {
			const { data, meta } = await list('Trash', `&limit=2${cursor}`);
			assert.equal(meta.total, 6);
			paged.push(...data.map((e) => e.subject));
			cursor = meta.next_cursor && `&cursor=${meta.next_cursor}`;
		}
		assert.deepEqual(paged, subjects(whole));
		for (const offset of [0, 1, 5, 6])
			assert.deepEqual(subjects(await list('Trash',
				`&limit=2&offset=${offset}`)),
			subjects(whole).slice(offset, offset + 2));
	});
	test('filters copies like what is shown there', async () => {
		const { id } = await emailOf(member, p.account, 'copied');
		await member.patch(`/api/emails/${id}`, { is_flagged: true });
		const only = async (filter) => subjects(await list('Trash', filter));
		assert.deepEqual(await only('&is_flagged=true'), ['copied']);
		assert.deepEqual(await only('&is_read=true'), []);
		assert.deepEqual(await only('&to=2026-10-03T00:00:00Z'),
			['bin 2', 'bin 1']);
		assert.deepEqual(await only('&from=2026-10-05T00:00:00Z'),
			['copied', 'bin 5']);
		assert.deepEqual(await only(`&credential_id=pc_999999`), []);
		const found = await member.post(`${root}/emails/search`,
			{ mailbox: await folder('Trash'), query: 'copied' });
		assert.deepEqual(subjects(found.json), ['copied']);
	});
	test('follows when one of the two goes', async () => {
		const gone = async (from, subject) => {
			const uid = await uidOf(from, subject);
			await within(from, () => imap.messageDelete(uid, { uid: true }));
			await sync(member, p.account, credential);
		};
		await gone('INBOX', 'copied');
		assert.deepEqual(subjects(await list('INBOX', '&q=copied')),
			['not copied']);
		const { data } = await list('Trash', '&q=copied');
		assert.deepEqual(data.map((e) => e.folder), ['Trash']);
		await gone('Trash', 'copied');
		assert.deepEqual((await list('Trash', '&q=copied')).data, []);
	});
	test('has nothing that was removed here', async () => {
		await copied('not copied', 'Trash');
		const { id } = await emailOf(member, p.account, 'not copied');
		await member.delete(`/api/emails/${id}`);
		for (const name of ['INBOX', 'Trash']) {
			const { data, meta } = await list(name, '&q=not%20copied');
			assert.deepEqual([data, meta.total], [[], 0]);
		}
	});
});

describe('PATCH', () => {
	test('sets flags here at once and on the server soon', async () => {
		const email = await emailOf(member, p.account, 'first');
		const answer = await member.patch(`/api/emails/${email.id}`,
			{ is_read: true, flagged: true });
		assert.equal(answer.status, 200, answer.text);
		assert.deepEqual([answer.json.data.is_read,
			answer.json.data.is_flagged], [true, true]);
		await sync(member, p.account, credential);
		const flags = await flagsOnServer('first');
		assert.ok(flags.has('\\Seen') && flags.has('\\Flagged'));
		const again = await member.get(`/api/emails/${email.id}`);
		assert.deepEqual(again.json.data.flags, ['\\Flagged', '\\Seen']);
	});
	test('leaves what it does not name', async () => {
		const { id } = await emailOf(member, p.account, 'first');
		const { json } = await member.patch(`/api/emails/${id}`,
			{ is_read: false, is_answered: true });
		assert.deepEqual([json.data.is_read, json.data.is_flagged,
			json.data.is_answered], [false, true, true]);
		assert.equal((await member.patch(`/api/emails/${id}`, {})).status, 200);
	});
	test('refuses contradictions, foreign fields and wrong types', async () => {
		const { id } = await emailOf(member, p.account, 'first');
		for (const [body, field] of [
			[{ flagged: true, is_flagged: false }, 'flagged'],
			[{ thread_id: 1 }, 'thread_id'], [{ is_read: 1 }, 'is_read'],
			[{ is_read: null }, 'is_read'], [{ id: 'eml_9' }, 'id']]) {
			const { status, json } = await member.patch(
				`/api/emails/${id}`, body);
			assert.equal(status, 422);
			assert.equal(json.errors[0].field, field);
		}
	});
	test('knows If-Match', async () => {
		const { id } = await emailOf(member, p.account, 'second');
		const path = `/api/emails/${id}`;
		const { headers } = await member.get(path);
		const change = (is_flagged, tag) =>
			member.patch(path, { is_flagged }, { 'if-match': tag });
		assert.equal((await change(true, `W/${headers.etag}`)).status, 200);
		const late = await change(false, headers.etag);
		assert.equal(late.status, 412);
		assert.equal(late.json.code, 'precondition_failed');
		assert.equal((await member.get(path)).json.data.is_flagged, true);
		assert.equal((await member.get(path, {
			'if-none-match': (await member.get(path)).headers.etag,
		})).status, 304);
	});
	test('is refused to viewers, and unknown to strangers', async () => {
		const { id } = await emailOf(member, p.account, 'first');
		const body = { is_read: true };
		assert.equal((await viewer.patch(`/api/emails/${id}`, body)).status,
			403);
		assert.deepEqual(bare(await stranger.patch(`/api/emails/${id}`, body)),
			bare(await stranger.patch('/api/emails/eml_999999', body)));
	});
	test('of an email that no server has tells nobody', async () => {
		const made = await member.post(`${root}/emails`,
			{ from_json: [{ address: 'a@example.org' }] });
		const { json } = await member.patch(
			`/api/emails/${made.json.data.id}`, { is_read: true });
		assert.equal(json.data.is_read, true);
		assert.equal(sql(house, `SELECT count(*) FROM flag_intent WHERE
			email_id = ${made.json.data.id.slice(4)}`), '0');
	});
});

describe('DELETE', () => {
	const byHand = async () => (await member.post(`${root}/emails`,
		{ from_json: [{ address: 'a@example.org' }] })).json.data.id;
	const deleted = async (id, query = '?expunge=true') =>
		assert.equal((await member.delete(`/api/emails/${id}${query}`)).status,
			204);

	test('keeps the server\'s copy, and a sync does not bring it back', async () => {
		await put('stays there');
		const { id } = await emailOf(member, p.account, 'stays there');
		await deleted(id, '?expunge=false');
		assert.equal((await member.get(`/api/emails/${id}`)).status, 404);
		await sync(member, p.account, credential);
		assert.equal((await member.get(`/api/emails/${id}`)).status, 404);
		assert.deepEqual(await foldersOf('stays there'), ['INBOX']);
	});
	test('with expunge takes it from every folder of the server, and nothing ' +
		'else', async () => {
		await put('goes', 'marked by another');
		await copied('goes', 'Sent');
		const marked = await uidOf('INBOX', 'marked by another');
		await within('INBOX', () => imap.messageFlagsAdd(marked, ['\\Deleted'],
			{ uid: true }));
		const { id } = await emailOf(member, p.account, 'goes');
		await deleted(id);
		assert.equal((await member.get(`/api/emails/${id}`)).status, 404);
		assert.equal((await wishJob()).state, 'succeeded');
		assert.deepEqual(await foldersOf('goes'), []);
		assert.deepEqual(await foldersOf('marked by another'), ['INBOX']);
		const ledger = (await member.get(`${root}/mailboxes`)).json.data;
		assert.ok(ledger.every((m) => m.missing_messages === 0));
		await sync(member, p.account, credential);
		const { json } = await member.get(`${root}/emails?q=goes`);
		assert.deepEqual(json.data, []);
		assert.equal(sql(house, 'SELECT count(*) FROM expunge_intent'), '0');
	});
	test('happens once', async () => {
		await put('once');
		const { id } = await emailOf(member, p.account, 'once');
		await deleted(id);
		for (const query of ['', '?expunge=true']) {
			const { status, json } = await member.delete(
				`/api/emails/${id}${query}`);
			assert.deepEqual([status, json.code], [404, 'not_found']);
		}
	});
	test('of an email that no server has tells nobody', async () => {
		const id = await byHand();
		const before = await wishJob();
		await deleted(id);
		assert.equal((await member.get(`/api/emails/${id}`)).status, 404);
		assert.equal((await wishJob()).id, before.id);
	});
	test('is refused to viewers, and unknown to strangers', async () => {
		const { id } = await emailOf(member, p.account, 'first');
		const path = (email) => `/api/emails/${email}?expunge=true`;
		assert.equal((await viewer.delete(path(id))).status, 403);
		assert.deepEqual(bare(await stranger.delete(path(id))),
			bare(await stranger.delete(path('eml_999999'))));
		assert.equal((await member.get(`/api/emails/${id}`)).status, 200);
		assert.deepEqual(await foldersOf('first'), ['INBOX']);
	});
	test('that cannot be told fails its job, which can be tried again',
		async () => {
			await put('locked');
			const { id } = await emailOf(member, p.account, 'locked');
			sql(house, `UPDATE credential SET is_active = false
				WHERE id = ${credential.id.slice(3)}`);
			await deleted(id);
			const job = await wishJob();
			assert.deepEqual([job.state, job.last_error_code],
				['failed', 'authorization_denied']);
			sql(house, `UPDATE credential SET is_active = true
				WHERE id = ${credential.id.slice(3)}`);
			assert.equal((await member.post(`/api/jobs/${job.id}/retry`)).status,
				202);
			assert.equal((await ended(member, job.id)).state, 'succeeded');
			assert.deepEqual(await foldersOf('locked'), []);
		});
});

describe('a sync of one folder', () => {
	const syncFolder = async (folder) => {
		const { status, json } = await member.post(`${root}/imap/sync-messages`,
			{ credential_id: credential.id, folder });
		assert.equal(status, 202);
		return ended(member, json.data.job_id);
	};

	test('leaves the others as they are', async () => {
		await imap.append('INBOX', message({ subject: 'not yet' }));
		await imap.append('Sent', message({ subject: 'sent there' }));
		assert.equal((await syncFolder('Sent')).state, 'succeeded');
		await emailOf(member, p.account, 'sent there');
		const { json } = await member.get(`${root}/emails?q=not%20yet`);
		assert.deepEqual(json.data, []);
		await sync(member, p.account, credential);
		await emailOf(member, p.account, 'not yet');
	});
	test('that the server does not have fails', async () => {
		const job = await syncFolder('Nowhere');
		assert.deepEqual([job.state, job.last_error_code],
			['failed', 'not_found_folder']);
		assert.match(job.last_error_detail, /no folder Nowhere/);
	});
});

describe('Idempotency-Key', () => {
	const email = { from_json: [{ address: 'a@example.org' }], subject: 'once' };
	const create = (key, body = email, who = member) => who.post(
		`${root}/emails`, body, { 'idempotency-key': key });

	test('makes one thing, and shows it again', async () => {
		const first = await create('k-1');
		const second = await create('k-1');
		assert.deepEqual([first.status, second.status], [201, 201]);
		assert.equal(first.headers['idempotency-replayed'], undefined);
		assert.equal(second.headers['idempotency-replayed'], 'true');
		assert.equal(second.text, first.text);
	});
	test('is one person\'s, and one route\'s', async () => {
		const ids = new Set([(await create('k-2')).json.data.id,
			(await create('k-2', email, api.as({ cookie: p.owner.cookie })))
				.json.data.id]);
		assert.equal(ids.size, 2);
		const other = await member.post(`${root}/imap/sync-messages`,
			{ credential_id: credential.id }, { 'idempotency-key': 'k-2' });
		assert.equal(other.status, 202);
	});
	test('with another body is refused', async () => {
		await create('k-3');
		const { status, json } = await create('k-3',
			{ ...email, subject: 'twice' });
		assert.deepEqual([status, json.code], [422, 'idempotency_key_reused']);
	});
	test('that failed made nothing, and may be used again', async () => {
		assert.equal((await create('k-4', { subject: 7 })).status, 422);
		assert.equal((await create('k-4')).status, 201);
	});
	test('sent ten times at once makes one', async () => {
		const answers = await Promise.all(
			Array.from({ length: 10 }, () => create('k-5')));
		const ids = answers.filter((a) => a.status === 201)
			.map((a) => a.json.data.id);
		assert.ok(ids.length >= 1);
		assert.equal(new Set(ids).size, 1);
		for (const a of answers.filter((x) => x.status !== 201))
			assert.deepEqual([a.status, a.json.code],
				[409, 'idempotency_in_progress']);
		assert.equal(sql(house, `SELECT count(*) FROM idempotency
			WHERE key = 'k-5'`), '1');
	});
	test('is forgotten after a day', async () => {
		const first = await create('k-6');
		sql(house, `UPDATE idempotency SET created_at = now() - interval
			'25 hours' WHERE key = 'k-6'`);
		const second = await create('k-6');
		assert.equal(second.status, 201);
		assert.notEqual(second.json.data.id, first.json.data.id);
	});
	test('must be one', async () => {
		for (const key of ['a b', 'x'.repeat(256)])
			assert.equal((await create(key)).json.errors[0].field,
				'Idempotency-Key');
	});
	test('shows a credential again without its secret', async () => {
		const make = () => member.post(`${root}/provider-credentials`, {
			provider_kind: 'imap', host: '127.0.0.1', port: 1,
			security_mode: 'none',
			secret: { username: 'u', password: 'canary-pw' },
		}, { 'idempotency-key': 'k-7' });
		const [first, second] = [await make(), await make()];
		assert.equal(second.headers['idempotency-replayed'], 'true');
		assert.equal(second.json.data.id, first.json.data.id);
		assert.ok(!second.text.includes('canary'));
		assert.ok(!sql(house, 'SELECT idempotency FROM idempotency')
			.includes('canary'));
	});
});
