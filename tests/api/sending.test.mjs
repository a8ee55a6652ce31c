// Mail that accounts send, through a real Postfix into real mailboxes: what
// arrives is compared byte for byte, and who was refused is told.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { bare, connect, ended, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { standIn } from '../lib/smtp-stand-in.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const OUTSIDE = 'someone@elsewhere.test';

let house, api, p, root, member, viewer, owner, stranger, imap, smtp, sales;

/** The SMTP credential that `who` makes. */
async function sender(who, account, user, more = {}) {
	const answer = await who.post(
		`/api/accounts/${account}/provider-credentials`, {
			provider_kind: 'smtp', label: `${user} out`, host: '127.0.0.1',
			port: Number(house.submission_port), security_mode: 'none',
			email_address: `${user}@letterrack.test`,
			secret: { username: `${user}@letterrack.test`,
				password: 'letterrack' },
			...more,
		});
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, owner, stranger] = ['member', 'viewer', 'owner',
		'stranger'].map((who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'outside');
	imap.setMaxListeners(0);
	sales = await sender(member, p.account, 'sales');
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

/** The one message with this Message-ID that has come outside, however many got
 *  it there: its bytes. */
async function arrived(id) {
	for (let i = 0; i < 100; i++) {
		const lock = await imap.getMailboxLock('INBOX');
		try {
			await imap.noop();
			const found = await imap.search({ header: { 'message-id': id } },
				{ uid: true });
			if (found.length > 0) {
				assert.equal(found.length, 1, `${found.length} copies`);
				return (await imap.fetchOne(found[0], { source: true },
					{ uid: true })).source;
			}
		} finally {
			lock.release();
		}
		await Promise.race([once(imap, 'exists'), pause(200)]);
	}
	return assert.fail(`${id} does not come`);
}

/** What the server writes before a message, taken away. */
const sent = (bytes) => {
	const text = bytes.toString('latin1');
	return text.slice(text.indexOf('From: '));
};
const headOf = (bytes) => {
	const text = bytes.toString('latin1');
	return text.slice(0, text.indexOf('\r\n\r\n')).replace(/\r\n[ \t]/g, ' ');
};
const field = (bytes, name) =>
	new RegExp(`^${name}: (.*)$`, 'mi').exec(headOf(bytes))?.[1];
const words = (text) => text.replace(/\?=\s+=\?/g, '?==?')
	.replace(/=\?UTF-8\?B\?([^?]*)\?=/gi, (_, word) =>
		Buffer.from(word, 'base64').toString('latin1'));
const decoded = (text) => Buffer.from(words(text), 'latin1').toString();

const letter = (more = {}) => ({ credential_id: sales.id,
	direction: 'outbound', from_json: [{ address: 'sales@letterrack.test' }],
	to_json: [{ address: OUTSIDE }], subject: 'Hello', text_body: 'Hello.\n',
	...more });
const post = (body, who = member, more = {}) =>
	who.post(`${root}/smtp/messages`, body, more);
const send = (body, who = member, more = {}) =>
	who.post('/api/emails/send', body, more);

/** The email that a task sends. */
const emailOf = async (task) => {
	const { json } = await member.get(`/api/tasks/${task}`);
	return (await member.get(`/api/emails/${json.data.payload.email_id}`))
		.json.data;
};

/** Sends and waits: { job, email }. */
async function through(body) {
	const answer = await post(body);
	assert.equal(answer.status, 202, answer.text);
	const { task_id: task, job_id: id } = answer.json.data;
	const job = await ended(member, id);
	return { job, email: await emailOf(task) };
}

describe('a message of the first document', () => {
	test('arrives once, its bytes as they were kept, with Bcc in no line of ' +
		'it', async () => {
		const { job, email } = await through(letter({
			to_json: [{ name: 'A. "B", C', address: OUTSIDE }],
			cc_json: [{ address: 'cc@elsewhere.test' }],
			bcc_json: [{ address: 'secret@elsewhere.test' }],
			reply_to_json: [{ address: 'answers@letterrack.test' }],
			subject: 'Один two 三 أربعة ห้า έξι', text_body: 'One.\n.\n.two\nöß\n',
			html_body: '<p>öß</p>',
		}));
		assert.deepEqual([job.state, job.action], ['succeeded',
			'smtp_send_message'], job.last_error_detail);
		assert.deepEqual([email.direction, email.status, email.subject,
			email.to_json, email.bcc_json, email.is_read],
		['outbound', 'accepted', 'Один two 三 أربعة ห้า έξι',
			[{ name: 'A. "B", C', address: OUTSIDE }],
			[{ name: null, address: 'secret@elsewhere.test' }], true]);
		const bytes = await arrived(email.message_id);
		assert.equal(sent(bytes).length, email.size_bytes);
		assert.equal(decoded(field(bytes, 'Subject')), email.subject);
		assert.equal(field(bytes, 'Reply-To'), 'answers@letterrack.test');
		assert.equal(field(bytes, 'Cc'), 'cc@elsewhere.test');
		assert.ok(!sent(bytes).includes('secret'));
		const kept = sql(house, `SELECT encode(message, 'base64')
			FROM submission WHERE message_id = '${email.message_id}'`);
		assert.equal(sent(bytes),
			Buffer.from(kept, 'base64').toString('latin1'));
	});

	test('carries attachments byte for byte', async () => {
		const bytes = randomBytes(3 << 20);
		const { email } = await through(letter({ attachments: [
			{ filename: 'Bericht äöü.bin', content_type: 'application/x-lr',
				content_b64: bytes.toString('base64') },
			{ filename: 'p.png', content_type: 'image/png',
				content_b64: Buffer.from('png').toString('base64'),
				disposition: 'inline', content_id: 'p1' },
		], html_body: '<img src="cid:p1">' }));
		assert.equal(email.has_attachments, true);
		const got = (await arrived(email.message_id)).toString('latin1');
		const part = got.slice(got.indexOf('application/x-lr'));
		const start = part.indexOf('\r\n\r\n') + 4;
		const body = part.slice(start, part.indexOf('\r\n--', start));
		assert.ok(bytes.equals(Buffer.from(body, 'base64')));
		assert.match(got, /Content-ID: <p1>/i);
	});

	test('answers a mail with all its References', async () => {
		const support = await mailbox(house, 'support');
		const credential = await connect(member, p.account, 'support');
		await support.append('INBOX', message({ subject: 'question',
			more: 'Message-ID: <three@x.test>\nIn-Reply-To: <two@x.test>\n' +
				'References: <one@x.test>\n <two@x.test>\n' }));
		await support.logout();
		await sync(member, p.account, credential);
		const { json } = await member.get(`${root}/emails?q=question`);
		const { email } = await through(letter({
			in_reply_to_email_id: json.data[0].id }));
		const bytes = await arrived(email.message_id);
		assert.equal(field(bytes, 'In-Reply-To'), '<three@x.test>');
		assert.equal(field(bytes, 'References'),
			'<one@x.test> <two@x.test> <three@x.test>');
	});

	test('tells each refused recipient, and gives it to the others',
		async () => {
			const { job, email } = await through(letter({ to_json: [
				{ address: OUTSIDE },
				{ address: 'bounce-5xx@elsewhere.test' },
				{ address: 'third@elsewhere.test' }] }));
			assert.deepEqual([job.state, job.last_error_code],
				['failed', 'recipient_rejected']);
			assert.match(job.last_error_detail,
				/^bounce-5xx@elsewhere\.test: .*5\d\d/);
			assert.equal(email.status, 'accepted');
			await arrived(email.message_id);
			const events = JSON.parse(sql(house, `SELECT json_agg(
				json_build_object(name, data->'recipients') ORDER BY id)
				FROM event WHERE data->>'message_id' = '${email.message_id}'`));
			assert.deepEqual(events, [
				{ 'email.sent': [OUTSIDE, 'third@elsewhere.test'] },
				{ 'email.failed': ['bounce-5xx@elsewhere.test'] }]);
			/* Tried again it is asked for the refused one alone. */
			assert.equal((await member.post(`/api/jobs/${job.id}/retry`))
				.status, 202);
			assert.equal((await ended(member, job.id)).state, 'failed');
			await arrived(email.message_id);
		});

	test('waits for a deferred recipient, and for that one alone', async () => {
		const answer = await post(letter({ to_json: [{ address: OUTSIDE },
			{ address: 'defer-4xx@elsewhere.test' }] }));
		const { task_id: task, job_id: id } = answer.json.data;
		let job;
		do {
			await pause(25);
			job = (await member.get(`/api/jobs/${id}`)).json.data;
		} while (!job.last_error_code);
		assert.deepEqual([job.state, job.last_error_code],
			['queued', 'transient_connection']);
		const email = await emailOf(task);
		assert.equal(email.status, 'queued');
		await arrived(email.message_id);
		await member.post(`/api/jobs/${id}/trigger`);
		do {
			await pause(25);
			job = (await member.get(`/api/jobs/${id}`)).json.data;
		} while (job.attempt_count < 2 || job.state === 'running');
		await arrived(email.message_id);
		assert.equal(sql(house, `SELECT string_agg(r.state, ',' ORDER BY n)
			FROM submission s JOIN submission_recipient r
			ON r.submission_id = s.id
			WHERE message_id = '${email.message_id}'`), 'accepted,queued');
		/* Five days are over. */
		sql(house, `UPDATE submission SET first_at = now() - interval '121 hours'
			WHERE message_id = '${email.message_id}'`);
		await member.post(`/api/jobs/${id}/trigger`);
		job = await ended(member, id);
		assert.equal(job.state, 'failed');
		assert.match(job.last_error_detail, /^defer-4xx@elsewhere\.test: .*4\d\d/);
	});

	test('waits for its time', async () => {
		const at = new Date(Math.ceil(Date.now() / 1000) * 1000 +
			3600000).toISOString();
		const { json } = await post(letter({ send_at: at }));
		const job = (await member.get(`/api/jobs/${json.data.job_id}`)).json.data;
		assert.equal(job.state, 'queued');
		assert.equal(Date.parse(job.run_at), Date.parse(at));
		const email = await emailOf(json.data.task_id);
		assert.equal(email.status, 'queued');
		await member.post(`/api/jobs/${job.id}/trigger`);
		assert.equal((await ended(member, job.id)).state, 'succeeded');
		await arrived(email.message_id);
		assert.equal((await post(letter({ send_at: '2099-01-01T00:00:00Z' })))
			.json.errors[0].field, 'send_at');
	});

	test('is made once under an Idempotency-Key', async () => {
		const key = { 'idempotency-key': randomBytes(8).toString('hex') };
		const first = await post(letter(), member, key);
		const second = await post(letter(), member, key);
		assert.deepEqual(second.json, first.json);
		assert.equal(second.headers['idempotency-replayed'], 'true');
		await ended(member, first.json.data.job_id);
		const email = await emailOf(first.json.data.task_id);
		await arrived(email.message_id);
		assert.equal((await post(letter({ subject: 'other' }), member, key))
			.status, 422);
	});
});

describe('the copy in the Sent folder', () => {
	let own, box, credential;

	before(async () => {
		own = await sender(member, p.account, 'anna', { label: 'filed' });
		credential = await connect(member, p.account, 'anna',
			{ label: 'files', smtp_credential_id: own.id });
		box = await mailbox(house, 'anna');
	});
	after(() => box?.logout());

	/** The copies: [{ source, flags, uid }]. */
	async function copies(id) {
		const lock = await box.getMailboxLock('Sent');
		try {
			await box.noop();
			const found = await box.search({ header: { 'message-id': id } },
				{ uid: true });
			return found.length === 0 ? [] : await box.fetchAll(found,
				{ source: true, flags: true, uid: true }, { uid: true });
		} finally {
			lock.release();
		}
	}
	const filed = (id) => ended(member, sql(house, `SELECT 'job_' ||
		max(j.id) FROM submission s JOIN job j ON j.task_id = s.file_task_id
		WHERE s.message_id = '${id}'`));
	const mine = (more) => letter({ credential_id: own.id,
		from_json: undefined, ...more });

	test('is the same bytes, read, and the same email', async () => {
		const { email } = await through(mine({ subject: 'to be filed',
			bcc_json: [{ address: 'secret@elsewhere.test' }] }));
		const job = await filed(email.message_id);
		assert.deepEqual([job.state, job.action, job.credential_id],
			['succeeded', 'imap_file_sent', credential.id],
			job.last_error_detail);
		const [copy, ...more] = await copies(email.message_id);
		assert.equal(more.length, 0);
		assert.ok(copy.flags.has('\\Seen'));
		assert.equal(copy.source.toString('latin1'),
			sent(await arrived(email.message_id)));
		const { json } = await member.get(`/api/emails/${email.id}`);
		assert.deepEqual([json.data.status, json.data.folder, json.data.uid,
			json.data.credential_id],
		['filed', 'Sent', copy.uid, credential.id]);
		/* Two syncs later it is one email still. */
		for (let i = 0; i < 2; i++)
			await sync(member, p.account, credential);
		const list = (await member.get(`${root}/emails?q=to+be+filed`)).json;
		assert.deepEqual(list.data.map((e) => e.id), [email.id]);
		assert.equal(list.data[0].folder, 'Sent');
		assert.equal(sql(house, `SELECT message IS NULL FROM submission
			WHERE message_id = '${email.message_id}'`), 't');
		const text = await member.get(`${root}/emails/${email.id}/body`);
		assert.match(text.json.data.text, /Hello\./);
	});

	test('that cannot be written sends nothing again', async () => {
		sql(house, `UPDATE credential SET port = 9
			WHERE id = ${credential.id.slice(3)}`);
		const { job, email } = await through(mine());
		assert.equal(job.state, 'succeeded');
		await arrived(email.message_id);
		const id = sql(house, `SELECT 'job_' || max(j.id) FROM submission s
			JOIN job j ON j.task_id = s.file_task_id
			WHERE s.message_id = '${email.message_id}'`);
		let filing;
		do {
			await pause(25);
			filing = (await member.get(`/api/jobs/${id}`)).json.data;
		} while (!filing.last_error_code);
		assert.equal(filing.state, 'queued');
		sql(house, `UPDATE credential SET port = ${house.imap_port}
			WHERE id = ${credential.id.slice(3)}`);
		await member.post(`/api/jobs/${id}/trigger`);
		assert.equal((await ended(member, id)).state, 'succeeded');
		assert.equal((await copies(email.message_id)).length, 1);
		await arrived(email.message_id);
	});
});

describe('what is refused at once', () => {
	for (const [what, more, field] of [
		['nobody to get it', { to_json: [] }, 'to_json'],
		['a foreign From', { from_json: [{ address: 'ceo@bank.test' }] },
			'from_json[0].address'],
		['a line end in an address', { to_json: [
			{ address: 'a@b.test\r\nRCPT TO:<c@d.test>' }] },
		'to_json[0].address'],
		['a line end in the subject', { subject: 'a\r\nBcc: x@y.test' },
			'subject'],
		['a broken attachment', { attachments: [{ content_b64: '!!' }] },
			'attachments[0].content_b64'],
		['a content type with a header in it', { attachments: [{
			content_b64: '', content_type: 'a/b; x=y\u0001' }] },
		'attachments[0].content_type'],
		['an email that is not there', { in_reply_to_email_id: 'eml_999999999' },
			'in_reply_to_email_id'],
		['a credential that is not there', { credential_id: 'pc_999999999' },
			'credential_id'],
		['a field that nobody knows', { bcc: [] }, 'bcc'],
	])
		test(`${what} is a fault of ${field}`, async () => {
			const before = sql(house, 'SELECT count(*) FROM submission');
			const { status, json } = await post(letter(more));
			assert.equal(status, 422, JSON.stringify(json));
			assert.equal(json.errors[0].field, field);
			assert.equal(sql(house, 'SELECT count(*) FROM submission'), before);
		});

	test('more than a thousand recipients', async () => {
		const many = Array.from({ length: 600 }, (_, i) =>
			({ address: `a${i}@b.test` }));
		const { status, json } = await post(letter({ to_json: many,
			cc_json: many }));
		assert.deepEqual([status, json.errors[0].field], [422, 'to_json']);
	});

	test('an IMAP credential, and one that is off', async () => {
		const c = await connect(member, p.account, 'anna', { label: 'in' });
		assert.equal((await post(letter({ credential_id: c.id })))
			.json.errors[0].code, 'not_smtp');
		const off = await sender(member, p.account, 'review',
			{ is_active: false });
		assert.equal((await post(letter({ credential_id: off.id,
			from_json: undefined }))).status, 409);
	});

	test('a viewer, a stranger, another\'s personal credential', async () => {
		assert.equal((await post(letter(), viewer)).status, 403);
		assert.equal((await send({ to: OUTSIDE }, viewer)).status, 403);
		assert.equal((await post(letter(), stranger)).status, 403);
		const theirs = await stranger.post(
			`/api/accounts/${p.other}/smtp/messages`, letter());
		const missing = await stranger.post(
			`/api/accounts/${p.other}/smtp/messages`,
			letter({ credential_id: 'pc_999999999' }));
		assert.deepEqual(bare(theirs), bare(missing));
		const own = await sender(member, p.account, 'anna');
		sql(house, `UPDATE credential SET user_id = ${p.member.user}
			WHERE id = ${own.id.slice(3)}`);
		const body = letter({ credential_id: own.id, from_json: undefined });
		assert.deepEqual(bare(await post(body, owner)), bare(await post(
			letter({ credential_id: 'pc_999999999', from_json: undefined }),
			owner)));
		const { json } = await post(body);
		await ended(member, json.data.job_id);
		const task = (await member.get(`/api/tasks/${json.data.task_id}`))
			.json.data;
		for (const path of [`/api/emails/${task.payload.email_id}`,
			`/api/tasks/${task.id}`, `/api/jobs/${json.data.job_id}`])
			assert.equal((await owner.get(path)).status, 404, path);
	});
});

describe('a message of the second document', () => {
	test('needs a default sender', async () => {
		const { status, json } = await send({ to: OUTSIDE, subject: 'x',
			body_text: 'x' });
		assert.deepEqual([status, json.code, json.success],
			[409, 'NO_SENDER', false]);
		smtp = await sender(member, p.account, 'support',
			{ is_default: true });
	});

	test('is answered when the server has taken it', async () => {
		const { status, json, text } = await send({ to: OUTSIDE,
			cc: ['cc@elsewhere.test'], bcc: [], subject: 'Your Inquiry',
			body_html: '<p>Dear</p>', body_text: 'Dear', attachments: [] });
		assert.equal(status, 201, text);
		const { email } = json;
		assert.deepEqual([json.success, email.subject, email.to_addresses,
			email.cc_addresses, email.status],
		[true, 'Your Inquiry', [OUTSIDE], ['cc@elsewhere.test'], 'accepted']);
		const { thread } = (await member.get(
			`/api/threads/${email.thread_id}`)).json;
		assert.deepEqual([thread.subject, thread.emails.map((e) => e.id)],
			['Your Inquiry', [email.id]]);
		assert.match(email.sent_at, /\+00:00$/);
		const bytes = await arrived(email.message_id);
		assert.equal(field(bytes, 'From'), 'support@letterrack.test');
		assert.equal(smtp.email_address, 'support@letterrack.test');
	});

	test('is sent though no worker stays', async () => {
		await house.stop('sync');
		const { status, json } = await send({ to: [OUTSIDE], body_text: 'x' });
		assert.deepEqual([status, json.email.status], [201, 'accepted']);
		await arrived(json.email.message_id);
		await house.start('sync');
	});

	test('says who was refused, and fails where all were', async () => {
		const { status, json } = await send({ to: [OUTSIDE,
			'bounce-5xx@elsewhere.test'], body_text: 'x' });
		assert.equal(status, 201);
		assert.deepEqual(json.email.recipients.map((r) => [r.address, r.state]),
			[[OUTSIDE, 'accepted'], ['bounce-5xx@elsewhere.test', 'failed']]);
		assert.equal(json.email.recipients[1].code >= 500, true);
		const none = await send({ to: 'bounce-5xx@elsewhere.test',
			body_text: 'x' });
		assert.deepEqual([none.status, none.json.code],
			[502, 'RECIPIENT_REJECTED']);
		assert.ok(none.json.email_id > 0 && none.json.task_id > 0);
	});

	test('is queued where the server wants it later', async () => {
		const { status, json } = await send({ to: 'defer-4xx@elsewhere.test',
			body_text: 'x' });
		assert.deepEqual([status, json.email.status], [201, 'queued']);
		assert.ok(json.email.task_id > 0);
	});

	test('is made once under an Idempotency-Key', async () => {
		const key = { 'idempotency-key': randomBytes(8).toString('hex') };
		const body = { to: OUTSIDE, subject: 'once', body_text: 'x' };
		const first = await send(body, member, key);
		const second = await send(body, member, key);
		assert.equal(second.text, first.text);
		await arrived(first.json.email.message_id);
	});

	test('names the field at fault', async () => {
		for (const [body, name] of [[{ body_text: 'x' }, 'to'],
			[{ to: 'no address' }, 'to'], [{ to: OUTSIDE,
				body_text: 'x', attachments: [{ content_b64: '*' }] },
			'attachments[0].content_b64']]) {
			const { status, json } = await send(body);
			assert.equal(status, 400);
			assert.ok(JSON.stringify(json).includes(`"${name}"`), name);
		}
		const { status, json } = await send({ to: OUTSIDE,
			thread_id: 999999999 });
		assert.deepEqual([status, json.code], [404, 'THREAD_NOT_FOUND']);
	});

	test('answers a thread, and is in it', async () => {
		const first = (await member.post(`${root}/emails`, {
			subject: 'Question', message_id: `<${randomBytes(8)
				.toString('hex')}@elsewhere.test>`,
			from_json: [{ name: 'John', address: OUTSIDE }],
			to_json: [{ name: null, address: 'support@letterrack.test' }],
		})).json.data;
		const where = `/api/threads/${first.thread_id}`;
		const { status, json, text } = await member.post(`${where}/reply`, {
			body_html: '<p>Thank you for your inquiry...</p>',
			body_text: 'Thank you for your inquiry...', attachments: [] });
		assert.equal(status, 200, text);
		assert.deepEqual([json.success, json.email.subject,
			json.email.to_addresses, json.email.thread_id],
		[true, 'Re: Question', [OUTSIDE], first.thread_id]);
		const bytes = await arrived(json.email.message_id);
		assert.equal(field(bytes, 'In-Reply-To'), first.message_id);
		assert.equal(field(bytes, 'References'), first.message_id);
		const more = await send({ to: OUTSIDE, subject: 'Besides',
			body_text: 'x', thread_id: first.thread_id });
		assert.equal(more.json.email.thread_id, first.thread_id);
		const { thread } = (await member.get(where)).json;
		assert.deepEqual([thread.email_count, thread.emails.map((e) =>
			[e.thread_rule, e.is_outgoing]).sort()], [3, [['sent', true],
			['sent', true], ['started', false]]]);
		// who answers it comes after it
		const answer = (await member.post(`${root}/emails`, {
			subject: 'Re: Besides', in_reply_to: more.json.email.message_id,
			from_json: [{ name: 'John', address: OUTSIDE }] })).json.data;
		assert.equal(answer.thread_id, first.thread_id);
		const empty = (await member.post('/api/threads', { subject: 'x' }))
			.json.thread.id;
		const nobody = await member.post(`/api/threads/${empty}/reply`,
			{ body_text: 'x' });
		assert.deepEqual([nobody.status, nobody.json.code],
			[409, 'NOBODY_TO_ANSWER']);
		assert.equal((await viewer.post(`${where}/reply`,
			{ body_text: 'x' })).status, 403);
		const foreign = await stranger.post(`${where}/reply`,
			{ body_text: 'x' });
		assert.deepEqual([foreign.status, foreign.json.code],
			[404, 'THREAD_NOT_FOUND']);
	});

	test('is answered under the id that a provider gives it', async (t) => {
		const id = `${randomBytes(6).toString('hex')}@eurprd01.prod.outlook.com`;
		const provider = await standIn({ says: () =>
			`2.0.0 OK <${id}> [Hostname=x.prod.outlook.com]` });
		t.after(() => provider.end());
		const put = (port) => sql(house, `UPDATE credential SET port = ${port}
			WHERE id = ${smtp.id.slice(3)}`);
		put(provider.port);
		try {
			const { status, json, text } = await send({ to: OUTSIDE,
				subject: 'Renamed', body_text: 'x' });
			assert.equal(status, 201, text);
			/* the job keeps the id behind what the answer tells of */
			await ended(member, sql(house, `SELECT 'job_' || max(id) FROM job
				WHERE task_id = ${json.email.task_id}`));
			const answer = (await member.post(`${root}/emails`, {
				subject: 'Re: Renamed', in_reply_to: `<${id}>`,
				from_json: [{ name: 'John', address: OUTSIDE }] })).json.data;
			assert.equal(answer.thread_id, json.email.thread_id);
			/* and where the first document's message was in none yet */
			const { email } = await through({ ...letter({
				subject: 'Renamed, too' }), credential_id: smtp.id,
			from_json: undefined });
			assert.equal((await member.post(`${root}/emails`, {
				subject: 'Re: Renamed, too', in_reply_to: `<${id}>`,
				from_json: [{ name: 'John', address: OUTSIDE }] }))
				.json.data.thread_id, (await member.get(
				`/api/emails/${email.id}`)).json.data.thread_id);
		} finally {
			put(house.submission_port);
		}
	});

	test('waits twenty seconds for a server that says nothing', async (t) => {
		const deaf = net.createServer(() => {}).listen(0, '127.0.0.1');
		await once(deaf, 'listening');
		t.after(() => deaf.close());
		sql(house, `UPDATE credential SET port = ${deaf.address().port}
			WHERE id = ${smtp.id.slice(3)}`);
		const began = Date.now();
		const { status, json } = await send({ to: OUTSIDE, body_text: 'x' });
		const took = Date.now() - began;
		assert.deepEqual([status, json.email.status], [201, 'queued']);
		assert.ok(took >= 19000 && took < 28000, `${took} ms`);
		sql(house, `UPDATE credential SET port = ${house.submission_port}
			WHERE id = ${smtp.id.slice(3)}`);
	});
});
