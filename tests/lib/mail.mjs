// Mail for tests: put into the house's Dovecot, and synced from there.
//
//	const house = await stack({ own: true, with: ['dovecot', 'sync'] });
//	const imap = await mailbox(house, 'support');
//	await imap.append('INBOX', message({ subject: 'x' }));
//	const credential = await connect(member, account, 'support');
//	await sync(member, account, credential);
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import imapflow from 'imapflow';

const address = (user) => `${user}@letterrack.test`;

/** A session of imapflow. Log out at the end. */
export async function mailbox(house, user) {
	const imap = new imapflow.ImapFlow({
		host: '127.0.0.1', port: Number(house.imap_port), secure: false,
		doSTARTTLS: false, logger: false,
		auth: { user: address(user), pass: 'letterrack' },
	});
	imap.on('error', () => {});
	await imap.connect();
	return imap;
}

const crlf = (text) => text.replace(/\r?\n/g, '\r\n');

/** A message as bytes; `body` brings its own header lines where it has parts. */
export function message({ subject = 'Hello', body = '\nHello.\n', more = '',
	from = 'Anna <anna@example.org>' }) {
	return Buffer.from(crlf(`From: ${from}\n` +
		'To: support@letterrack.test\n' +
		`Subject: ${subject}\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n` +
		`MIME-Version: 1.0\n${more}${body}`));
}

/** The credential that `who` makes for a mailbox of the house. */
export async function connect(who, account, user, more = {}) {
	const answer = await who.post(
		`/api/accounts/${account}/provider-credentials`, {
			provider_kind: 'imap', label: user, host: '127.0.0.1',
			port: Number(who.house.imap_port), security_mode: 'none',
			secret: { username: address(user), password: 'letterrack' },
			...more,
		});
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

/** Waits until a job has ended, and gives it. */
export async function ended(who, id, seconds = 60) {
	const until = Date.now() + seconds * 1000;
	for (;;) {
		const { json } = await who.get(`/api/jobs/${id}`);
		if (!['queued', 'running'].includes(json.data.state))
			return json.data;
		assert.ok(Date.now() < until, `job ${id} is ${json.data.state}`);
		await pause(25);
	}
}

/** Brings all folders of a credential into step. */
export async function sync(who, account, credential) {
	const answer = await who.post(
		`/api/accounts/${account}/imap/sync-messages`,
		{ credential_id: credential.id });
	assert.equal(answer.status, 202, answer.text);
	const job = await ended(who, answer.json.data.job_id);
	assert.equal(job.state, 'succeeded', job.last_error_detail);
	return job;
}

/** The email with this subject. */
export async function emailOf(who, account, subject) {
	const { json } = await who.get(`/api/accounts/${account}/emails?limit=200` +
		`&q=${encodeURIComponent(subject)}`);
	const found = json.data.filter((e) => e.subject === subject);
	assert.equal(found.length, 1, `${found.length} emails '${subject}'`);
	return found[0];
}

/** An answer without what is another in each. */
export const bare = (answer) => ({ status: answer.status,
	text: answer.text.replace(/"request_id":"[^"]*"/, '') });
