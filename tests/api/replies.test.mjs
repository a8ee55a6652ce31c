// What people answer with: saved replies of an account, signatures of a user, and
// mail that is sent with one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, p, member, owner, viewer, stranger;

before(async () => {
	house = await stack({ own: true });
	api = client(house);
	p = people(house);
	[member, owner, viewer, stranger] = ['member', 'owner', 'viewer', 'stranger']
		.map((who) => api.as({ cookie: p[who].cookie }));
});
after(() => house?.end());

describe('saved replies', () => {
	const ALL = '/api/saved-replies';
	let id;
	test('are made, listed, shown, changed and removed', async () => {
		const made = await member.post(ALL, { name: 'Thanks',
			body_text: 'Thank you,\nwe are on it.' });
		assert.equal(made.status, 201, made.text);
		assert.deepEqual(made.json, { success: true,
			saved_reply_id: made.json.saved_reply_id,
			message: 'Saved reply created successfully' });
		id = made.json.saved_reply_id;
		const { json } = await viewer.get(`${ALL}/${id}`);
		assert.deepEqual([json.saved_reply.name, json.saved_reply.body_text,
			json.saved_reply.body_html, json.saved_reply.user_id],
		['Thanks', 'Thank you,\nwe are on it.', null, p.member.user]);
		assert.equal((await owner.put(`${ALL}/${id}`, { name: 'Many thanks',
			subject: 'Re: yours' })).status, 200);
		const list = (await member.get(ALL)).json;
		assert.equal(list.total, 1);
		assert.deepEqual([list.saved_replies[0].name,
			list.saved_replies[0].subject, list.saved_replies[0].body_text],
		['Many thanks', 'Re: yours', 'Thank you,\nwe are on it.']);
	});
	test('have a name each', async () => {
		const { status, json } = await member.post(ALL, { name: 'MANY thanks',
			body_text: 'x' });
		assert.deepEqual([status, json.code], [400, 'VALIDATION_ERROR']);
	});
	test('are the account\'s, and no viewer\'s to change', async () => {
		assert.deepEqual((await stranger.get(ALL)).json.saved_replies, []);
		const gone = await stranger.get(`${ALL}/${id}`);
		assert.deepEqual([gone.status, gone.json.code],
			[404, 'SAVED_REPLY_NOT_FOUND']);
		for (const [method, path, body] of [['post', '', { name: 'a',
			body_text: 'b' }], ['put', `/${id}`, { name: 'a' }],
			['delete', `/${id}`]])
			assert.equal((await viewer[method](`${ALL}${path}`, body)).status,
				403);
		assert.equal((await member.delete(`${ALL}/${id}`)).status, 200);
		assert.equal((await member.get(`${ALL}/${id}`)).status, 404);
	});
});

describe('signatures', () => {
	const ALL = '/api/user/signatures';
	const make = async (who, body) => {
		const made = await who.post(ALL, body);
		assert.equal(made.status, 201, made.text);
		return made.json.signature_id;
	};
	let first, second;
	test('are made and changed, one of them the default', async () => {
		first = await make(member, { name: 'Work', body_text: 'Mia\nSales',
			is_default: true });
		second = await make(member, { name: 'Short', body_text: 'M <3',
			body_html: '<b>M</b>', is_default: true });
		const defaults = async () => (await member.get(ALL)).json.signatures
			.filter((s) => s.is_default).map((s) => s.id);
		assert.deepEqual(await defaults(), [second]);
		assert.equal((await member.post(`${ALL}/${first}/set-default`)).status,
			200);
		assert.deepEqual(await defaults(), [first]);
		assert.equal((await member.put(`${ALL}/${second}`,
			{ name: 'Work' })).status, 400);
		assert.equal((await member.put(`${ALL}/${second}`,
			{ body_text: 'Mia' })).status, 200);
		const { json } = await member.get(`${ALL}/${second}`);
		assert.deepEqual([json.signature.name, json.signature.body_text,
			json.signature.body_html], ['Short', 'Mia', '<b>M</b>']);
	});
	test('are nobody else\'s, an owner\'s neither', async () => {
		for (const who of [owner, viewer, stranger,
			api.as({ cookie: p.admin.cookie })]) {
			assert.deepEqual((await who.get(ALL)).json.signatures, []);
			for (const [method, path, body] of [['get', ''],
				['put', '', { name: 'x' }], ['delete', ''],
				['post', '/set-default', {}]])
				assert.equal((await who[method](`${ALL}/${first}${path}`,
					body)).status, 404, `${method} ${path}`);
		}
	});
	test('stand below what is sent', async () => {
		const smtp = await owner.post(
			`/api/accounts/${p.account}/provider-credentials`, {
				provider_kind: 'smtp', host: '127.0.0.1', port: 9,
				security_mode: 'none', email_address: 'mia@example.org',
				is_default: true, secret: { username: 'a', password: 'b' } });
		assert.equal(smtp.status, 201, smtp.text);
		const send = (who, more) => who.post('/api/emails/send', {
			to: 'b@example.org', subject: 'signed', ...more });
		const sent = await send(member, { body_text: 'Hello.',
			body_html: '<p>Hello.</p>', signature_id: first });
		assert.equal(sent.status, 201, sent.text);
		const bytes = Buffer.from(sql(house, `SELECT encode(message, 'base64')
			FROM submission WHERE email_id = ${sent.json.email.id}`), 'base64')
			.toString();
		assert.match(bytes, /Hello\.\r\n\r\n-- ?(=20)?\r\nMia\r\nSales/);
		assert.match(bytes, /<p>Hello\.<\/p><br><br>-- <br>/);
		const theirs = await send(owner, { body_text: 'x',
			signature_id: first });
		assert.equal(theirs.status, 400);
		assert.match(theirs.text, /signature_id/);
	});
	test('go', async () => {
		for (const id of [first, second])
			assert.equal((await member.delete(`${ALL}/${id}`)).status, 200);
		assert.equal((await member.get(ALL)).json.total, 0);
	});
});
