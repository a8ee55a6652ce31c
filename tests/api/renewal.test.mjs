// Tokens of mail accounts that are renewed ahead of their end: at a giver that is
// as strict as any, and by workers that are killed on their way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { keepLedger } from '../lib/ledger.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { giveTokens } from '../lib/token-giver.mjs';

let house, p, member, root, ledger, giver, imap, dir;

/** An IMAP server that hears who comes with which token, and lets nobody in. */
async function imapDoor() {
	const door = { tokens: [] };
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.write('* OK ready\r\n');
		let rest = '';
		socket.on('data', (piece) => {
			rest += piece;
			for (let end; (end = rest.indexOf('\r\n')) >= 0;) {
				const [tag, verb, , word] = rest.slice(0, end).split(' ');
				rest = rest.slice(end + 2);
				if (verb === 'CAPABILITY')
					socket.write('* CAPABILITY IMAP4rev1 SASL-IR ' +
						`AUTH=XOAUTH2\r\n${tag} OK\r\n`);
				else if (verb === 'AUTHENTICATE') {
					door.tokens.push(/Bearer ([^\x01]*)/.exec(
						Buffer.from(word, 'base64').toString())?.[1]);
					socket.write(`${tag} NO [UNAVAILABLE] later\r\n`);
				} else
					socket.write(`${tag} OK\r\n`);
			}
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(door, { port: server.address().port,
		end: () => server.close() });
}

before(async () => {
	giver = await giveTokens();
	dir = mkdtempSync('/tmp/lr-token.');
	const file = `${dir}/secret`;
	chmodSync(dir, 0o755);
	writeFileSync(file, 'se+cr&et\n', { mode: 0o600 });
	house = await stack({ own: true, set: ['google_client_id = cid',
		`google_client_secret_file = ${file}`,
		`google_token_url = ${giver.url}`] });
	execFileSync('chown', [house.user, file]);
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	root = `/api/accounts/${p.account}`;
	ledger = await keepLedger(async () => {}, (token) => giver.open.has(token));
	imap = await imapDoor();
});
after(async () => {
	await house?.end();
	await ledger?.end();
	await giver?.end();
	imap?.end();
	rmSync(dir, { recursive: true, force: true });
});

let count = 0;
async function credential(kind = 'smtp', secret = {}) {
	const refresh = `first-${++count}`;
	giver.refresh.set(refresh, `them-${count}`);
	const { status, text, json } = await member.post(
		`${root}/provider-credentials`, { provider_kind: kind, label: 'x',
			host: '127.0.0.1', port: kind === 'smtp' ? ledger.port : imap.port,
			security_mode: 'none', auth_kind: 'oauth2',
			provider_type: 'google', email_address: 'anna@gmail.test',
			secret: { username: 'anna@gmail.test', refresh_token: refresh,
				...secret } });
	assert.equal(status, 201, text);
	assert.ok(!text.includes(refresh));
	return json.data;
}
const read = async (c) =>
	(await member.get(`/api/provider-credentials/${c.id}`)).json.data ??
	JSON.parse(sql(house, `SELECT row_to_json(r) FROM provider_credential_row r
		WHERE id = ${c.id.slice(3)}`));
const row = (c) => JSON.parse(sql(house, `SELECT row_to_json(c) FROM (SELECT
	status, last_error_code, secret_version, token_lease,
	token_expires_at > now() + interval '50 minutes' AS fresh,
	token_refused_at IS NOT NULL AS refused FROM credential
	WHERE id = ${c.id.slice(3)}) c`));
const told = (c) => JSON.parse(sql(house, `SELECT coalesce(json_agg(
	coalesce(data->>'reason', data->>'status') ORDER BY id), '[]') FROM event WHERE name = 'credential.invalid'
	AND data->>'credential_id' = '${c.id.slice(3)}'`));
const ends = (c, when) => sql(house, `UPDATE credential SET token_expires_at =
	now() + interval '${when}' WHERE id = ${c.id.slice(3)}`);

async function post(c) {
	const { status, text, json } = await member.post(`${root}/smtp/messages`,
		{ credential_id: c.id, to_json: [{ address: 'a@b.test' }],
			text_body: 'x' });
	assert.equal(status, 202, text);
	return json.data.job_id;
}
const job = async (id) => (await member.get(`/api/jobs/${id}`)).json.data;
const pass = (env, words = []) => aside(house, 'bin/letterrack-sync',
	['--quiet', ...words], env);
/** A message is sent by one pass: its job. */
async function send(c) {
	const id = await post(c);
	await pass();
	return job(id);
}

describe('a token', () => {
	test('is asked for before the first use, and kept', async () => {
		const c = await credential();
		const n = giver.asked.length;
		assert.equal((await send(c)).state, 'succeeded');
		assert.equal(giver.asked.length, n + 1);
		const form = giver.asked.at(-1);
		assert.deepEqual([form.get('grant_type'), form.get('refresh_token')],
			['refresh_token', `first-${count}`]);
		assert.deepEqual([row(c).fresh, row(c).status, row(c).token_lease],
			[true, 'valid', null]);
		/* The next one needs none. */
		assert.equal((await send(c)).state, 'succeeded');
		assert.equal(giver.asked.length, n + 1);
	});

	test('is renewed ahead of its end with what came last', async () => {
		const c = await credential();
		await send(c);
		const last = `refresh-${giver.n}`;
		ends(c, '9 minutes');
		assert.equal((await send(c)).state, 'succeeded');
		assert.equal(giver.asked.at(-1).get('refresh_token'), last);
		assert.equal(row(c).fresh, true);
	});

	test('is for IMAP, too', async () => {
		const c = await credential('imap');
		const made = await member.post(`${root}/imap/sync-messages`,
			{ credential_id: c.id });
		await pass();
		assert.equal(imap.tokens.at(-1), `access-${giver.n}`);
		await member.post(`/api/jobs/${made.json.data.job_id}/resolve`,
			{ note: 'x' });
	});

	test('that works goes on while its giver is ill', async (t) => {
		const c = await credential();
		await send(c);
		ends(c, '5 minutes');
		giver.answer = [503, 'ill'];
		t.after(() => { giver.answer = null; });
		assert.equal((await send(c)).state, 'succeeded');
		assert.deepEqual([row(c).refused, row(c).status], [false, 'valid']);
		ends(c, '-1 minutes');
		sql(house, 'UPDATE credential SET token_lease_until = NULL');
		const waits = await send(c);
		assert.deepEqual([waits.state, waits.last_error_code],
			['queued', 'transient_connection']);
		assert.deepEqual(told(c), []);
	});

	test('is renewed once for all who need it', async () => {
		const c = await credential();
		const ids = [await post(c), await post(c), await post(c)];
		const n = giver.asked.length;
		await Promise.all([pass(), pass(), pass()]);
		for (const id of ids)
			assert.equal((await job(id)).state, 'succeeded');
		assert.equal(giver.asked.length, n + 1);
	});
});

describe('one that is refused', () => {
	test('is told at once, and mail goes on until it ends', async () => {
		const c = await credential();
		await send(c);
		giver.refresh.clear();
		ends(c, '9 minutes');
		assert.equal((await send(c)).state, 'succeeded');
		assert.deepEqual([row(c).status, row(c).last_error_code],
			['expired', 'auth_expired']);
		assert.deepEqual(told(c), ['expired']);
		/* It is not asked for again, and told once. */
		const n = giver.asked.length;
		assert.equal((await send(c)).state, 'succeeded');
		assert.deepEqual([giver.asked.length, row(c).status],
			[n, 'expired']);
		ends(c, '-1 minutes');
		const failed = await send(c);
		assert.deepEqual([failed.state, failed.last_error_code],
			['failed', 'auth_expired']);
		assert.deepEqual(told(c), ['expired']);
		/* Signed in anew it works. */
		giver.refresh.set('again', 'again');
		const { status, text } = await member.patch(
			`/api/provider-credentials/${c.id}`, { secret: {
				username: 'anna@gmail.test', refresh_token: 'again' } });
		assert.equal(status, 200, text);
		assert.equal((await send(c)).state, 'succeeded');
		assert.deepEqual([row(c).status, row(c).last_error_code],
			['valid', null]);
	});

	test('shows in a day though nobody uses it', async () => {
		const c = await credential();
		await send(c);
		sql(house, `UPDATE credential SET token_renewed_at = now() -
			interval '25 hours' WHERE id = ${c.id.slice(3)}`);
		giver.refresh.clear();
		await pass();
		await pass();
		assert.deepEqual(told(c), ['expired']);
		assert.equal((await read(c)).status, 'expired');
	});

	test('whose end is known is told of before', async (t) => {
		const c = await credential();
		giver.more = { refresh_token_expires_in: 2 * 86400 };
		t.after(() => { giver.more = {}; });
		assert.equal((await send(c)).state, 'succeeded');
		assert.equal((await send(c)).state, 'succeeded');
		assert.deepEqual(told(c), ['ends']);
		assert.equal(row(c).status, 'valid');
	});
});

describe('killed at', () => {
	for (const point of ['token-intent-before', 'token-effect-before',
		'token-effect-after', 'token-confirm-after'])
		test(`${point} it loses no refresh token`, async () => {
			const c = await credential();
			const id = await post(c);
			const dead = await pass({ LETTERRACK_FAILPOINT: point });
			assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
			/* As if the lease had ended meanwhile. */
			sql(house, `UPDATE credential SET token_lease_until = now()
				WHERE token_lease_until IS NOT NULL`);
			await pass();
			assert.equal((await job(id)).state, 'succeeded');
			ends(c, '1 minute');
			assert.equal((await send(c)).state, 'succeeded');
			assert.deepEqual([row(c).status, row(c).fresh, told(c)],
				['valid', true, []]);
		});
});
