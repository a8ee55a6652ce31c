// Mail accounts that are opened with tokens, at a real Dovecot and a Postfix that
// asks it: what they make of a token that is good, and of one that is not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { mailbox, message } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { giveTokens } from '../lib/token-giver.mjs';

const USER = 'support@letterrack.test';

let house, p, member, root, giver, asked, dir, imap, outside, n = 0;

/** Tells Dovecot which tokens are good (RFC 7662). */
async function introspection() {
	const seen = [];
	const server = http.createServer(async (request, reply) => {
		let body = '';
		for await (const piece of request)
			body += piece;
		const token = new URLSearchParams(body).get('token');
		seen.push(token);
		reply.writeHead(200, { 'content-type': 'application/json' });
		reply.end(JSON.stringify(giver.open.has(token)
			? { active: true, username: USER } : { active: false }));
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(seen, {
		url: `http://127.0.0.1:${server.address().port}/`,
		end: () => server.close() });
}

/** Dovecot takes tokens, too. */
async function takeTokens() {
	const etc = `${house.state}/etc`;
	mkdirSync(`${etc}/dovecot.d`, { recursive: true });
	writeFileSync(`${etc}/dovecot-oauth2`, [
		`introspection_url = ${asked.url}`, 'introspection_mode = post',
		'username_attribute = username', 'active_attribute = active',
		'active_value = true', ''].join('\n'));
	writeFileSync(`${etc}/dovecot.d/oauth2.conf`, `
		auth_mechanisms = plain login xoauth2 oauthbearer
		passdb {
			driver     = oauth2
			mechanisms = xoauth2 oauthbearer
			args       = ${etc}/dovecot-oauth2
		}
		`);
	for (const part of ['dovecot', 'postfix']) {
		await house.stop(part);
		await house.start(part);
	}
}

before(async () => {
	giver = await giveTokens();
	asked = await introspection();
	dir = mkdtempSync('/tmp/lr-bearer.');
	chmodSync(dir, 0o755);
	writeFileSync(`${dir}/secret`, 'se+cr&et\n', { mode: 0o600 });
	house = await stack({ own: true, with: ['dovecot', 'postfix'],
		set: ['google_client_id = cid',
			`google_client_secret_file = ${dir}/secret`,
			`google_token_url = ${giver.url}`] });
	execFileSync('chown', [house.user, `${dir}/secret`]);
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	await takeTokens();
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	outside = await mailbox(house, 'outside');
});
after(async () => {
	await imap?.logout();
	await outside?.logout();
	await house?.end();
	await giver?.end();
	asked?.end();
	rmSync(dir, { recursive: true, force: true });
});

async function credential(kind, port, more = {}) {
	const refresh = `first-${++n}`;
	giver.refresh.set(refresh, `them-${n}`);
	const { status, text, json } = await member.post(
		`${root}/provider-credentials`, { provider_kind: kind, label: kind,
			host: '127.0.0.1', port: Number(port), security_mode: 'none',
			auth_kind: 'oauth2', provider_type: 'google', email_address: USER,
			secret: { username: USER, refresh_token: refresh }, ...more });
	assert.equal(status, 201, text);
	return json.data;
}
const job = async (id) => (await member.get(`/api/jobs/${id}`)).json.data;
async function run(path, body) {
	const { status, text, json } = await member.post(`${root}/${path}`, body);
	assert.equal(status, 202, text);
	await aside(house, 'bin/letterrack-sync', ['--quiet', '--job',
		json.data.job_id]);
	return job(json.data.job_id);
}
const sync = (c) => run('imap/sync-messages', { credential_id: c.id });
const send = (c) => run('smtp/messages', { credential_id: c.id,
	to_json: [{ address: 'someone@elsewhere.test' }], subject: `With ${n}`,
	text_body: 'Hello.\n' });
const status = (c) => sql(house, `SELECT status FROM credential
	WHERE id = ${c.id.slice(3)}`);

describe('a token', () => {
	test('opens a mailbox', async () => {
		const c = await credential('imap', house.imap_port);
		await imap.append('INBOX', message({ subject: 'for a bearer' }));
		const done = await sync(c);
		assert.equal(done.state, 'succeeded', done.last_error_detail);
		assert.equal(asked.at(-1), `access-${giver.n}`);
		assert.equal(sql(house, `SELECT count(*) FROM email
			WHERE credential_id = ${c.id.slice(3)}
			AND subject = 'for a bearer'`), '1');
		assert.equal(status(c), 'valid');
	});
	test('hands mail over', async () => {
		const c = await credential('smtp', house.submission_port);
		const done = await send(c);
		assert.equal(done.state, 'succeeded', done.last_error_detail);
		assert.equal(asked.at(-1), `access-${giver.n}`);
		assert.equal(status(c), 'valid');
	});
	for (const [kind, port, use] of [['imap', 'imap_port', sync],
		['smtp', 'submission_port', send]])
		test(`that is taken back opens no ${kind}, and says so`, async () => {
			const c = await credential(kind, house[port]);
			assert.equal((await use(c)).state, 'succeeded');
			giver.open.clear();
			const done = await use(c);
			assert.equal(done.last_error_code, 'auth_expired',
				done.last_error_detail);
			assert.equal(status(c), 'expired');
			assert.ok(!JSON.stringify(done).includes('access-'));
		});
});
