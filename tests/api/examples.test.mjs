// The second document's examples, run by curl as they are printed, by an admin
// who is user 1: only the base URL is another, and a cookie is added.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const BASE = 'http://ci-inbox.local';
const TOKEN = 'your-secret-token-here';

const examples = {
	list: `curl -X GET "http://ci-inbox.local/api/threads?status=open&limit=10" \\
  -H "Content-Type: application/json"`,
	create: `curl -X POST "http://ci-inbox.local/api/threads" \\
  -H "Content-Type: application/json" \\
  -d '{
    "subject": "New Customer Inquiry",
    "status": "open"
  }'`,
	note: `curl -X POST "http://ci-inbox.local/api/threads/123/notes" \\
  -H "Content-Type: application/json" \\
  -d '{
    "content": "Customer contacted via phone",
    "user_id": 1
  }'`,
	reply: `curl -X POST "http://ci-inbox.local/api/threads/123/reply" \\
  -H "Content-Type: application/json" \\
  -d '{
    "body_html": "<p>Thank you for your inquiry...</p>",
    "body_text": "Thank you for your inquiry..."
  }'`,
	poll: `curl -X POST http://ci-inbox.local/webhooks/poll-emails \\
  -H "X-Webhook-Token: your-secret-token-here"`,
};

let house, account, admin, cookie;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix', 'sync'],
		set: [`webcron_secret_token = ${TOKEN}`] });
	cookie = randomBytes(32).toString('base64url');
	const hash = createHash('sha256').update(cookie).digest('hex');
	/* Threads begin where the examples do; the first user is an admin. */
	const [application, role, first] = sql(house, `SELECT u.application_id,
		u.role, min(a.id) FROM app_user u JOIN account a USING (application_id)
		WHERE u.id = 1 GROUP BY 1, 2`).split('|');
	assert.equal(role, 'admin');
	account = first;
	sql(house, `SELECT setval(pg_get_serial_sequence('thread', 'id'), 122);
		UPDATE credential SET sync_mode = 'off';
		UPDATE app_user SET active_account_id = ${account} WHERE id = 1;
		INSERT INTO session (application_id, user_id, token_hash, idle_seconds,
		expires_at) VALUES (${application}, 1, '\\x${hash}', 3600,
		now() + interval '1 day')`);
	admin = client(house).as({ cookie });
	const smtp = await admin.post(
		`/api/accounts/${account}/provider-credentials`, {
			provider_kind: 'smtp', host: '127.0.0.1', label: 'examples',
			port: Number(house.submission_port), security_mode: 'none',
			email_address: 'support@letterrack.test', is_default: true,
			secret: { username: 'support@letterrack.test',
				password: 'letterrack' } });
	assert.equal(smtp.status, 201, smtp.text);
});
after(() => house?.end());

/** What curl prints, and the status. */
function run(name) {
	const line = examples[name].replaceAll(BASE, house.url)
		.replace(/^curl /, `curl -sS -w '\\n%{http_code}' -b 'session=${
			cookie}' `);
	const out = execFileSync('bash', ['-c', line], { encoding: 'utf8' });
	const at = out.lastIndexOf('\n');
	return { status: Number(out.slice(at + 1)),
		json: JSON.parse(out.slice(0, at)) };
}

describe('the second document\'s examples', () => {
	test('make a thread, which is 123, and list it', async () => {
		const { status, json } = run('create');
		assert.equal(status, 201);
		assert.equal(json.success, true);
		assert.equal(json.thread.id, 123);
		assert.deepEqual([json.thread.subject, json.thread.status,
			json.thread.email_count], ['New Customer Inquiry', 'open', 0]);
		const list = run('list');
		assert.equal(list.status, 200);
		assert.deepEqual(list.json.threads.map((t) => t.id), [123]);
		assert.deepEqual([list.json.meta.total, list.json.meta.limit,
			list.json.meta.offset], [1, 10, 0]);
	});
	test('note something beside it, by user 1', async () => {
		const { status, json } = run('note');
		assert.equal(status, 201, JSON.stringify(json));
		assert.deepEqual([json.note.thread_id, json.note.user_id,
			json.note.content, json.note.position],
		[123, 1, 'Customer contacted via phone', 1]);
		const { thread } = (await admin.get('/api/threads/123')).json;
		assert.deepEqual(thread.notes, [json.note]);
	});
	test('answer it, where it has mail', async () => {
		const mail = (await admin.post(
			`/api/accounts/${account}/emails`, { subject: 'Inquiry',
				message_id: '<inquiry@example.com>', from_json: [
					{ name: 'John Doe', address: 'customer@example.com' }] }))
			.json.data;
		const put = await admin.post(
			`/api/threads/123/emails/${mail.id.slice(4)}/assign`);
		assert.equal(put.status, 200, put.text);
		const { status, json } = run('reply');
		assert.equal(status, 200, JSON.stringify(json));
		assert.deepEqual([json.success, json.email.to_addresses,
			json.email.thread_id, json.email.subject],
		[true, ['customer@example.com'], 123, 'Re: Inquiry']);
		const { thread } = (await admin.get('/api/threads/123')).json;
		assert.deepEqual(thread.emails.map((e) => e.is_outgoing),
			[false, true]);
		assert.equal(sql(house, `SELECT in_reply_to FROM email
			WHERE id = ${json.email.id}`), '<inquiry@example.com>');
	});
	test('poll all mail accounts', () => {
		const { status, json } = run('poll');
		assert.equal(status, 200, JSON.stringify(json));
		assert.equal(json.success, true);
		assert.deepEqual(Object.keys(json.data).sort(), ['accounts_polled',
			'duration_seconds', 'errors', 'total_new_emails']);
	});
});
