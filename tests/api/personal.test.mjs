// Personal mail accounts: as the document prints them, their owner's alone, and
// mail that is copied out of them into a shared inbox, once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { connect, emailOf, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const ALL = '/api/user/imap-accounts';

let house, api, p, member, admin, owner, viewer, imap, shared, target;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	api = client(house);
	p = people(house);
	[member, admin, owner, viewer] = ['member', 'admin', 'owner', 'viewer'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	imap = await mailbox(house, 'anna');
	shared = await mailbox(house, 'support');
	target = await connect(owner, p.account, 'support');
	await sync(owner, p.account, target);
});
after(async () => {
	await imap?.logout();
	await shared?.logout();
	await house?.end();
});

const wish = (more = {}) => ({ email: 'anna@letterrack.test',
	password: 'letterrack', imap_host: '127.0.0.1',
	imap_port: Number(house.imap_port), imap_encryption: 'none', ...more });
async function make(who, more) {
	const answer = await who.post(ALL, wish(more));
	assert.equal(answer.status, 200, answer.text);
	return answer.json.data;
}

describe('a personal mail account', () => {
	let mine;
	test('is shown as it was stored, without its password', async () => {
		mine = await make(member, { imap_username: 'anna@letterrack.test' });
		const { created_at, updated_at, ...rest } = mine;
		assert.deepEqual(rest, { id: mine.id, email: 'anna@letterrack.test',
			imap_host: '127.0.0.1', imap_port: Number(house.imap_port),
			imap_username: 'anna@letterrack.test', imap_encryption: 'none',
			is_default: false, is_active: true, last_sync_at: null });
		assert.equal(typeof mine.id, 'number');
		for (const at of [created_at, updated_at])
			assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		const one = await member.get(`${ALL}/${mine.id}`);
		assert.deepEqual(one.json, { success: true, data: mine });
		const { json } = await member.get(ALL);
		assert.deepEqual(json, { success: true, data: [mine], count: 1 });
		assert.equal((await member.get(`${ALL}/pc_${mine.id}`)).status, 200);
	});
	test('is nobody else\'s, not an admin\'s nor the owner\'s', async () => {
		const missing = await admin.get(`${ALL}/987654321`);
		assert.deepEqual([missing.status, missing.json.code],
			[404, 'ACCOUNT_NOT_FOUND']);
		for (const who of [admin, owner, viewer]) {
			assert.deepEqual((await who.get(ALL)).json.data, []);
			for (const [method, path, body] of [['get', ''],
				['put', '', { is_active: false }], ['delete', ''],
				['post', '/test-connection', {}]])
				assert.equal((await who[method](`${ALL}/${mine.id}${path}`,
					body)).status, 404, `${method} ${path}`);
		}
		assert.equal((await admin.post(`${ALL}/${mine.id}/transfer`, {
			email_ids: [1], target_credential_id: target.id })).status, 404);
		assert.equal((await owner.get(
			`/api/provider-credentials/${mine.id}`)).status, 404);
		assert.equal((await member.get(`${ALL}/${mine.id}`)).json.data
			.is_active, true);
	});
	test('is no shared one under this path', async () => {
		assert.equal((await owner.get(`${ALL}/${target.id}`)).status, 404);
		assert.equal((await owner.delete(`${ALL}/${target.id}`)).status, 404);
	});
	test('is one of an address, for each user', async () => {
		for (const email of ['anna@letterrack.test', 'Anna@Letterrack.test']) {
			const { status, json } = await member.post(ALL, wish({ email }));
			assert.deepEqual([status, json.code], [400, 'VALIDATION_ERROR']);
			assert.match(JSON.stringify(json.details), /email/);
		}
		const theirs = await make(viewer);
		assert.equal((await viewer.delete(`${ALL}/${theirs.id}`)).status, 200);
	});
	for (const [what, field, more] of [
		['no address', 'email', { email: undefined }],
		['what is no address', 'email', { email: 'anna' }],
		['no password', 'password', { password: undefined }],
		['no host', 'imap_host', { imap_host: undefined }],
		['what is no host', 'imap_host', { imap_host: 'a b' }],
		['an unknown encryption', 'imap_encryption',
			{ imap_encryption: 'rot13' }],
		['no encryption to a foreign host', 'imap_encryption',
			{ imap_host: 'imap.example.org' }],
	])
		test(`is refused with ${what}`, async () => {
			const { status, json } = await member.post(ALL,
				wish({ email: 'b@x.test', ...more }));
			assert.deepEqual([status, json.code], [400, 'VALIDATION_ERROR']);
			assert.match(JSON.stringify(json.details), new RegExp(field));
		});
	test('says whether it works', async () => {
		const good = await member.post(`${ALL}/${mine.id}/test-connection`);
		assert.deepEqual([good.status, good.json],
			[200, { success: true, message: 'Connection successful' }]);
		const wrong = await make(member, { email: 'wrong@letterrack.test',
			password: 'not it' });
		const bad = await member.post(`${ALL}/${wrong.id}/test-connection`);
		assert.deepEqual([bad.status, bad.json], [200, { success: false,
			message: 'Connection failed: Invalid credentials' }]);
		const { json } = await member.put(`${ALL}/${wrong.id}`, {
			password: 'letterrack', imap_username: 'anna@letterrack.test' });
		assert.equal(json.data.imap_username, 'anna@letterrack.test');
		assert.equal((await member.post(`${ALL}/${wrong.id}/test-connection`))
			.json.success, true);
		const gone = await member.delete(`${ALL}/${wrong.id}`);
		assert.deepEqual(gone.json, { success: true,
			message: 'Account deleted successfully' });
		assert.equal((await member.get(`${ALL}/${wrong.id}`)).status, 404);
	});
	test('leads its password nowhere else', async () => {
		for (const more of [{ imap_host: 'localhost' }, { imap_port: 1 },
			{ imap_encryption: 'ssl' }, { imap_username: 'bob' }]) {
			const { status, json } = await member.put(`${ALL}/${mine.id}`,
				more);
			assert.equal(status, 400, JSON.stringify(more));
			assert.match(JSON.stringify(json.details), /password/);
		}
		const same = await member.put(`${ALL}/${mine.id}`, mine);
		assert.equal(same.status, 200, same.text);
		assert.deepEqual({ ...same.json.data, updated_at: '' },
			{ ...mine, updated_at: '' });
	});
	test('is the default beside the shared ones\'', async () => {
		sql(house, `UPDATE credential SET is_default = true
			WHERE id = ${target.id.replace('pc_', '')}`);
		await member.put(`${ALL}/${mine.id}`, { is_default: true });
		assert.equal(sql(house, `SELECT string_agg(is_default::text, ',')
			FROM credential WHERE id IN (${mine.id},
			${target.id.replace('pc_', '')})`), 'true,true');
	});
	test('is not polled', async () => {
		assert.equal(sql(house, `SELECT count(*) FROM job
			WHERE credential_id = ${mine.id}`), '0');
	});
});

describe('mail is copied into a shared inbox', () => {
	let mine, letters;
	const letter = (n) => message({ subject: `transfer ${n}`,
		more: `X-Number: ${n}\n`, body: `\nLetter ${n}.\n` });

	/** How often each subject lies there. */
	async function lies(folder) {
		const seen = {};
		const lock = await shared.getMailboxLock(folder);
		try {
			await shared.noop();
			if (shared.mailbox.exists > 0)
				for await (const m of shared.fetch('1:*', { envelope: true }))
					seen[m.envelope.subject] =
						(seen[m.envelope.subject] ?? 0) + 1;
		} finally {
			lock.release();
		}
		return seen;
	}

	before(async () => {
		const { json } = await member.get(ALL);
		mine = json.data[0];
		for (const n of [1, 2, 3])
			await imap.append('INBOX', letter(n), [],
				new Date('2026-01-02T03:04:05Z'));
		await sync(member, p.account, { id: `pc_${mine.id}` });
		letters = [];
		for (const n of [1, 2, 3])
			letters.push(await emailOf(member, p.account, `transfer ${n}`));
		assert.notEqual((await member.get(`${ALL}/${mine.id}`)).json.data
			.last_sync_at, null);
	});

	const transfer = (n, more = {}, who = member) => who.post(
		`${ALL}/${mine.id}/transfer`, {
			email_ids: n.map((i) => Number(letters[i - 1].id.slice(4))),
			target_credential_id: target.id, ...more });

	test('whole, at its time, and once however often it is asked for',
		async () => {
			for (const n of [[1, 2], [1, 2], [2, 2, 1]]) {
				const { status, json, text } = await transfer(n);
				assert.equal(status, 200, text);
				assert.deepEqual([json.data.done, json.data.failed], [2, 0],
					text);
			}
			const seen = await lies('INBOX');
			assert.deepEqual([seen['transfer 1'], seen['transfer 2'],
				seen['transfer 3']], [1, 1, undefined]);
			const lock = await shared.getMailboxLock('INBOX');
			const [uid] = await shared.search({ subject: 'transfer 1' },
				{ uid: true });
			const got = await shared.fetchOne(uid, { source: true,
				internalDate: true }, { uid: true });
			lock.release();
			assert.equal(got.source.toString(), letter(1).toString());
			assert.equal(new Date(got.internalDate).toISOString(),
				'2026-01-02T03:04:05.000Z');
		});
	test('and is seen there by everybody', async () => {
		for (let i = 0; i < 200; i++) {
			const { json } = await owner.get(`/api/accounts/${p.account}/emails` +
				'?q=transfer%201');
			if (json.data.length === 1)
				return;
			await new Promise((done) => { setTimeout(done, 50); });
		}
		assert.fail('it was not synced');
	});
	test('not where it may not be put', async () => {
		const theirs = await connect(owner, p.other, 'sales').catch(() => null);
		assert.equal(theirs, null);
		for (const [more, field] of [
			[{ target_credential_id: `pc_${mine.id}` },
				'target_credential_id'],
			[{ target_credential_id: 987654321 }, 'target_credential_id'],
			[{ target_folder: 'No such' }, 'target_folder'],
			[{ email_ids: [987654321] }, 'email_ids']]) {
			const { status, json } = await transfer([3], more);
			assert.equal(status, 400, JSON.stringify(more));
			assert.match(JSON.stringify(json.details), new RegExp(field));
		}
		assert.equal((await lies('INBOX'))['transfer 3'], undefined);
	});
	test('not by viewers', async () => {
		assert.equal((await transfer([3], {}, viewer)).status, 403);
	});
	test('and what its server has no more is told', async () => {
		const lock = await imap.getMailboxLock('INBOX');
		await imap.messageDelete({ subject: 'transfer 3' });
		lock.release();
		const { json } = await transfer([3]);
		assert.deepEqual([json.data.done, json.data.failed], [0, 1]);
		assert.equal(json.data.emails[0].error_code,
			'email_part_metadata_out_of_sync');
	});
});
