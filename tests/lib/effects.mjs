// Work of all kinds, and where it comes to: webhooks at a receiver, mail of the
// service and of an account at a mail server, mail that is synced in a mailbox.
// What is told, sent and stored is counted there, outside the system.
//
//	const all = await effects(house);         // with Dovecot
//	const want = await all.work(n);           // some of each, by the dice
//	await all.worker('a');                    // letterrack-sync on a host
//	await all.settle();
//	assert.deepEqual(all.faults(want), []);
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { client } from './api.mjs';
import { connect, mailbox, message } from './mail.mjs';
import { people } from './people.mjs';
import { receive } from './receiver.mjs';
import { roll } from './rounds.mjs';
import { standIn } from './smtp-stand-in.mjs';
import { sql } from './sql.mjs';

/** letterrack-sync as a cron run on a host: of its own name, and with a
 * directory of its own. */
function start(house, server, host, env, words) {
	const child = spawn('unshare', ['--uts', 'sh', '-c',
		'hostname "$0" && exec "$@"', `host-${host}`, 'setpriv',
		`--reuid=${house.user}`, `--regid=${house.user}`, '--clear-groups',
		'--', 'env', `LETTERRACK_STATE_DIR=${house.state}/host-${host}`,
		...Object.entries(env).map(([name, value]) => `${name}=${value}`),
		`${house.prefix}/bin/letterrack-sync`, ...words], {
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf,
			LETTERRACK_SYSTEM_SMTP_PORT: String(server.port),
			LETTERRACK_SYSTEM_SMTP_SECURITY: 'none',
			LETTERRACK_SYSTEM_SMTP_USER: '' },
		stdio: ['ignore', 'ignore', 'pipe'] });
	let err = '';
	child.stderr.on('data', (piece) => { err += piece; });
	const end = once(child, 'close').then(([status, signal]) =>
		({ status, signal, err }));
	return Object.assign(end, { child });
}

const times = (list, id) => list.filter((other) => other === id).length;

export async function effects(house) {
	for (const host of ['a', 'b'])
		execFileSync('install', ['-d', '-o', house.user, '-g', house.user,
			`${house.state}/host-${host}`]);
	const server = await standIn();
	const receiver = await receive();
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	const p = people(house);
	const member = client(house).as({ cookie: p.member.cookie });
	const root = `/api/accounts/${p.account}`;
	const imap = await mailbox(house, 'support');
	await connect(member, p.account, 'support', { sync_mode: 'poll' });
	const out = await member.post(`${root}/provider-credentials`, {
		provider_kind: 'smtp', label: 'out', host: '127.0.0.1',
		port: server.port, security_mode: 'none',
		email_address: 'anna@letterrack.test',
		secret: { username: 'anna', password: 'x' } });
	assert.equal(out.status, 201, out.text);

	const worker = (host, env = {}, words = []) =>
		start(house, server, host, env, words);
	/* The first poll finds folders that nobody knows, and tells of none. */
	const first = await worker('a');
	assert.equal(first.status, 0, first.err);
	const hook = await member.post('/api/webhooks',
		{ url: receiver.url,
			/* Not of threads: when mail comes into one depends on who syncs. */
			events: ['note.added', 'email.received', 'email.sent',
				'email.failed', 'credential.invalid', 'job.failed'] });
	assert.equal(hook.status, 201, hook.text);

	const raise = (n) => sql(house, `INSERT INTO event (application_id,
		account_id, name, data) SELECT ${p.application}, ${p.account},
		'note.added', json_build_object('n', i)
		FROM generate_series(1, ${n}) i`);

	/** Mail of the service; the beginning of its Message-ID. */
	function notice() {
		const stem = randomBytes(16).toString('hex');
		sql(house, `SELECT door_outgoing_add(${p.application}, 'test',
			'anna@letterrack.test', '${stem}', convert_to('To: '
			|| 'anna@letterrack.test' || E'\\r\\n\\r\\n' || 'Hello.'
			|| E'\\r\\n', 'UTF8'))`);
		return stem;
	}

	/** Mail of the account. */
	async function letter() {
		const { status, text, json } = await member.post(
			`${root}/smtp/messages`, { credential_id: out.json.data.id,
				to_json: [{ address: 'bert@elsewhere.test' }],
				subject: 'Once', text_body: 'Hello.\n' });
		assert.equal(status, 202, text);
		return sql(house, `SELECT substring(message_id from '<(.*)@')
			FROM submission WHERE task_id = ${json.data.task_id.slice(4)}`);
	}

	function forget() {
		sql(house, `DELETE FROM task; DELETE FROM log; DELETE FROM submission;
			TRUNCATE webhook_delivery; DELETE FROM outgoing`);
		receiver.told.length = server.came.length = 0;
	}

	const left = () => Number(sql(house, `SELECT (SELECT count(*) FROM job
		WHERE state IN ('queued', 'running')) + (SELECT count(*) FROM outgoing
		WHERE state IN ('queued', 'sending')) + (SELECT count(*)
		FROM webhook_delivery WHERE state IN ('queued', 'sending'))`));

	const waiting = () => sql(house, `SELECT string_agg(t, ' ') FROM (
		SELECT concat_ws(':', action, state, attempt_count, lease_until - now(),
		last_error_code) AS t FROM job WHERE state IN ('queued', 'running')
		UNION ALL SELECT concat_ws(':', 'mail', state, lease_until - now())
		FROM outgoing WHERE state IN ('queued', 'sending')
		UNION ALL SELECT concat_ws(':', 'delivery', state, run_at - now())
		FROM webhook_delivery WHERE state IN ('queued', 'sending')) x`);

	const hurry = () => sql(house, `UPDATE webhook SET paused_until = NULL,
		failed_attempts = 0 WHERE failed_attempts > 0;
		UPDATE webhook_delivery SET run_at = now()
		WHERE state = 'queued' AND run_at > now();
		UPDATE outgoing SET run_at = now() WHERE state = 'queued'
		AND run_at > now();
		UPDATE job SET run_at = now() WHERE state = 'queued'
		AND run_at > now()`);

	/** What of it was told: { stem: [state, bytes] } */
	const rows = () => new Map(sql(house, `SELECT stem || '|' || state || '|' ||
		body FROM webhook_delivery`).split('\n').filter(Boolean).map((line) => {
		const [stem, state, ...body] = line.split('|');
		return [stem, { state, body: body.join('|') }];
	}));

	/** Mail -> its state. */
	const mails = () => new Map(sql(house, `SELECT stem, state FROM outgoing
		UNION ALL SELECT substring(message_id from '<(.*)@'), state
		FROM submission`).split('\n').filter(Boolean).map((l) => l.split('|')));

	return {
		raise, notice, letter, forget, left, worker, receiver, server, p,
		/** One round's work; what is to come of it. */
		async work(n) {
			forget();
			const events = 1 + roll(n, 40);
			raise(events);
			const mailed = [notice(), notice(), await letter(),
				await letter(), await letter()];
			/* Equal bytes would be the same email in another place. */
			await imap.append('INBOX', message({
				subject: randomBytes(8).toString('hex') }));
			sql(house, `UPDATE credential SET next_poll_at = now()
				WHERE account_id = ${p.account} AND provider_kind = 'imap'`);
			/* Of the mail that comes, and of what was sent. */
			return { events: events + 1 + 3, mailed,
				jobs: 'imap_fetch_text:1:1:succeeded:1 ' +
				'imap_sync_messages:1:1:succeeded:1 ' +
				'smtp_send_message:3:1:succeeded:3' };
		},
		/** Runs until nothing is left; what waits for its time need not. Each
		 * host gives back what its own dead workers held. */
		async settle(bad = [0]) {
			for (let i = 0; left() > 0; i++) {
				assert.ok(i < 30, `something is never done: ${waiting()}`);
				if (i > 0)
					hurry();
				const { status, err } = await worker('ab'[i % 2]);
				assert.ok(bad.includes(status), err);
			}
		},
		/** What did not happen once, in words. */
		faults({ events, mailed, jobs }) {
			const bad = [];
			const once = (what, list, id) => times(list, id) !== 1 &&
				bad.push(`${what} ${id} came ${times(list, id)} times`);
			const stems = receiver.told.map((t) => t.id);
			const known = rows();
			if (known.size !== events)
				bad.push(`${known.size} deliveries of ${events} events`);
			for (const stem of known.keys())
				once('delivery', stems, stem);
			for (const id of mailed)
				once('mail', server.came, id);
			if (stems.length !== known.size)
				bad.push(`${stems.length} posts, ${known.size} deliveries`);
			if (server.came.length !== mailed.length)
				bad.push(`${server.came.length} mails, not ${mailed.length}`);
			const runs = sql(house, `SELECT string_agg(t, ' ' ORDER BY t)
				FROM (SELECT concat_ws(':', action, count(*),
				max(attempt_count), min(state), (SELECT count(*) FROM log
				WHERE subject = 'job' AND log.action = job.action)) AS t
				FROM job GROUP BY action) x`);
			if (runs !== jobs)
				bad.push(`jobs: ${runs}, not ${jobs}`);
			return bad;
		},
		/** The same where something came between: a webhook may be told once
		 * more, the same; of mail one may be unknown, and none comes twice. */
		lost({ events, mailed }) {
			const bad = [];
			const known = rows(), state = mails();
			const raised = sql(house, `SELECT count(*) FROM webhook_delivery
				WHERE event_type = 'note.added'`);
			if (raised !== String(events - 4))
				bad.push(`${raised} deliveries of ${events - 4} events`);
			for (const [stem, d] of known) {
				const told = receiver.told.filter((t) => t.id === stem);
				if (told.length === 0)
					bad.push(`delivery ${stem} is ${d.state}, and did not come`);
				if (told.some((t) => t.body.toString() !== d.body))
					bad.push(`delivery ${stem} had other bytes`);
			}
			for (const id of mailed) {
				const n = times(server.came, id), word = state.get(id);
				if (n > 1)
					bad.push(`mail ${id} came ${n} times`);
				if (n === 0 && word !== 'unknown')
					bad.push(`mail ${id} is ${word}, and did not come`);
				if (!['accepted', 'unknown'].includes(word))
					bad.push(`mail ${id} ends as ${word}`);
			}
			for (const id of new Set(server.came))
				if (!state.has(id))
					bad.push(`mail ${id} is nobody's`);
			const told = sql(house, `SELECT count(*) FROM webhook_delivery
				WHERE event_type = 'email.received'`);
			if (told !== '1')
				bad.push(`of one mail that came ${told} were told`);
			return bad;
		},
		async end() {
			await imap.logout().catch(() => {});
			await receiver.end();
			await server.end();
		},
	};
}
