// Two applications with two accounts each, rows in them for each kind of id that
// a path, a query or a body names, and everybody of capabilities.mjs.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { machine } from './machine.mjs';
import { people } from './people.mjs';
import { sign, signingKey, parts } from './tokens.mjs';

export const CANARY = 'canary-of-a-body';

/** What only rows of others are found by; see `theirs`. */
export const THEIRS = 'nobody';

const webhook = (a) => `WITH a (app, acc) AS (VALUES (${a})), k AS (INSERT INTO
	data_key (application_id, account_id, wrapped, retired_at) SELECT app, acc,
	'x', now() FROM a RETURNING id), w AS (INSERT INTO webhook (application_id,
	account_id, url, events, secret, secret_key_id) SELECT app, acc,
	'http://127.0.0.1:9/', '{*}', 'x', k.id FROM a, k RETURNING id)`;

/** SQL of a row in an account `a` ("application, account"); `before` is the id
 * that stands before it in the path. */
const made = {
	provider_credential_id: (a) => `INSERT INTO credential (application_id,
		account_id, provider_kind, host, port, security_mode) VALUES (${a},
		'imap', '127.0.0.1', 9, 'none') RETURNING id`,
	saved_reply_id: (a) => `INSERT INTO saved_reply (application_id, account_id,
		name, body_text) VALUES (${a}, gen_random_uuid(), 'x') RETURNING id`,
	subscription_id: (a) => `INSERT INTO subscription (application_id,
		account_id, stripe_id, customer_id, status) VALUES (${a},
		gen_random_uuid(), 'cus_x', 'active') RETURNING id`,
	signature_id: (a) => `WITH a (app, acc) AS (VALUES (${a})), u AS (INSERT INTO
		app_user (application_id, email) SELECT app, gen_random_uuid() ||
		'@x.test' FROM a RETURNING id) INSERT INTO signature (application_id,
		account_id, user_id, name, body_text) SELECT app, acc, id,
		gen_random_uuid(), 'x' FROM a, u RETURNING id`,
	imap_account_id: (a) => made.provider_credential_id(a),
	/* that was held once */
	email_id: (a) => `WITH e AS (INSERT INTO email (application_id, account_id,
		subject, snippet, received_at) VALUES (${a}, 'Hello', '${CANARY}',
		now()) RETURNING application_id, account_id, id), p AS (INSERT INTO
		email_part (application_id, account_id, email_id, part_number, position,
		content_type) SELECT application_id, account_id, id, '2', 2,
		'text/plain' FROM e), old AS (SELECT id FROM credential WHERE label =
		'of holds' AND account_id = (ARRAY[${a}])[2]), c AS (INSERT INTO
		credential (application_id, account_id, provider_kind, host, port,
		security_mode, label) SELECT application_id, account_id, 'imap',
		'127.0.0.1', 9, 'none', 'of holds' FROM e WHERE NOT EXISTS (SELECT
		FROM old) RETURNING id), h AS (INSERT INTO hold (application_id,
		account_id, email_id, credential_id, state, why, preview) SELECT
		application_id, account_id, e.id, k.id, 'released', 'hand',
		'${CANARY}' FROM e, (TABLE old UNION ALL TABLE c) k)
		SELECT id FROM e`,
	event_id: (a) => `INSERT INTO event (application_id, account_id, name, data)
		VALUES (${a}, 'note.added', '{}') RETURNING id`,
	/* with a mail in it */
	mailbox_id: (a) => `WITH a (app, acc) AS (VALUES (${a})), c AS (INSERT INTO
		credential (application_id, account_id, provider_kind, host, port,
		security_mode) SELECT app, acc, 'imap', '127.0.0.1', 9, 'none' FROM a
		RETURNING id), m AS (INSERT INTO mailbox (application_id, account_id,
		credential_id, name, wire_name) SELECT app, acc, id, 'x',
		gen_random_uuid() FROM a, c RETURNING id, credential_id), e AS (INSERT
		INTO email (application_id, account_id, credential_id, mailbox_id,
		uid, subject, snippet, received_at) SELECT app, acc, credential_id,
		m.id, 1, 'Hello', '${CANARY}', now() FROM a, m RETURNING id, mailbox_id)
		SELECT mailbox_id FROM e`,
	task_id: (a) => `INSERT INTO task (application_id, account_id, task_type)
		VALUES (${a}, 'imap_sync_mailboxes') RETURNING id`,
	job_id: (a) => `WITH t AS (INSERT INTO task (application_id, account_id,
		task_type) VALUES (${a}, 'x') RETURNING id) INSERT INTO job
		(application_id, account_id, task_id, action, state) SELECT ${a}, id,
		'imap_sync_mailboxes', 'failed' FROM t RETURNING id`,
	log_id: (a) => `INSERT INTO log (application_id, account_id, subject,
		action, status) VALUES (${a}, 'job', 'retry', 'failed') RETURNING id`,
	part_id: (a, email) => `INSERT INTO email_part (application_id, account_id,
		email_id, part_number, position, content_type) VALUES (${a}, ${email},
		'1', 1, 'text/plain') RETURNING id`,
	attachment_id: (a, email) => made.part_id(a, email),
	member_id: (a) => `WITH a (app, acc) AS (VALUES (${a})), u AS (INSERT INTO
		app_user (application_id, email) SELECT app, gen_random_uuid() ||
		'@x.test' FROM a RETURNING id) INSERT INTO membership (application_id,
		account_id, user_id, role) SELECT app, acc, id, 'viewer' FROM a, u
		RETURNING id`,
	client_id: (a) => `INSERT INTO client (id, secret_hash, application_id,
		account_id) VALUES ('cid_' || gen_random_uuid(), 'x', ${a})
		RETURNING id`,
	/* with a delivery */
	webhook_id: (a) => `${webhook(a)}, d AS (INSERT INTO webhook_delivery
		(application_id, account_id, webhook_id, event_id, event_type, body)
		SELECT app, acc, w.id, 1, 'note.added', '"${CANARY}"' FROM a, w)
		SELECT id FROM w`,
	rule_id: (a) => `INSERT INTO rule (application_id, account_id, name, type,
		operator, value, action, priority) VALUES (${a}, 'x', 'keyword',
		'contains', 'x', 'hold', 1) RETURNING id`,
	delivery_id: (a, its) => `${webhook(a)} INSERT INTO webhook_delivery
		(application_id, account_id, webhook_id, event_id, event_type, body)
		SELECT app, acc, ${its ?? 'w.id'}, 1, 'note.added', '"${CANARY}"'
		FROM a, w RETURNING id`,
	label_id: (a) => `INSERT INTO label (application_id, account_id, name, color)
		VALUES (${a}, gen_random_uuid(), 'red') RETURNING id`,
	thread_id: (a) => `INSERT INTO thread (application_id, account_id, subject)
		VALUES (${a}, 'Hello') RETURNING id`,
	note_id: (a, its) => `WITH a (app, acc) AS (VALUES (${a})), t AS (INSERT
		INTO thread (application_id, account_id, subject) SELECT app, acc,
		'Hello' FROM a RETURNING id) INSERT INTO note (application_id,
		account_id, thread_id, content, position) SELECT app, acc,
		${its ?? 't.id'}, 'Hello', 1 FROM a, t RETURNING id`,
	application_id: (a) => `SELECT (ARRAY[${a}])[1]`,
	account_id: (a) => `SELECT (ARRAY[${a}])[2]`,
	/* a user's */
	id: (a) => `INSERT INTO app_user (application_id, email)
		VALUES ((ARRAY[${a}])[1], gen_random_uuid() || '@x.test') RETURNING id`,
};

/** Of all but what hangs on another. */
export const kinds = Object.keys(made).filter((kind) =>
	!['part_id', 'attachment_id'].includes(kind));

export const rows = (db) => async (kind, { application, account }, before) => {
	assert.ok(made[kind], `no row is known for {${kind}}: add one to \`made\``);
	return (await db.ask(made[kind](`${application}, ${account}`, before)))
		.split('\n')[0];
};

/** What rows() has made there goes. */
export const clear = (db, { account }) => db.ask(`
	DELETE FROM app_user u USING membership m WHERE m.user_id = u.id
		AND m.account_id = ${account} AND u.email ~ '^[0-9a-f-]{36}@x.test$';
	DELETE FROM client WHERE account_id = ${account}
		AND id ~ '^cid_[0-9a-f-]{36}$';
	DELETE FROM label WHERE account_id = ${account} AND NOT is_system;
	DELETE FROM account a WHERE parent_account_id = ${account} AND NOT EXISTS
		(SELECT FROM membership m WHERE m.account_id = a.id);
	${['webhook', 'rule', 'email', 'note', 'thread', 'saved_reply', 'signature',
		'event', 'job', 'task', 'log', 'mailbox', 'credential']
		.map((t) => `DELETE FROM ${t} WHERE account_id = ${account}`)
		.join('; ')}`);

/** Rows that what one asks of one's own account would hit, if it were not for
 * the account: alike in all but that. */
export async function theirs(db, { application, account }) {
	const a = `${application}, ${account}`;
	await db.ask(`INSERT INTO email (application_id, account_id, subject,
		received_at) VALUES (${a}, '${THEIRS}', '1999-01-01')`);
	await db.ask(`INSERT INTO log (application_id, account_id, subject,
		action, status, message, created_at) VALUES (${a}, 'job', 'retry',
		'failed', '${THEIRS}', '1999-01-01')`);
	await db.ask(`INSERT INTO job (application_id, account_id, task_id, action,
		state, note, created_at) SELECT ${a}, ${await rows(db)('task_id',
		{ application, account })}, 'imap_sync_mailboxes', 'failed',
		'${THEIRS}', '1999-01-01'`);
	for (const kind of ['imap', 'smtp'])
		await db.ask(`INSERT INTO credential (application_id, account_id,
			provider_kind, host, port, security_mode, is_default)
			VALUES (${a}, '${kind}', '127.0.0.1', 9, 'none', true)`);
}

/** Tasks that wait there are in the queue, and what has failed is again. */
export const queued = (db, { account }) => db.ask(`UPDATE job
	SET state = 'queued' WHERE account_id = ${account} AND state = 'failed';
	WITH t AS (UPDATE task SET state = 'queued' WHERE account_id = ${account}
	AND state = 'pending' RETURNING application_id, account_id, id)
	INSERT INTO job (application_id, account_id, task_id, action, state)
	SELECT application_id, account_id, id, 'imap_sync_mailboxes', 'queued'
	FROM t`);

/** Mail there lies where a server has it. */
export const stored = (db, { account }, mailbox) => db.ask(`WITH e AS (UPDATE
	email e SET credential_id = m.credential_id, mailbox_id = m.id,
	uid = e.id % 1000000000 FROM mailbox m WHERE m.id = ${mailbox}
	AND e.account_id = ${account} AND e.uid IS NULL
	RETURNING e.application_id, e.account_id, m.id AS mailbox, e.id, e.uid)
	INSERT INTO placement (application_id, account_id, mailbox_id, uidvalidity,
	uid, email_id) SELECT application_id, account_id, mailbox, 1, uid, id
	FROM e`);

/** Rows of which no path has the number: what happened there, a child, and what
 * these users have in both accounts. */
export async function unnamed(db, { application, account }, users) {
	const a = `${application}, ${account}`;
	await db.ask(`INSERT INTO event (application_id, account_id, name, data)
		VALUES (${a}, 'note.added', '{"n": 1}')`);
	await db.ask(`INSERT INTO account (application_id, parent_account_id, name)
		VALUES (${a}, gen_random_uuid())`);
	await db.ask(`INSERT INTO review_setting (application_id, account_id,
		review_policy, hold_expiry_days) VALUES (${a}, 'four_eyes', 9)
		ON CONFLICT (account_id) DO NOTHING`);
	await db.ask(`INSERT INTO counter (application_id, account_id, name, n)
		VALUES (${a}, 'emails', 7) ON CONFLICT (account_id, name)
		DO UPDATE SET n = counter.n + 7`);
	for (const user of users)
		await personal(db, { application, account }, user);
}

/** A personal mail account of a user there, and a signature; its address. */
export async function personal(db, { application, account }, user) {
	const address = `${randomBytes(6).toString('hex')}@x.test`;
	const a = `${application}, ${account}, ${user}`;
	await db.ask(`INSERT INTO credential (application_id, account_id, user_id,
		provider_kind, host, port, security_mode, email_address)
		VALUES (${a}, 'imap', '127.0.0.1', 9, 'none', '${address}')`);
	await db.ask(`INSERT INTO signature (application_id, account_id, user_id,
		name, body_text, is_default) VALUES (${a}, '${address}', 'x', NOT EXISTS
		(SELECT FROM signature WHERE account_id = ${account}
		AND user_id = ${user} AND is_default))`);
	return address;
}

const LABELS_MOST = 100; // as in src/domain/label.h

/** What others have already, and one may have nevertheless: the body, and what
 * stands in the head. `post` asks the same operation before. */
export const crowds = {
	'POST /api/accounts/{account_id}/invite': async (db, place) => [{
		email: await db.ask(`SELECT email FROM app_user WHERE id =
			${(await another(db, place, 'member')).user}`), role: 'viewer' }],
	'POST /api/user/imap-accounts': async (db, place, user) => [{
		email: await personal(db, place, user), password: 'a',
		imap_host: '127.0.0.1', imap_port: 9, imap_encryption: 'none' }],
	'POST /api/labels': async (db, { application, account }, user, post) => {
		const word = () => randomBytes(6).toString('hex');
		const [mine, theirs] = [word(), word()];
		await post({ name: word() }, { 'idempotency-key': mine });
		await db.ask(`INSERT INTO idempotency (application_id, account_id,
			actor, route, key, request_hash, status, made)
			SELECT ${application}, ${account}, actor, route, '${theirs}', sha256('x'),
			status, made FROM idempotency WHERE key = '${mine}'`);
		await db.ask(`INSERT INTO label (application_id, account_id, name,
			color) SELECT ${application}, ${account}, gen_random_uuid(), 'red'
			FROM generate_series(1, ${LABELS_MOST})`);
		return [{ name: word() }, { 'idempotency-key': theirs }];
	},
};

/** What makes such a row one of a personal mail account. */
export const owns = {
	provider_credential_id: (id, c, user) => `UPDATE credential
		SET user_id = ${user} WHERE id = ${id}`,
	email_id: (id, c) => `UPDATE email SET credential_id = ${c}
		WHERE id = ${id}`,
	mailbox_id: (id, c) => `UPDATE mailbox SET credential_id = ${c}
		WHERE id = ${id}`,
	task_id: (id, c) => `UPDATE task SET target_credential_id = ${c}
		WHERE id = ${id}`,
	job_id: (id, c) => `UPDATE job SET credential_id = ${c} WHERE id = ${id}`,
	log_id: (id, c, user) => `UPDATE log SET user_id = ${user}
		WHERE id = ${id}`,
	part_id: (id, c) => `UPDATE email SET credential_id = ${c} WHERE id =
		(SELECT email_id FROM email_part WHERE id = ${id})`,
	attachment_id: (id, c) => owns.part_id(id, c),
};

/** Makes a row of such a kind the user's own; others do not find it. */
export const own = {
	signature_id: (id, user) => `UPDATE signature SET user_id = ${user}
		WHERE id = ${id}`,
	imap_account_id: (id, user) => `UPDATE credential SET user_id = ${user}
		WHERE id = ${id}`,
};

/** Kinds of rows that never hang on a mail account. */
export const shared = new Set(['account_id', 'saved_reply_id', 'webhook_id',
	'delivery_id', 'rule_id', 'label_id', 'thread_id', 'note_id',
	'subscription_id']);

/** Somebody more in an account: { user, cookie }. */
export async function another(db, { application, account }, role) {
	const cookie = randomBytes(32).toString('base64url');
	const hash = createHash('sha256').update(cookie).digest('hex');
	const user = await db.ask(`WITH u AS (INSERT INTO app_user (application_id,
		email, active_account_id) VALUES (${application}, '${hash}@x.test',
		${account}) RETURNING id), m AS (INSERT INTO membership
		(application_id, account_id, user_id, role) SELECT ${application},
		${account}, id, '${role}' FROM u), s AS (INSERT INTO session
		(application_id, user_id, token_hash, idle_seconds, expires_at)
		SELECT ${application}, id, '\\x${hash}', 3600,
		now() + interval '1 day' FROM u) SELECT id FROM u`);
	return { user: Number(user), cookie };
}

/* What ends the rights of a member. */
const ends = {
	'signed out': (u) => `UPDATE session SET ended_at = now()
		WHERE user_id = ${u}`,
	'switched off': (u) => `UPDATE app_user SET is_active = false
		WHERE id = ${u}`,
	removed: (u) => `DELETE FROM membership WHERE user_id = ${u}`,
	demoted: (u) => `UPDATE membership SET role = 'viewer'
		WHERE user_id = ${u}`,
};

async function tokenOf(api, person, account) {
	const answer = await api.as(person)
		.post(`/api/accounts/${account}/token`, {});
	assert.equal(answer.status, 200, answer.text);
	return answer.json.data.access_token;
}

async function fallen(api, db, p) {
	const all = {};
	for (const [how, end] of Object.entries(ends)) {
		const who = await another(db, p, 'member');
		const token = await tokenOf(api, who, p.account);
		await db.ask(end(who.user));
		all[`cookie, ${how}`] = { cookie: who.cookie, user: who.user };
		all[`token, ${how}`] = { token, user: who.user };
	}
	const late = await another(db, p, 'owner');
	await db.ask(`UPDATE session SET expires_at = now() - interval '1 second'
		WHERE user_id = ${late.user}`);
	all['cookie, expired'] = { cookie: late.cookie };
	return all;
}

async function machines(house, db, p) {
	const ended = machine(house, p, { role: 'owner' });
	await db.ask(`UPDATE client SET is_active = false
		WHERE id = '${ended.id}'`);
	return {
		'token, ended machine': { token: ended.token },
		machine: { token: machine(house, p).token },
		'machine for admins': { token: machine(house, p,
			{ admin: true }).token },
	};
}

/** { ours, sibling, twin: { application, account }, p, everybody: name → who },
 * each who { cookie or token, user }. */
export async function cast(house, api, db) {
	const mark = `ours-${randomBytes(4).toString('hex')}`;
	const p = people(house, mark), twin = people(house);
	const everybody = {
		anonymous: {},
		'cookie of nobody': { cookie: 'A'.repeat(43) },
		...await fallen(api, db, p),
		...await machines(house, db, p),
	};
	const add = async (name, person, account) => {
		everybody[`${name}'s cookie`] = person;
		everybody[`${name}'s token`] = { user: person.user,
			token: await tokenOf(api, person, account) };
	};
	for (const role of ['viewer', 'member', 'owner', 'admin'])
		await add(role, p[role], p.account);
	await add('stranger', p.stranger, p.other);
	await add('twin', twin.owner, twin.account);
	await add('twin admin', twin.admin, twin.account);
	const { header, payload } = parts(everybody['owner\'s token'].token);
	everybody['token, expired'] = { token: sign(signingKey(house).key, header,
		{ ...payload, iat: payload.iat - 900, exp: payload.iat - 60 }) };
	everybody['token, forged'] = { token: sign(generateKeyPairSync('rsa',
		{ modulusLength: 2048 }).privateKey, header, payload) };
	return {
		p, mark, everybody,
		ours: { application: p.application, account: p.account },
		sibling: { application: p.application, account: p.other },
		twin: { application: twin.application, account: twin.account },
	};
}
