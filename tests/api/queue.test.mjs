// What operators see of the work and do about it: letterrackctl status, queue.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl, pass, well } from '../lib/ctl.mjs';
import { connect, ended } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { receive } from '../lib/receiver.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, p, member, bad, job, app;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'],
		trustProxy: true });
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	p = people(house);
	app = ['--application', String(p.application)];
	member = client(house).as({ cookie: p.member.cookie });
	bad = await connect(member, p.account, 'support', {
		secret: { username: 'support@letterrack.test', password: 'no' } });
	job = (await ask()).json.data.job_id;
	await ended(member, job);
});
after(() => house?.end());

const ask = () => member.post(`/api/accounts/${p.account}/imap/sync-messages`,
	{ credential_id: bad.id });
const queue = (...words) => ctl(house, ['queue', ...words, ...app]);
const status = () => JSON.parse(well(house, ['status', '--json']));
const state = async (id = job) =>
	(await member.get(`/api/jobs/${id}`)).json.data.state;

describe('letterrackctl queue', () => {
	test('lists jobs that have failed, and shows why', () => {
		const list = queue('list');
		assert.equal(list.status, 0, list.err);
		assert.match(list.out, new RegExp(
			`^${job}\\t.*\\tfailed\\timap_sync_messages\\t.*auth_failed$`, 'm'));
		const { out } = queue('show', job);
		assert.match(out, /^detail +\S/m);
		assert.match(out, /^failed +20\d\d-/m);
	});
	test('knows no others', () => {
		for (const words of [['show', 'job_999999'], ['retry', 'job_999999']])
			assert.notEqual(queue(...words).status, 0);
		assert.notEqual(queue('show').status, 0);
		const elsewhere = ctl(house, ['queue', 'show', job]);
		assert.notEqual(elsewhere.status, 0);
	});
	test('pauses work and lets it go on', async () => {
		well(house, ['queue', 'pause']);
		assert.equal(status().paused, true);
		const again = queue('retry', job);
		assert.equal(again.status, 0, again.err);
		well(house, ['queue', 'drain']);
		const receiver = await receive();
		await member.post('/api/webhooks',
			{ url: receiver.url, events: ['*'] });
		sql(house, `INSERT INTO event (application_id, account_id, name, data)
			SELECT ${p.application}, ${p.account}, 'note.added', '{}'`);
		// A pass finds nothing to do, and ends.
		pass(house);
		assert.equal(receiver.told.length, 0);
		assert.match(queue('list').out, new RegExp(`^${job}\\t.*\\tqueued\\t`, 'm'));
		assert.equal(await state(), 'queued');
		well(house, ['queue', 'resume']);
		await receiver.until(1);
		await receiver.end();
		assert.equal((await ended(member, job)).state, 'failed');
		assert.equal(status().paused, false);
	});
	test('resolves with a note, once', async () => {
		assert.equal(queue('resolve', '--note', 'Seen to.', job).status, 0);
		const { data } = (await member.get(`/api/jobs/${job}`)).json;
		assert.deepEqual([data.state, data.note], ['resolved', 'Seen to.']);
		assert.notEqual(queue('resolve', job).status, 0);
		assert.notEqual(queue('retry', job).status, 0);
	});
	test('is remembered', () => {
		const seen = sql(house, `SELECT string_agg(DISTINCT action, ' ')
			FROM audit WHERE detail = 'letterrackctl'`);
		for (const what of ['queue.pause', 'queue.resume', 'job.retry',
			'job.resolve'])
			assert.ok(seen.split(' ').includes(what), seen);
	});
});

describe('letterrackctl status', () => {
	test('tells how it goes', async () => {
		const now = status();
		assert.ok(now.schema >= 95);
		assert.equal(now.workers_here, 1);
		assert.equal(now.credentials_invalid, 1);
		assert.deepEqual(now.syncs.map((s) => [s.credential_id, s.status]),
			[[bad.id, 'invalid']]);
		await house.stop('sync');
		assert.equal(status().workers_here, 0);
		const { json } = await ask();
		sql(house, `UPDATE job SET run_at = now() - interval '1 hour'
			WHERE id = ${json.data.job_id.slice(4)}`);
		const later = status();
		assert.ok(later.oldest_due_seconds >= 3600);
		const waits = later.jobs.find((j) => j.state === 'queued');
		assert.deepEqual([waits.action, waits.n], ['imap_sync_messages', 1]);
		const out = well(house, ['status']);
		assert.match(out, /^jobs queued +1 imap_sync_messages$/m);
	});
});

describe('GET /api/metrics', () => {
	const metrics = (more = {}) => client(house).get('/api/metrics', more);
	test('is for peers of status_allow, and for who has the token',
		async () => {
			const from = { 'x-forwarded-for': '203.0.113.9' };
			for (const more of [from, { ...from, authorization: 'Bearer x' }]) {
				const { status, json } = await metrics(more);
				assert.deepEqual([status, json.code], [403, 'FORBIDDEN']);
			}
			assert.equal((await metrics({ ...from, authorization:
				`Bearer ${house.metrics_token}` })).status, 200);
		});
	test('tells a monitor what waits', async () => {
		await house.stop('sync');
		sql(house, `DELETE FROM task; DELETE FROM webhook_delivery`);
		await ask();
		sql(house, `UPDATE job SET run_at = now() - interval '1 hour'`);
		const { status, headers, text } = await metrics();
		assert.equal(status, 200, text);
		assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
		assert.match(text, /^# TYPE letterrack_jobs gauge$/m);
		assert.match(text, new RegExp('^letterrack_jobs\\{state="queued",' +
			'action="imap_sync_messages"\\} 1$', 'm'));
		assert.match(text, /^letterrack_jobs_oldest_due_seconds 36\d\d$/m);
		assert.match(text, /^letterrack_deliveries_oldest_due_seconds 0$/m);
		assert.match(text, /^letterrack_messages_oldest_due_seconds 0$/m);
		for (const line of text.trim().split('\n'))
			assert.match(line, new RegExp('^(#|letterrack_\\w+(\\{[^}]+\\})? -?\\d+$|' +
				'(emails_held_total|emails_released_24h) \\d+$|' +
				'interception_latency_ms_median (\\d+|NaN)$)'));
	});
});
