// The complete workflow example of the third document, as it is printed there,
// with curl and jq, in the demo's house: mail account 1, rule 1. Its sleep is a
// mail that comes, its 42 the id that its own step 4 shows.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mailbox, message } from '../lib/mail.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const login = `
# 1. Login
curl -c cookie.txt -X POST \\
  -d "username=admin" \\
  -d "password=admin123" \\
  http://localhost:5001/login
`;
const start = `
# 2. Start watcher for account 1
curl -b cookie.txt -X POST \\
  http://localhost:5001/api/accounts/1/monitor/start
`;
const list = `
# 4. List held messages
curl -b cookie.txt http://localhost:5001/api/interception/held | jq '.emails[0]'
`;
const details = `
# 6. Get full details
curl -b cookie.txt "http://localhost:5001/api/interception/held/\${EMAIL_ID}" | jq '.'
`;
const edit = `
# 7. Edit the email
curl -b cookie.txt -H "Content-Type: application/json" -X POST \\
  -d '{
    "subject": "[REVIEWED] Updated Subject",
    "body_text": "Cleaned content"
  }' \\
  "http://localhost:5001/api/email/\${EMAIL_ID}/edit"
`;
const release = `
# 8. Release edited email
curl -b cookie.txt -H "Content-Type: application/json" -X POST \\
  -d '{"edited_subject": "[REVIEWED] Final", "edited_body": "Final text"}' \\
  "http://localhost:5001/api/interception/release/\${EMAIL_ID}"
`;
const verify = `
# 9. Verify in inbox
curl -b cookie.txt "http://localhost:5001/api/inbox?status=RELEASED" | jq '.messages[0]'
`;
const health = `
# 10. Check health metrics
curl http://localhost:5001/healthz | jq '.'
`;
/* What brings mail in where nobody watches. */
const poll = `
curl -s -b cookie.txt -X POST http://localhost:5001/api/imap/accounts/1/sync
`;

let house, imap, where, id = 42;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	imap = await mailbox(house, 'review');
	where = mkdtempSync(join(tmpdir(), 'workflow-'));
});
after(async () => {
	await imap?.logout();
	await house?.end();
	rmSync(where, { recursive: true });
});

/** Runs a piece of it; only the address is the house's. */
const bash = (text) => execFileSync('bash', ['-o', 'pipefail', '-ec',
	text.replaceAll('http://localhost:5001', house.review_url)],
{ cwd: where, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
	env: { ...process.env, EMAIL_ID: String(id) } });
const json = (text) => JSON.parse(bash(text));

async function inbox(subject) {
	const lock = await imap.getMailboxLock('INBOX');
	try {
		await imap.noop();
		if (imap.mailbox.exists === 0)
			return undefined;
		for await (const m of imap.fetch('1:*', { source: true,
			envelope: true }))
			if (m.envelope.subject === subject)
				return Buffer.from(m.source).toString();
		return undefined;
	} finally {
		lock.release();
	}
}

test('the workflow example ends as documented', async () => {
	bash(login);
	bash(start);
	assert.equal(json(poll).success, true);
	await imap.append('INBOX', message({ from: 'spam@example.com',
		subject: 'Urgent: Payment Required', more: 'Message-ID: ' +
		'<abc123@example.com>\n', body: '\nPay immediately.\n' }));
	assert.equal(json(poll).success, true);

	const held = json(list);
	assert.deepEqual([held.subject, held.sender, held.status,
		held.risk_score, held.keywords_matched, held.account_id],
	['Urgent: Payment Required', 'spam@example.com', 'HELD', 45,
		['urgent', 'payment'], 1]);
	assert.equal(await inbox('Urgent: Payment Required'), undefined);
	({ id } = held);

	const full = json(details);
	assert.deepEqual([full.id, full.body_text, full.headers['Message-ID']],
		[id, 'Pay immediately.\n', '<abc123@example.com>']);
	assert.deepEqual(json(edit), { ok: true,
		message: 'Email updated successfully', email_id: id });
	assert.deepEqual(json(release), { ok: true,
		message: 'Email released to INBOX', email_id: id,
		status: 'RELEASED', released_to: 'INBOX', edited: true,
		attachments_removed: [],
		edited_message_id: '<edited-abc123@example.com>' });
	const seen = json(verify);
	assert.deepEqual([seen.id, seen.subject, seen.status,
		seen.interception_status],
	[id, '[REVIEWED] Final', 'DELIVERED', 'RELEASED']);
	assert.equal(json(health).ok, true);

	const text = await inbox('[REVIEWED] Final');
	assert.match(text, /Final text/);
	assert.ok(!/Pay immediately|Cleaned content/.test(text), text);
	assert.equal(sql(house, `SELECT count(*) FROM hold
		WHERE state = 'released'`), '1');
});
