// Events told to webhooks by letterrack-sync: raised by the sync, to receivers
// that answer well, badly, late or never.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { connect, mailbox, message, sync } from '../lib/mail.mjs';
import { Description } from '../lib/openapi.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { endAll, receive, receiveRaw, signedWell }
	from '../lib/receiver.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, imap;

before(async () => {
	house = await stack({ own: true,
		with: ['dovecot', 'sync', 'deliver'] });
	api = client(house);
	imap = await mailbox(house, 'support');
});
after(async () => {
	await endAll();
	await imap?.logout();
	await house?.end();
});

const all = '/api/webhooks';

async function hook(who, url, events = ['*']) {
	const answer = await who.post(all, { url, events });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.webhook;
}

/** Events with running numbers, as one change. */
const raise = (them, n = 1, name = 'note.added') => sql(house, `INSERT INTO
	event (application_id, account_id, name, data) SELECT ${them.application},
	${them.account}, '${name}', json_build_object('n', i)
	FROM generate_series(1, ${n}) i`);

const rows = (them, columns = 'state') => JSON.parse(sql(house, `SELECT
	coalesce(json_agg(d), '[]') FROM (SELECT ${columns} FROM webhook_delivery
	WHERE account_id = ${them.account} ORDER BY id) d`));

const webhook = (id) => JSON.parse(sql(house, `SELECT row_to_json(w) FROM
	(SELECT is_active, failed_attempts, disabled_reason,
	paused_until > now() AS paused FROM webhook WHERE id = ${id}) w`));

/** Waits until it holds. */
async function until(holds, seconds = 20) {
	const end = Date.now() + seconds * 1000;
	while (!holds()) {
		assert.ok(Date.now() < end, `in vain: ${holds}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** Brings what waits for its next try to its time. */
const hurry = (them) => sql(house, `UPDATE webhook SET paused_until = NULL
	WHERE account_id = ${them.account}; UPDATE webhook_delivery SET
	run_at = now() WHERE state = 'queued' AND account_id = ${them.account};
	NOTIFY letterrack_delivery`);

const events = (them, name) => JSON.parse(sql(house, `SELECT
	coalesce(json_agg(data ORDER BY id), '[]') FROM event
	WHERE account_id = ${them.account} AND name = '${name}'`));

describe('a receiver', () => {
	test('is told at once, and signed', async () => {
		const them = people(house);
		const receiver = await receive();
		const { secret, id } = await hook(api.as(them.member), receiver.url);
		const from = Date.now();
		raise(them);
		const [got] = await receiver.until(1);
		assert.ok(got.at - from < 3000, `${got.at - from} ms`);
		signedWell(secret, got);
		assert.equal(got.headers['x-webhook-event'], 'note.added');
		assert.match(got.headers['user-agent'], /^Letterrack\//);
		await until(() => rows(them)[0].state === 'delivered');
		const { json } = await api.as(them.member)
			.get(`${all}/${id}/deliveries`);
		assert.deepEqual(JSON.parse(got.body), json.deliveries[0].payload);
		assert.deepEqual([json.deliveries[0].response_status,
			json.deliveries[0].response_body], [200, 'OK']);
		await receiver.end();
	});
	test('is told all of a thousand, each once', async () => {
		const them = people(house);
		const receiver = await receive();
		await hook(api.as(them.member), receiver.url);
		raise(them, 1000);
		await receiver.until(1000, 60);
		await until(() => rows(them).every((d) => d.state === 'delivered'));
		assert.equal(receiver.told.length, 1000);
		assert.equal(new Set(receiver.told.map((t) => t.id)).size, 1000);
		assert.deepEqual(receiver.told.map((t) => JSON.parse(t.body).data.n)
			.sort((a, b) => a - b), [...Array(1000).keys()].map((n) => n + 1));
		await receiver.end();
	});
	test('that fails is told again, the same, until it takes it', async () => {
		const them = people(house);
		const receiver = await receive((told, answer) => {
			answer.statusCode = receiver.told.length < 3 ? 500 : 204;
			answer.end();
		});
		const { id } = await hook(api.as(them.member), receiver.url);
		raise(them);
		await receiver.until(1);
		await until(() => rows(them)[0].state === 'queued');
		assert.equal(webhook(id).failed_attempts, 1);
		const [{ pause }] = rows(them,
			'extract(epoch FROM run_at - now()) AS pause');
		assert.ok(pause > 1 && pause < 6.1, `${pause}`);
		await receiver.until(2); // by itself
		await until(() => webhook(id).failed_attempts === 2);
		hurry(them);
		await receiver.until(3);
		await until(() => rows(them)[0].state === 'delivered');
		const [a, ...others] = receiver.told;
		for (const b of others) {
			assert.equal(a.id, b.id);
			assert.deepEqual(a.body, b.body);
		}
		assert.equal(webhook(id).failed_attempts, 0);
		await receiver.end();
	});
	test('says when it wants to be asked again', async () => {
		const them = people(house);
		const receiver = await receive((told, answer) => {
			answer.writeHead(503, { 'retry-after': '1000' });
			answer.end();
		});
		await hook(api.as(them.member), receiver.url);
		raise(them);
		await until(() => rows(them)[0].state === 'queued' &&
			receiver.told.length === 1);
		const [{ pause }] = rows(them,
			'extract(epoch FROM run_at - now()) AS pause');
		assert.ok(pause > 980 && pause <= 1000, `${pause}`);
		await receiver.end();
	});
	test('that wants no more is switched off', async () => {
		const them = people(house);
		const receiver = await receive((told, answer) => {
			answer.statusCode = 410;
			answer.end();
		});
		const who = api.as(them.member);
		const { id } = await hook(who, receiver.url);
		raise(them);
		await until(() => rows(them)[0].state === 'dead');
		assert.deepEqual(webhook(id), { is_active: false, failed_attempts: 1,
			disabled_reason: 'The receiver answered 410 Gone.',
			paused: null });
		raise(them);
		assert.equal(rows(them).length, 1);
		const on = await who.put(`${all}/${id}`, { is_active: true });
		assert.equal(on.json.webhook.disabled_reason, null);
		assert.equal(on.json.webhook.failed_attempts, 0);
		await receiver.end();
	});
	test('is given up after 72 hours, and told again by hand', async () => {
		const them = people(house);
		let well = false;
		const receiver = await receive((told, answer) => {
			answer.statusCode = well ? 200 : 500;
			answer.end();
		});
		const who = api.as(them.member);
		await hook(who, receiver.url);
		raise(them);
		await until(() => rows(them)[0].state === 'queued' &&
			receiver.told.length === 1);
		sql(house, `UPDATE webhook_delivery SET give_up_at = now()
			WHERE account_id = ${them.account}`);
		hurry(them);
		await until(() => rows(them)[0].state === 'dead');
		const [{ id }] = rows(them, 'id');
		well = true;
		const { json } = await who.post(`${all}/deliveries/${id}/retry`);
		assert.equal(json.delivery.state, 'delivered');
		await receiver.end();
	});
	test('is not followed to where it redirects', async () => {
		const them = people(house);
		const other = await receive();
		const receiver = await receive((told, answer) => {
			answer.writeHead(307, { location: other.url });
			answer.end();
		});
		await hook(api.as(them.member), receiver.url);
		raise(them);
		await until(() => rows(them, 'last_error')[0].last_error ===
			'status 307');
		assert.equal(other.told.length, 0);
		await Promise.all([receiver.end(), other.end()]);
	});
	test('behind the wall is not reached, and not told apart from none',
		async () => {
			const them = people(house);
			const who = api.as(them.member);
			const { id } = await hook(who, 'http://127.0.0.1:9/');
			const said = new Set();
			for (const url of ['http://10.0.0.1/', 'http://[fd00::1]/',
				'http://169.254.169.254/', 'http://none.invalid/']) {
				sql(house, `UPDATE webhook SET url = '${url}'
					WHERE id = ${id}`);
				const { json } = await who.post(`${all}/${id}/test`);
				assert.equal(json.delivery.response_status, null);
				said.add(json.delivery.last_error);
			}
			assert.equal(said.size, 1, [...said].join());
		});
	for (const [what, talk, error] of [
		['resets', (s) => s.resetAndDestroy(), /./],
		['says nothing and leaves', (s) => s.end(), /./],
		['speaks something else', (s) => s.end('220 mail ESMTP\r\n'), /./],
		['sends a head without end', (s) => {
			s.write('HTTP/1.1 200 OK\r\n');
			const more = () => { while (s.write(`X: ${'x'.repeat(1000)}\r\n`)); };
			s.on('drain', more);
			more();
		}, /head is too long|header/i],
		['sends interim answers without end', (s) => {
			const more = () => {
				while (s.write('HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n'));
			};
			s.on('drain', more);
			more();
		}, /head is too long|header/i],
		['sends a body without end', (s) => {
			s.write('HTTP/1.1 500 No\r\n\r\n');
			const more = () => { while (s.write('x'.repeat(8192))); };
			s.on('drain', more);
			more();
		}, /^status 500$/],
	])
		test(`that ${what} is bounded`, async () => {
			const them = people(house);
			const bad = await receiveRaw(talk);
			await hook(api.as(them.member), bad.url);
			raise(them);
			await until(() => rows(them, 'last_error')[0].last_error !== null,
				8);
			const [d] = rows(them, 'state, last_error, response_body');
			assert.equal(d.state, 'queued');
			assert.match(d.last_error, error);
			assert.ok((d.response_body ?? '').length <= 1024);
			await bad.end();
		});
	test('that is slow delays nobody else, and is cut after ten seconds',
		async () => {
			const slow = people(house);
			const them = people(house);
			const hang = await receiveRaw(() => {});
			const drip = await receiveRaw((s) => {
				s.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
				const timer = setInterval(() => s.write('x'), 500);
				s.on('close', () => clearInterval(timer));
			});
			await hook(api.as(slow.member), hang.url);
			await hook(api.as(slow.member), drip.url);
			raise(slow, 50);
			const receiver = await receive();
			await hook(api.as(them.member), receiver.url);
			await until(() => rows(slow).filter((d) => d.state === 'sending')
				.length >= 16);
			const waits = [];
			for (let i = 1; i <= 20; i++) {
				const from = Date.now();
				raise(them);
				await receiver.until(i);
				waits.push(receiver.told.at(-1).at - from);
			}
			waits.sort((a, b) => a - b);
			assert.ok(waits[10] < 1000 && waits.at(-1) < 3000, `${waits}`);
			assert.ok(rows(slow).filter((d) => d.state === 'sending')
				.length <= 32);
			await until(() => rows(slow, 'last_error').some((d) =>
				d.last_error?.includes('ten seconds')), 15);
			/* Of one that fails, one is under way. */
			await until(() => rows(slow, 'webhook_id, state').filter((d) =>
				d.state === 'sending').length <= 2, 15);
			await Promise.all([hang.end(), drip.end(), receiver.end()]);
		});
	test('that is bad in any way delays none of its own account', async () => {
		const them = people(house);
		const who = api.as(them.member);
		const hang = await receiveRaw(() => {});
		const other = await receive();
		const fails = await receive((told, answer) => {
			answer.statusCode = 500;
			answer.end();
		});
		const moves = await receive((told, answer) => {
			answer.writeHead(302, { location: other.url });
			answer.end();
		});
		const good = await receive();
		for (const bad of [hang, fails, moves])
			await hook(who, bad.url);
		const { id } = await hook(who, 'http://127.0.0.1:9/');
		sql(house, `UPDATE webhook SET url = 'http://10.0.0.1/'
			WHERE id = ${id}`);
		await hook(who, good.url);
		const from = Date.now();
		raise(them, 100);
		await good.until(100);
		/* Less than the time that one who hangs is given. */
		assert.ok(Date.now() - from < 8000, `${Date.now() - from} ms`);
		await until(() => fails.told.length > 0 && moves.told.length > 0);
		assert.equal(other.told.length, 0);
		assert.equal(new Set(good.told.map((t) => t.id)).size, 100);
		await until(() => rows(them, 'webhook_id, last_error').some((d) =>
			d.webhook_id === id && d.last_error !== null));
		await Promise.all([hang, other, fails, moves, good].map((one) =>
			one.end()));
	});
});

describe('events of the sync', () => {
	test('tell of mail that comes, and not of what was there', async () => {
		const them = people(house);
		const who = api.as(them.owner);
		const receiver = await receive();
		await hook(api.as(them.member), receiver.url, ['email.received']);
		await imap.append('INBOX', message({ subject: 'old one' }));
		const credential = await connect(who, them.account, 'support');
		await sync(who, them.account, credential);
		assert.deepEqual(events(them, 'email.received'), []);
		await imap.append('INBOX', message({ subject: 'news "1"' }));
		await imap.append('INBOX', message({ subject: 'news 2' }), ['\\Seen']);
		await imap.append('INBOX', message({ subject: 'a draft' }),
			['\\Draft']);
		await sync(who, them.account, credential);
		await receiver.until(2);
		const told = receiver.told.map((t) => JSON.parse(t.body).data)
			.sort((a, b) => a.uid - b.uid);
		assert.deepEqual(told, events(them, 'email.received'));
		assert.deepEqual(told.map((t) => t.subject), ['news "1"', 'news 2']);
		const [one] = told;
		const { json } = await who.get(`/api/emails/eml_${one.email_id}`);
		assert.equal(json.data.subject, one.subject);
		assert.deepEqual(one.from, json.data.from_json);
		assert.equal(one.folder, 'INBOX');
		await sync(who, them.account, credential);
		assert.equal(events(them, 'email.received').length, 2);
		/* The folder comes back under another UIDVALIDITY. */
		sql(house, `UPDATE mailbox SET uidvalidity = 1
			WHERE account_id = ${them.account};
			UPDATE placement SET uidvalidity = 1
			WHERE account_id = ${them.account}`);
		await sync(who, them.account, credential);
		assert.equal(events(them, 'email.received').length, 2);
		await imap.append('INBOX', message({ subject: 'news 3' }));
		await sync(who, them.account, credential);
		assert.deepEqual(events(them, 'email.received').map((e) => e.subject),
			['news "1"', 'news 2', 'news 3']);
		await receiver.end();
	});
	test('tell of a credential that is refused, and a job that has failed',
		async () => {
			const them = people(house);
			const who = api.as(them.owner);
			const credential = await connect(who, them.account, 'support',
				{ secret: { username: 'support@letterrack.test',
					password: 'wrong' } });
			const { json } = await who.post(
				`/api/accounts/${them.account}/imap/sync-messages`,
				{ credential_id: credential.id });
			await until(() => events(them, 'job.failed').length === 1);
			const id = Number(String(credential.id).replace('pc_', ''));
			assert.deepEqual(events(them, 'credential.invalid').map((e) =>
				[e.credential_id, e.status]), [[id, 'invalid']]);
			const [failed] = events(them, 'job.failed');
			assert.deepEqual([`job_${failed.job_id}`, failed.action,
				failed.credential_id, failed.last_error_code],
			[json.data.job_id, 'imap_sync_messages', id, 'auth_failed']);
		});
	test('are what the description says', async () => {
		const description = new Description([
			(await api.get('/openapi.json')).json]);
		const told = JSON.parse(sql(house, `SELECT coalesce(json_agg(b), '[]')
			FROM (SELECT event_body(id, name, created_at, account_id,
			data::text)::json AS b FROM event
			WHERE name <> 'note.added') e`));
		assert.ok(new Set(told.map((b) => b.event)).size >= 3);
		assert.deepEqual(told.map((b) => description.told(b))
			.filter(Boolean), []);
		const bad = structuredClone(told[0]);
		delete bad.data[Object.keys(bad.data)[0]];
		assert.match(description.told(bad), /must have required property/);
	});
	test('of a personal mail account are told to no webhook', async () => {
		const them = people(house);
		const who = api.as(them.member);
		await hook(who, 'http://127.0.0.1:9/');
		const credential = await connect(who, them.account, 'support');
		const id = String(credential.id).replace('pc_', '');
		sql(house, `UPDATE credential SET user_id = ${them.member.user}
			WHERE id = ${id}; UPDATE credential SET status = 'invalid'
			WHERE id = ${id}`);
		assert.equal(events(them, 'credential.invalid').length, 1);
		assert.deepEqual(rows(them), []);
	});
});

describe('classes of work', () => {
	test('do what they are for', async () => {
		await house.stop('deliver');
		await house.stop('sync');
		const pass = async (...words) => {
			const { status, err } = await aside(house,
				'bin/letterrack-sync', words);
			assert.equal(status, 0, err);
		};
		const them = people(house);
		const receiver = await receive();
		await hook(api.as(them.member), receiver.url);
		raise(them);
		for (const other of ['imap', 'send', 'house']) {
			await pass('--only', other);
			assert.equal(rows(them)[0].state, 'queued', other);
		}
		await pass('--only', 'send', '--only', 'deliver');
		assert.equal(rows(them)[0].state, 'delivered');
		raise(them);
		await pass();
		assert.deepEqual(rows(them).map((d) => d.state),
			['delivered', 'delivered']);
		await receiver.end();
	});
});
